"""The reader of CIFAR-10's binary version, against files that are damaged, swapped or malicious.

The files here have 20 records each in place of 10,000, and hashes of their own.
"""

import gzip
import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from cnninv import cifar10
from cnninv.cifar10 import CLASSES, FOLDER, HASHES, META, RECORD, TEST, read_cifar10

NUMBER = 20
FIRST = 10


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def batch(seed, labels=None):
    rng = np.random.default_rng(seed)
    records = rng.integers(0, 256, (NUMBER, RECORD), dtype=np.uint8)
    records[:, 0] = rng.permutation(np.arange(NUMBER) % 10) if labels is None else labels
    return records.tobytes()


@pytest.fixture
def contents(monkeypatch):
    """Six small official files by name."""
    files = {name: batch(seed) for seed, name in enumerate(HASHES)}
    monkeypatch.setattr(cifar10, "RECORDS", NUMBER)
    monkeypatch.setattr(cifar10, "FIRST", FIRST)
    monkeypatch.setattr(cifar10, "HASHES", {name: sha256(c) for name, c in files.items()})
    monkeypatch.setattr(cifar10, "FIRST_HASH", sha256(files[TEST][: FIRST * RECORD]))
    return files


@pytest.fixture
def folder(contents, tmp_path):
    place = tmp_path / FOLDER
    place.mkdir()
    for name, content in contents.items():
        (place / name).write_bytes(content)
    (place / META).write_text("\n".join(CLASSES) + "\n\n")
    return place


def pack(path, members):
    """A .tar.gz of (name or TarInfo, content)."""
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def official(contents):
    return [(f"{FOLDER}/{name}", content) for name, content in contents.items()]


def check(images, contents):
    assert images.images.shape == (5 * NUMBER, 3, 32, 32)
    assert images.images.dtype == images.labels.dtype == np.uint8
    for number, (name, content) in enumerate(contents.items()):
        record = np.frombuffer(content[:RECORD], np.uint8)
        red_green_blue = record[1:].reshape(3, 32, 32)
        if name == TEST:
            assert np.array_equal(images.test_images[0], red_green_blue)
            assert images.test_labels[0] == record[0]
        else:
            assert np.array_equal(images.images[number * NUMBER], red_green_blue)
            assert images.labels[number * NUMBER] == record[0]
    assert images.classes == CLASSES
    assert images.test_parts == {"original": slice(0, NUMBER)}


def test_a_folder_of_files_is_read(folder, contents):
    check(read_cifar10(folder), contents)


def test_the_folder_above_is_read(folder, contents):
    check(read_cifar10(str(folder.parent)), contents)


def test_the_archive_is_read_without_unpacking_and_in_any_order(contents, tmp_path):
    members = [(f"{FOLDER}/readme.html", b"<p>"), *reversed(official(contents))]
    path = pack(tmp_path / "cifar-10-binary.tar.gz", members)
    check(read_cifar10(path), contents)
    check(read_cifar10(tmp_path), contents)
    assert [file.name for file in tmp_path.iterdir()] == ["cifar-10-binary.tar.gz"]


def test_what_data_fetch_has_fetched_is_the_default(contents, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNINV_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="cnninv data fetch cifar10"):
        read_cifar10()
    pack(tmp_path / "cifar-10-binary.tar.gz", official(contents))
    check(read_cifar10(), contents)


def test_a_test_file_restored_from_jpegs_is_told_apart(folder, contents):
    first = contents[TEST][: FIRST * RECORD]
    labels = np.frombuffer(first, np.uint8).reshape(FIRST, RECORD)[:, 0]
    missing = np.repeat(np.arange(10), NUMBER // 10 - np.bincount(labels, minlength=10))
    others = np.frombuffer(batch(9), np.uint8).reshape(NUMBER, RECORD)[: NUMBER - FIRST].copy()
    others[:, 0] = missing
    (folder / TEST).write_bytes(first + others.tobytes())
    parts = read_cifar10(folder).test_parts
    assert parts == {"original": slice(0, FIRST), "JPEG quality": slice(FIRST, NUMBER)}
    # the same pixels in another order are neither
    (folder / TEST).write_bytes(first + others[::-1].tobytes())
    with pytest.raises(ValueError, match=r"test_batch.bin has SHA-256 .*; expected"):
        read_cifar10(folder)
    # nor is a file of which the first records differ
    changed = bytearray(first + others.tobytes())
    changed[5] ^= 1
    (folder / TEST).write_bytes(changed)
    with pytest.raises(ValueError, match=r"test_batch.bin has SHA-256 .*; expected"):
        read_cifar10(folder)


@pytest.mark.parametrize("name", list(HASHES))
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing; expected all of data_batch_1"):
        read_cifar10(folder)


@pytest.mark.parametrize("name", list(HASHES))
@pytest.mark.parametrize("size", [0, 1, RECORD, NUMBER * RECORD - 1])
def test_a_truncated_file_is_refused(folder, name, size):
    with (folder / name).open("r+b") as file:
        file.truncate(size)
    with pytest.raises(ValueError, match=f"{name} has {size} bytes; expected {NUMBER * RECORD}"):
        read_cifar10(folder)


def test_a_file_that_is_too_long_is_refused_without_reading_it_all(folder):
    with (folder / TEST).open("r+b") as file:
        file.truncate(2**40)  # sparse: takes no disk
    with pytest.raises(ValueError, match=f"{TEST} has more than {NUMBER * RECORD} bytes"):
        read_cifar10(folder)


def test_swapped_files_are_told_by_name(folder, contents):
    (folder / "data_batch_2.bin").write_bytes(contents["data_batch_3.bin"])
    with pytest.raises(ValueError, match=r"data_batch_2.bin has SHA-256 .*; that is data_batch_3"):
        read_cifar10(folder)
    (folder / "data_batch_2.bin").write_bytes(contents["data_batch_2.bin"])
    (folder / TEST).write_bytes(contents["data_batch_1.bin"])
    with pytest.raises(ValueError, match=r"test_batch.bin has SHA-256 .*; that is data_batch_1"):
        read_cifar10(folder)


@pytest.mark.parametrize("name", list(HASHES))
def test_one_changed_bit_is_noticed(folder, contents, name):
    content = bytearray(contents[name])
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} has SHA-256 .*; expected"):
        read_cifar10(folder)


def test_a_label_above_9_is_refused_by_its_record(folder, contents):
    content = bytearray(contents["data_batch_4.bin"])
    content[3 * RECORD] = 10
    (folder / "data_batch_4.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"has the label 10 in record 3; expected 0 … 9"):
        read_cifar10(folder)


@pytest.mark.parametrize("text", ["cat\ndog\n", "", "\xff" * 100, "\n".join(reversed(CLASSES))])
def test_other_names_of_classes_are_refused(folder, contents, text, tmp_path):
    (folder / META).write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=f"{META} names .*; expected airplane, automobile"):
        read_cifar10(folder)
    meta = (f"{FOLDER}/{META}", text.encode("latin-1"))
    path = pack(tmp_path / "a.tar.gz", [meta, *official(contents)])
    with pytest.raises(ValueError, match=f"{META} names"):
        read_cifar10(path)


@pytest.mark.parametrize("prefix", ["..", "../..", "/", f"{FOLDER}/..", f"/{FOLDER}", "other"])
def test_members_elsewhere_are_passed_over_and_nothing_is_written(contents, tmp_path, prefix):
    (tmp_path / "inside").mkdir()
    members = [(f"{prefix}/{name}", content) for name, content in contents.items()]
    path = pack(tmp_path / "inside" / "a.tar.gz", members)
    with pytest.raises(FileNotFoundError, match=r"data_batch_1.bin, .* is missing"):
        read_cifar10(path)
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")) == [
        "inside",
        "inside/a.tar.gz",
    ]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_not_followed(contents, tmp_path, kind):
    info = tarfile.TarInfo(f"{FOLDER}/{TEST}")
    info.type, info.linkname = kind, f"{FOLDER}/data_batch_1.bin"
    members = [member for member in official(contents) if TEST not in member[0]]
    path = pack(tmp_path / "a.tar.gz", [*members, (info, b"")])
    with pytest.raises(FileNotFoundError, match=r"test_batch\.bin is missing"):
        read_cifar10(path)


def test_a_member_that_comes_twice_is_refused(contents, tmp_path):
    path = pack(tmp_path / "a.tar.gz", official(contents) + official(contents)[:1])
    with pytest.raises(ValueError, match=r"data_batch_1\.bin is there twice"):
        read_cifar10(path)


def test_an_archive_of_huge_members_is_refused(contents, tmp_path):
    path = pack(tmp_path / "a.tar.gz", [("bomb", bytes(NUMBER * RECORD + 1))])
    with pytest.raises(ValueError, match="'bomb' has 61461 bytes; no file of CIFAR-10 has more"):
        read_cifar10(path)


def test_a_damaged_archive_is_refused(contents, tmp_path):
    """Cut anywhere, or with a byte changed anywhere."""
    whole = pack(tmp_path / "a.tar.gz", official(contents)).read_bytes()
    path, rng = tmp_path / "b.tar.gz", np.random.default_rng(0)
    for cut in (0, 1, 5, 10, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises((ValueError, FileNotFoundError), match=r"b\.tar\.gz"):
            read_cifar10(path)
    for place in [*rng.integers(10, len(whole), 30), len(whole) - 5, len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        with pytest.raises((ValueError, FileNotFoundError), match=r"b\.tar\.gz"):
            read_cifar10(path)


def test_damaged_headers_of_the_tar_are_refused_or_do_not_matter(contents, tmp_path):
    """Bytes of headers changed, and compressed again, so that only the tar shows it."""
    archive = pack(tmp_path / "a.tar.gz", official(contents))
    whole, path, rng = (
        gzip.decompress(archive.read_bytes()),
        tmp_path / "b.tar.gz",
        np.random.default_rng(1),
    )
    step = 512 * (1 + -(-NUMBER * RECORD // 512))
    messages = []
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[step * int(rng.integers(0, 6)) + int(rng.integers(0, 512))] = int(
            rng.integers(0, 256)
        )
        path.write_bytes(gzip.compress(bytes(damaged), 0))
        try:
            check(read_cifar10(path), contents)
        except (ValueError, FileNotFoundError) as error:
            messages.append(str(error))
    assert messages
    assert all("b.tar.gz" in message for message in messages)


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no tar", mtime=0), bytes(1024)]
)
def test_a_file_that_is_no_archive_is_refused(contents, tmp_path, content):
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises((ValueError, FileNotFoundError), match=r"x\.tar\.gz"):
        read_cifar10(path)


def test_the_real_files_from_a_folder(shared_data, tmp_path_factory):
    """What `make_cifar10_bin.py` writes: the training files are the official ones, byte for byte."""
    script = shared_data / "make_cifar10_bin.py"
    if not script.is_file():
        pytest.skip("needs ../shared/data/make_cifar10_bin.py")
    import runpy

    out = tmp_path_factory.mktemp("cifar10")
    runpy.run_path(str(script))["main"](out)
    images = read_cifar10(out)
    assert images.test_parts == {"original": slice(0, 1000), "JPEG quality": slice(1000, 10_000)}
    assert (np.bincount(images.labels) == 5000).all()
    assert repr(images) == "ImageSet(CIFAR-10: 50000 + 10000 images, 3 × 32 × 32, 10 classes)"
    # the means that everybody uses
    means = images.images.mean(axis=(0, 2, 3)) / 255
    assert np.allclose(means, [0.4914, 0.4822, 0.4465], atol=5e-5)
    shutil.rmtree(Path(out))
