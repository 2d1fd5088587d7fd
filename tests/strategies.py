"""What property tests draw: layers of all shapes, and codes with ties, zeros and any blocks."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from cnninv import conv_matrix


@dataclass
class Layer:
    """The arguments of `conv_matrix`, and an input."""

    filters: np.ndarray
    input_shape: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    groups: int = 1
    seed: int = 0
    W: Any = field(init=False)

    def __post_init__(self):
        self.W = conv_matrix(
            self.filters, self.input_shape, self.stride, self.padding, groups=self.groups
        )

    @property
    def M(self) -> int:
        return self.filters.shape[1] * self.groups

    @property
    def positions(self) -> tuple[int, ...]:
        """n along each axis, from the formula of the paper's convention."""
        if self.padding == "circular":
            return tuple(D // s for D, s in zip(self.input_shape, self.stride, strict=True))
        sizes = self.filters.shape[2:]
        each = zip(self.input_shape, sizes, self.stride, self.padding, strict=True)
        return tuple((D + 2 * p - l) // s + 1 for D, l, s, p in each)

    def random(self, rows: bool = False) -> np.ndarray:
        """An input (M, *input_shape), or a hidden vector (K, *positions)."""
        rng = np.random.default_rng(self.seed)
        shape = (len(self.filters), *self.positions) if rows else (self.M, *self.input_shape)
        return rng.standard_normal(shape)


@st.composite
def layers(draw, axes=(1, 2), groups=False, unit_stride=False):
    """Layers with zero padding, per-axis strides and paddings, whose n is an integer."""
    dimensions = draw(st.sampled_from(axes))
    lengths, sizes, strides, paddings = [], [], [], []
    for _ in range(dimensions):
        l, p = draw(st.integers(1, 5)), draw(st.integers(0, 3))
        s = 1 if unit_stride else draw(st.integers(1, 3))
        # the smallest n with D = (n − 1)·s + l − 2p ≥ 1, or up to four more
        n = max(1, -((l - 2 * p - 1) // s) + 1) + draw(st.integers(0, 4))
        lengths.append((n - 1) * s + l - 2 * p)
        sizes.append(l), strides.append(s), paddings.append(p)
    g = draw(st.integers(1, 3)) if groups else 1
    K, M = g * draw(st.integers(1, 3)), draw(st.integers(1, 3))
    seed = draw(st.integers(0, 2**32 - 1))
    filters = np.random.default_rng(seed).standard_normal((K, M, *sizes))
    return Layer(filters, tuple(lengths), tuple(strides), tuple(paddings), g, seed + 1)


@st.composite
def circular_layers(draw, axes=(1, 2), unit_stride=False):
    """Layers that wrap around: the stride divides D, no filter is longer than D."""
    dimensions = draw(st.sampled_from(axes))
    strides = [1 if unit_stride else draw(st.integers(1, 3)) for _ in range(dimensions)]
    lengths = [s * draw(st.integers(1, 4)) for s in strides]
    sizes = [draw(st.integers(1, min(D, 5))) for D in lengths]
    K, M, seed = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2**32 - 1))
    filters = np.random.default_rng(seed).standard_normal((K, M, *sizes))
    return Layer(filters, tuple(lengths), tuple(strides), "circular", 1, seed + 1)


@st.composite
def codes(draw, ties=True, max_size=8):
    """(h, K, k, blocks): a vector with ties and zeros, and contiguous blocks or any labels."""
    values = st.integers(-2, 2) if ties else st.floats(-5, 5, width=32)
    if draw(st.booleans()):
        K, n = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        size, blocks, nonempty = K * n, None, K
    else:
        size, K = draw(st.integers(1, max_size)), draw(st.integers(1, 3))
        # labels need not be contiguous, and some may be missing
        labels = draw(
            st.lists(st.sampled_from([0, 1, 3, 4, 9, 10**12]), min_size=size, max_size=size)
        )
        blocks, nonempty = np.array(labels), len(set(labels))
    k = draw(st.integers(0, nonempty))
    h = np.array(draw(st.lists(values, min_size=size, max_size=size)), dtype=float)
    return h, K, k, blocks
