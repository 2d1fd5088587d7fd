from cnninv.cli import main
from cnninv.files import data_folder, read_json


def test_every_shipped_file_is_in_the_manifest_with_its_hash(capsys):
    assert main(["data", "verify"]) == 0, capsys.readouterr().out
    listed = {entry["file"] for entry in read_json(data_folder() / "manifest.json")}
    tools = {"manifest.json", "record.py"}
    shipped = {
        path.relative_to(data_folder()).as_posix()
        for path in data_folder().rglob("*")
        if path.is_file() and path.name not in tools and "__pycache__" not in path.parts
    }
    assert shipped == listed


def test_a_changed_file_is_found(tmp_path, monkeypatch, capsys):
    (tmp_path / "paper.json").write_text("[]")
    entry = '[{"file": "paper.json", "origin": "x", "sha256": "0"}, {"file": "y", "origin": "", "sha256": "0"}]'
    (tmp_path / "manifest.json").write_text(entry)
    monkeypatch.setattr("cnninv.cli.data_folder", lambda: tmp_path)
    assert main(["data", "verify"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "paper.json: differs from its hash",
        "y: missing",
    ]
