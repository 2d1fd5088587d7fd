"""MATLAB's files of versions 5 to 7: their variables, stored or compressed, those asked for by name.

`scipy.io.loadmat`, which reads more, can be made to crash by a damaged file (SciPy 1.17), so it will not do for
files from anywhere. Here every length is checked, and what is unpacked must fit into memory.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.backend import require_memory
from cnninv.mat5_values import CUT, MATRIX, Value, element, matrix_value

COMPRESSED = 15
BLOCK = 2**24


def read_mat5(path: Path, names: tuple[str, ...]) -> dict[str, Value]:
    """The variables of those names in a file.

    Raises
    ------
    ValueError
        If the file is of another version, or damaged.
    MemoryError
        If what it unpacks to does not fit.
    """
    variables = {}
    with path.open("rb") as file:
        header = file.read(128)
        order = {b"IM": "<", b"MI": ">"}.get(header[126:])
        if header.startswith(b"MATLAB 7.3"):
            raise ValueError("is of version 7.3; expected version 5 to 7 (save it with '-v7')")
        if order is None:
            raise ValueError("does not begin like a file of version 5 to 7")
        while tag := file.read(8):
            if len(tag) < 8:
                raise ValueError(CUT)
            kind, length = np.frombuffer(tag, order + "u4").tolist()
            following = file.tell() + length
            if following > path.stat().st_size:
                raise ValueError(CUT)
            packed = kind == COMPRESSED
            blocks = _inflated(file, length) if packed else _stored(file, length, tag)
            value = _variable(path.name, blocks, order, names)
            if value is not None:
                variables[value.name] = value
            file.seek(following)
    return variables


def _stored(file: Any, length: int, tag: bytes) -> Iterator[bytes]:
    yield tag
    while length and (block := file.read(min(length, BLOCK))):
        length -= len(block)
        yield block


def _inflated(file: Any, length: int) -> Iterator[bytes]:
    unpack = zlib.decompressobj()
    while length and not unpack.eof and (packed := file.read(min(length, 2**20))):
        length -= len(packed)
        full = True
        while packed or full:
            try:
                block = unpack.decompress(packed, BLOCK)
            except zlib.error as error:
                raise ValueError(f"is damaged: {error}") from None
            full, packed = len(block) == BLOCK, unpack.unconsumed_tail
            yield block
    if not unpack.eof:
        raise ValueError(CUT)


def _variable(
    file: str, blocks: Iterator[bytes], order: str, names: tuple[str, ...]
) -> Value | None:
    """The variable that the blocks make up, unless its name is not wanted."""
    content, wanted = bytearray(), False
    for block in blocks:
        what = f"{file} unpacks to {len(content) + len(block):,} bytes at least"
        require_memory(len(block) + BLOCK, what, "Use a smaller file.")
        content += block
        if not wanted and len(content) >= 256:
            # the name is among the first bytes: three short elements after the tag
            if matrix_value(MATRIX, memoryview(content)[8:256], order).name not in names:
                return None
            wanted = True
    kind, data, _ = element(memoryview(content), 0, order)
    value = matrix_value(kind, data, order)
    return value if value.name in names else None
