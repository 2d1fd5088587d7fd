"""Checkpoints: whole or not at all, and one clear error for whatever is no checkpoint of this network."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from cnninv.training import read_checkpoint, write_checkpoint

ARRAYS = {"conv1.filters": np.arange(18.0).reshape(2, 1, 3, 3), "conv1.norm.scale": np.ones(2)}
SHAPES = {name: array.shape for name, array in ARRAYS.items()}


@pytest.fixture
def path(tmp_path):
    write_checkpoint(tmp_path / "c.npz", ARRAYS, {"epoch": 3, "name": "Φ"})
    return tmp_path / "c.npz"


def refused(path, match="no checkpoint of this network, or damaged"):
    with pytest.raises(ValueError, match=match) as error:
        read_checkpoint(path, SHAPES)
    assert "\n" not in str(error.value)


def test_what_is_written_is_read(path):
    arrays, facts = read_checkpoint(path, SHAPES)
    assert facts == {"version": 1, "epoch": 3, "name": "Φ"}
    assert arrays.keys() == ARRAYS.keys()
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


def test_a_failed_write_leaves_the_old_one(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_checkpoint(path, ARRAYS, {"epoch": 4})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_truncated_file_is_refused_at_every_length(path):
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        refused(path)


def test_a_flipped_byte_is_refused_or_changes_nothing(path):
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            arrays, facts = read_checkpoint(path, SHAPES)
        except ValueError:
            refused(path)
        else:
            assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
            assert facts["epoch"] == 3


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        read_checkpoint(tmp_path / "none.npz", SHAPES)


FACTS = np.frombuffer(b'{"version": 1}', np.uint8)
HOSTILE = {
    "no facts": dict(ARRAYS),
    "no version": ARRAYS | {"facts": np.frombuffer(b"{}", np.uint8)},
    "facts that are no JSON": ARRAYS | {"facts": np.frombuffer(b"{", np.uint8)},
    "facts that are a list": ARRAYS | {"facts": np.frombuffer(b"[1]", np.uint8)},
    "facts that are floats": ARRAYS | {"facts": np.ones(2)},
    "an array less": {"facts": FACTS, "conv1.filters": ARRAYS["conv1.filters"]},
    "an array more": ARRAYS | {"facts": FACTS, "extra": np.ones(1)},
    "another shape": ARRAYS | {"facts": FACTS, "conv1.norm.scale": np.ones(3)},
    "text": ARRAYS | {"facts": FACTS, "conv1.norm.scale": np.array(["a", "b"])},
    "NaN": ARRAYS | {"facts": FACTS, "conv1.norm.scale": np.array([1, np.nan])},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_archives_of_other_things_are_refused(path, what):
    np.savez(path, **HOSTILE[what])
    refused(path)


def test_nothing_is_unpickled(path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    content = io.BytesIO()
    np.save(content, np.array([Evil(), 1], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("facts.npy", content.getvalue())
    refused(path)
    path.write_bytes(pickle.dumps({"version": 1}))
    refused(path)


def test_a_bomb_is_refused_before_it_is_unpacked(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("facts.npy", b"\0" * 2**26)
    assert path.stat().st_size < 2**18
    refused(path, "at most .* belong to this network")


def test_other_files(path):
    for content in (
        b"",
        b"PK",
        b"{}",
        json.dumps({"version": 1}).encode(),
        b"\x93NUMPY" + b"\0" * 80,
    ):
        path.write_bytes(content)
        refused(path)
