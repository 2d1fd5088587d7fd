"""CIFAR-10 (Krizhevsky 2009), binary version: nothing is unpickled, nothing is unpacked to disk.

Each of six files has 10,000 records of one byte for the class and 3072 for the pixels, red, green and blue
planes one after the other.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cnninv.datasets import SOURCES, cache_folder
from cnninv.imagesets import ImageSet

SHAPE = (3, 32, 32)
RECORDS = 10_000
RECORD = 1 + 3 * 32 * 32
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
FOLDER, TEST, META = "cifar-10-batches-bin", "test_batch.bin", "batches.meta.txt"
HASHES = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    TEST: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
"""SHA-256 of the official files."""
FIRST = 1000
FIRST_HASH = "8314c96d7cd65618193bab23acdd5d4c4af15bf6dd00a1781d55beedf3be1ef5"
"""Of the first 1,000 records of the official test file."""


def read_cifar10(path: str | Path | None = None) -> ImageSet:
    """CIFAR-10 from `cifar-10-binary.tar.gz`, or from the folder that it unpacks to.

    A file is accepted if it has the size, the labels and the SHA-256 of the official one. One exception: a
    test file whose first 1,000 records are the official ones and whose other records follow class by class
    is known to have been restored from JPEGs, and its two parts are told apart.

    Parameters
    ----------
    path : path, optional
        The archive; the folder of the six files; or a folder that has either. What `cnninv data fetch
        cifar10` has fetched if not given.

    Returns
    -------
    ImageSet
        `test_parts` has the one part "original", or the parts "original" and "JPEG quality".

    Raises
    ------
    FileNotFoundError
        If there is no CIFAR-10; says where it was looked for, and which file is missing.
    ValueError
        If a file is damaged, too short or too long, or not the official one.
    """
    place = _find(cache_folder() if path is None else Path(path))
    files = _in_archive(place) if place.is_file() else _in_folder(place)
    # every file is written to its place as it comes: one copy in memory
    images = np.empty((5 * RECORDS, *SHAPE), np.uint8)
    labels = np.empty(5 * RECORDS, np.uint8)
    test, missing = None, set(HASHES)
    for name, content in files:
        if name not in missing:
            raise ValueError(f"{place}: {name} is there twice")
        missing.remove(name)
        records = _records(content, f"{place}: {name}")
        if name == TEST:
            parts = _test_parts(content, f"{place}: {name}")
            test = records[:, 1:].reshape(-1, *SHAPE).copy(), records[:, 0].copy()
            continue
        _check_hash(content, name, f"{place}: {name}")
        batch = int(name.removesuffix(".bin")[-1]) - 1
        part = slice(batch * RECORDS, (batch + 1) * RECORDS)
        images[part], labels[part] = records[:, 1:].reshape(-1, *SHAPE), records[:, 0]
    if missing:
        raise FileNotFoundError(
            f"{place}: {', '.join(sorted(missing))} is missing; expected all of {', '.join(HASHES)}"
        )
    return ImageSet(CLASSES, images, labels, *test, parts, "CIFAR-10")


def has_cifar10(path: str | Path) -> bool:
    """Whether `read_cifar10` finds something to read there."""
    try:
        _find(Path(path))
    except FileNotFoundError:
        return False
    return True


def _find(path: Path) -> Path:
    """The archive, or the folder with at least one of the files."""
    if path.is_file():
        return path
    archive = SOURCES["cifar10"].file
    for folder in (path, path / FOLDER):
        if any((folder / name).is_file() for name in HASHES):
            return folder
    if (path / archive).is_file():
        return path / archive
    raise FileNotFoundError(
        f"CIFAR-10 is not in {path}: neither {archive} nor {FOLDER}/data_batch_1.bin … is there; "
        f"`cnninv data fetch cifar10` fetches it, --data DIR says where it is"
    )


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    if (folder / META).is_file():
        _check_classes((folder / META).read_bytes()[:RECORD], f"{folder}: {META}")
    for name in HASHES:
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                yield (
                    name,
                    file.read(RECORDS * RECORD + 1),
                )  # one more shows a file that is too long


def _in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """The files in the order of the archive. Its other members, links included, are passed over."""
    wanted = {f"{FOLDER}/{name}": name for name in (*HASHES, META)}
    try:
        with gzip.open(path) as whole:
            with tarfile.open(fileobj=whole, mode="r|") as archive:
                for member in archive:
                    if member.size > RECORDS * RECORD:
                        raise ValueError(
                            f"{path}: {member.name!r} has {member.size} bytes; no file of CIFAR-10 has "
                            f"more than {RECORDS * RECORD}"
                        )
                    name = wanted.get(member.name.removeprefix("./"))
                    file = archive.extractfile(member) if name and member.isfile() else None
                    if file is None:
                        continue
                    content = file.read()
                    if name == META:
                        _check_classes(content, f"{path}: {name}")
                    else:
                        yield name, content
            while whole.read(2**20):  # the checksum stands at the end
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged, or no .tar.gz file: {error}") from None


def _records(content: bytes, name: str) -> np.ndarray:
    """Records of one label and 3072 pixels."""
    if len(content) != RECORDS * RECORD:
        found = len(content) if len(content) < RECORDS * RECORD else f"more than {RECORDS * RECORD}"
        raise ValueError(
            f"{name} has {found} bytes; expected {RECORDS * RECORD}, {RECORDS} records of {RECORD}"
        )
    records = np.frombuffer(content, np.uint8).reshape(RECORDS, RECORD)
    if (worst := int(records[:, 0].max())) >= len(CLASSES):
        where = int(records[:, 0].argmax())
        raise ValueError(f"{name} has the label {worst} in record {where}; expected 0 … 9")
    return records


def _check_hash(content: bytes, name: str, where: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != HASHES[name]:
        twin = [other for other, known in HASHES.items() if known == found]
        reason = f"that is {twin[0]}" if twin else f"expected {HASHES[name]}"
        raise ValueError(f"{where} has SHA-256 {found}; {reason}")


def _test_parts(content: bytes, where: str) -> dict[str, slice]:
    """Which test images have their original pixels."""
    if hashlib.sha256(content[: FIRST * RECORD]).hexdigest() == FIRST_HASH:
        labels = np.frombuffer(content, np.uint8).reshape(RECORDS, RECORD)[:, 0]
        sorted_by_class = (np.diff(labels[FIRST:].astype(int)) >= 0).all()
        if sorted_by_class and (np.bincount(labels) == RECORDS // len(CLASSES)).all():
            return {"original": slice(0, FIRST), "JPEG quality": slice(FIRST, RECORDS)}
    _check_hash(content, TEST, where)
    return {"original": slice(0, RECORDS)}


def _check_classes(content: bytes, where: str) -> None:
    names = tuple(content.decode("ascii", "replace").split())
    if names != CLASSES:
        raise ValueError(f"{where} names {', '.join(names)}; expected {', '.join(CLASSES)}")
