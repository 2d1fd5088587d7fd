"""The values in MATLAB's files of versions 5 to 7: numbers, text, cells and structs, looked at when asked for.

A value is an element, a tag (type and length) and data; matrices contain elements again. Every length is
checked against the bytes that there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

MATRIX = 14
NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
KINDS = {
    1: "cell",
    2: "struct",
    3: "object",
    4: "text",
    5: "sparse",
    16: "function",
    17: "opaque",
} | {
    code: np.dtype(name).name
    for code, name in enumerate(
        ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), start=6
    )
}
NOT_READ = ("object", "sparse", "complex", "function", "opaque")
CUT = "ends in the middle of an element"


@dataclass(frozen=True)
class Value:
    """A MATLAB value whose content is looked at when it is asked for."""

    kind: str
    """cell, struct, text, a dtype, or one of NOT_READ."""
    shape: tuple[int, ...]
    name: str
    body: memoryview
    order: str

    def __str__(self) -> str:
        return f"a {self.kind} of size {' × '.join(map(str, self.shape))}"

    @property
    def size(self) -> int:
        """Number of entries."""
        return prod(self.shape)

    def numbers(self) -> np.ndarray:
        """An array of the value's shape; a view of the file's content where that is possible.

        Raises
        ------
        ValueError
            If these are no real numbers, or not as many as the shape says.
        """
        if self.kind in ("cell", "struct", "text", *NOT_READ):
            raise ValueError(f"{self}; expected numbers")
        if not self.size:
            return np.zeros(self.shape, self.kind)
        kind, data, _ = element(self.body, 0, self.order)
        if kind not in NUMBERS:
            raise ValueError(f"{self} is stored as type {kind}; expected numbers")
        stored = np.dtype(NUMBERS[kind]).newbyteorder(self.order)
        if len(data) != self.size * stored.itemsize:
            raise ValueError(
                f"{self} has {len(data)} bytes; expected {self.size * stored.itemsize}"
            )
        array = np.frombuffer(data, stored).reshape(self.shape, order="F")
        return array.astype(self.kind, copy=False)

    def text(self) -> str:
        """The characters of one line.

        Raises
        ------
        ValueError
            If these are no characters.
        """
        if self.kind != "text" or self.size > 10_000 or (self.size and self.shape[0] != 1):
            raise ValueError(f"{self}; expected a line of text")
        if not self.size:
            return ""
        kind, data, _ = element(self.body, 0, self.order)
        if kind not in TEXT:
            raise ValueError(f"{self} is stored as type {kind}; expected characters")
        coding = TEXT[kind]
        if "utf-16" in coding or "utf-32" in coding:
            coding += "-le" if self.order == "<" else "-be"
        return bytes(data).decode(coding)[: self.size]

    def cells(self) -> list["Value"]:
        """The values in a cell array, column by column."""
        if self.kind != "cell":
            raise ValueError(f"{self}; expected a cell array")
        return list(self._values(self.size, 0))

    def fields(self) -> dict[str, "Value"]:
        """The fields of a single struct."""
        if self.kind != "struct" or self.size != 1:
            raise ValueError(f"{self}; expected a single struct")
        _, data, at = element(self.body, 0, self.order)
        length = int(np.frombuffer(data, self.order + "i4", count=1)[0]) if len(data) >= 4 else 0
        _, names, at = element(self.body, at, self.order)
        if length < 1 or len(names) % length:
            raise ValueError(f"{self} has names of {length} bytes in {len(names)}")
        names = bytes(names)
        keys = [
            names[i : i + length].split(b"\0")[0].decode("latin-1")
            for i in range(0, len(names), length)
        ]
        return dict(zip(keys, self._values(len(keys), at), strict=True))

    def _values(self, count: int, at: int) -> Iterator["Value"]:
        if 8 * count > len(self.body) - at:
            raise ValueError(f"{self} has {len(self.body)} bytes, too few for {count} values")
        for _ in range(count):
            kind, data, at = element(self.body, at, self.order)
            yield matrix_value(kind, data, self.order)


def element(buffer: memoryview, at: int, order: str) -> tuple[int, memoryview, int]:
    """Type and data of the element at a place, and the place of the next."""
    if at < 0 or at + 8 > len(buffer):
        raise ValueError(CUT)
    first, length = np.frombuffer(buffer[at : at + 8], order + "u4").tolist()
    if first >> 16:  # up to four bytes lie in the tag itself
        kind, length, start, following = first & 0xFFFF, first >> 16, at + 4, at + 8
        if length > 4:
            raise ValueError(f"has a short element of {length} bytes")
    else:
        kind, start = first, at + 8
        following = start + -(-length // 8) * 8
    if start + length > len(buffer):
        raise ValueError(CUT)
    return kind, buffer[start : start + length], following


def matrix_value(kind: int, data: memoryview, order: str) -> Value:
    """A matrix by its head: flags, shape and name."""
    if kind != MATRIX:
        raise ValueError(f"has an element of type {kind}; expected a matrix")
    if not len(data):
        return Value("float64", (0, 0), "", data, order)
    _, flags, at = element(data, 0, order)
    if len(flags) < 4:
        raise ValueError(CUT)
    bits = int(np.frombuffer(flags, order + "u4", count=1)[0])
    what = "complex" if bits & 0x800 else KINDS.get(bits & 0xFF, "opaque")
    shape: tuple[int, ...] = ()
    if what not in ("function", "opaque"):
        _, axes, at = element(data, at, order)
        shape = tuple(np.frombuffer(axes, order + "i4", count=len(axes) // 4).tolist())
        if len(shape) < 2 or min(shape) < 0 or len(shape) > 32:
            raise ValueError(f"has a matrix of shape {shape}")
    _, name, at = element(data, at, order)
    return Value(what, shape, bytes(name).decode("latin-1"), data[at:], order)
