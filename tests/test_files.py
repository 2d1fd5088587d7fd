import pytest

from cnninv.files import output_folder, read_json, sha256, write_json, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_json(path, {"ours": 1})

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cnninv.files.os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"half")
    assert read_json(path) == {"ours": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_folder_is_made(tmp_path):
    assert output_folder(tmp_path / "a" / "b").is_dir()


def test_an_output_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OSError, match=r"--out = .* cannot be written to"):
        output_folder(tmp_path / "out")


def test_what_is_no_json_is_named(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json is no JSON file"):
        read_json(path)


def test_the_hash_is_sha256(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
