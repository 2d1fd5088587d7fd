"""The `.safetensors` format: a header in JSON, with its length before it, and the bytes of the arrays."""

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.files import write_whole

DTYPES = {"F16": "float16", "F32": "float32", "F64": "float64"}
SIZES = {"F16": 2, "F32": 4, "F64": 8, "BF16": 2, "I8": 1, "U8": 1, "BOOL": 1}
SIZES |= {f"{kind}{bits}": bits // 8 for kind in "IU" for bits in (16, 32, 64)}
LONGEST_HEADER = 100_000_000
"""As the format's own library has it."""


def read_header(path: Path) -> tuple[dict[str, dict[str, Any]], int, dict[str, str]]:
    """What is in a file: for each array its dtype, shape and data_offsets; nothing of the arrays is read.

    Returns
    -------
    arrays : dict
    start : int
        Where the bytes of the arrays begin.
    metadata : dict of str

    Raises
    ------
    ValueError
        If the header does not describe the file exactly: every byte belongs to one array.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, LONGEST_HEADER):
            raise ValueError(f"a header of {length} bytes does not fit into the file's {size}")
        header = json.loads(file.read(length).decode(), object_pairs_hook=_once)
    if not isinstance(header, dict):
        raise ValueError("the header is no JSON object")
    metadata, start = header.pop("__metadata__", {}), 8 + length
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("__metadata__ is no JSON object of texts")
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _offsets(*item)):
        first, last = _offsets(name, entry)
        if first != end or last - first != _bytes(name, entry):
            raise ValueError(f"array {name!r} is not where, or not as long as, its header says")
        end = last
    if start + end != size:
        raise ValueError(f"has {size} bytes; expected {start + end}")
    return header, start, metadata


def read_array(path: Path, start: int, entry: dict[str, Any]) -> np.ndarray:
    """An array of floats, found in the header."""
    first, last = entry["data_offsets"]
    dtype = np.dtype(DTYPES[entry["dtype"]]).newbyteorder("<")
    with path.open("rb") as file:
        file.seek(start + first)
        values = np.frombuffer(file.read(last - first), dtype)
    return values.reshape(entry["shape"]).astype(dtype.newbyteorder("="))


def write_safetensors(
    path: str | Path, arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None
) -> None:
    """Write float arrays, whole or not at all; the same arrays always give the same bytes."""
    codes = {name: code for code, name in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    parts, end = [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        offsets = [end, end := end + len(part)]
        dtype, shape = codes[array.dtype.name], list(array.shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        parts.append(part)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write_whole(Path(path), b"".join([len(text).to_bytes(8, "little"), text, *parts]))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name occurs twice in the header")
    return dict(pairs)


def _offsets(name: str, entry: Any) -> tuple[int, int]:
    values = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not _counts(values) or len(values) != 2:
        raise ValueError(f"array {name!r} has no data_offsets")
    return values[0], values[1]


def _bytes(name: str, entry: dict[str, Any]) -> int:
    shape, dtype = entry.get("shape"), entry.get("dtype")
    if not _counts(shape) or not isinstance(dtype, str) or dtype not in SIZES:
        raise ValueError(f"array {name!r} has shape {shape!r} and dtype {dtype!r}")
    return prod(shape) * SIZES[dtype]


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)
