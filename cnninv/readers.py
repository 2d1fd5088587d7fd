"""Arrays in files of weights, by their headers first: `.npz` and `.safetensors`. Nothing is unpickled."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.architectures import Architecture
from cnninv.safetensors import DTYPES, read_array, read_header

FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True)
class Entry:
    """An array in a file: what it is, known before it is read."""

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Contents:
    """What a reader found in a file."""

    entries: dict[str, Entry]
    mean: np.ndarray | None = None
    deviation: np.ndarray | None = None
    check: Callable[[Architecture], None] = field(default=lambda architecture: None)
    """Raises if the file says of itself that it is another network."""


def read_npz(path: Path) -> Contents:
    """Arrays of a `.npz` file by their headers."""
    entries = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in entries or name == member.filename:
                    raise ValueError(f"unexpected or repeated member {member.filename!r}")
                with archive.open(member) as file:
                    shape, dtype, header = _npy_header(file)
                if header + prod(shape) * dtype.itemsize != member.file_size:
                    raise ValueError(f"array {name!r} is not as long as its header says")
                entries[name] = Entry(shape, dtype.name, _npy_reader(path, member.filename))
    except Exception as error:  # a damaged archive provokes errors of many kinds
        raise ValueError(f"is no sound .npz file: {error}") from None
    return _with_colours(entries)


def _small(entry: Entry | None) -> bool:
    if entry is None:
        return False
    if entry.dtype not in FLOATS or prod(entry.shape) > 3 * 4096**2:
        raise ValueError(f"mean_RGB or deviation_RGB has shape {entry.shape}, dtype {entry.dtype}")
    return True


def _npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape, dtype and length of the header of a `.npy` file."""
    version = np.lib.format.read_magic(file)
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in headers:
        raise ValueError(f"version {version} of .npy; expected (1, 0) or (2, 0)")
    shape, _, dtype = headers[version](file)
    return shape, dtype, file.tell()


def _npy_reader(path: Path, member: str) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(member) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
                file.read(1)  # the end of a member is where its checksum is compared
        except Exception as error:  # see above
            raise ValueError(f"array {member!r} cannot be read: {error}") from None
        return array

    return read


def read_safetensors(path: Path) -> Contents:
    """Arrays of a `.safetensors` file by its header."""
    try:
        header, start, _ = read_header(path)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no sound .safetensors file: {error}") from None
    entries = {
        name: Entry(
            tuple(entry["shape"]),
            DTYPES.get(entry["dtype"], entry["dtype"]),
            partial(read_array, path, start, entry),
        )
        for name, entry in header.items()
    }
    return _with_colours(entries)


def _with_colours(entries: dict[str, Entry]) -> Contents:
    """Mean and deviation of red, green and blue apart from the layers."""
    special = {name: entries.pop(f"{name}_RGB", None) for name in ("mean", "deviation")}
    values = {name: entry.read() for name, entry in special.items() if _small(entry)}
    return Contents(entries, **values)
