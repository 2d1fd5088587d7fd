"""Layers small enough for exact constants, codes on them, and the model enumerated from its definition."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from cnninv import (
    Decoder,
    conv_matrix,
    model_rip_exact,
    normalize_filters,
    pooling_regions,
    random_filters,
)
from cnninv.decoder_files import fingerprint
from cnninv.mirrored import mirrored_shapes
from cnninv.supports import support_model


def naive_supports(labels, k, sums):
    """All supports of sums of `sums` codes of M_k, as frozensets: unions of supports of M_k."""
    blocks = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    one_code = {
        frozenset(entries)
        for number in range(k + 1)
        for chosen in combinations(blocks, number)
        for entries in product(*chosen)
    }
    supports = {frozenset()}
    for _ in range(sums):
        supports = {a | b for a in supports for b in one_code}
    return supports


def naive_delta(W, supports):
    """max |σ² − 1| over the singular values of W_Sᵀ, S in `supports`, by SVD."""
    largest = 0.0
    for S in supports:
        if S:
            squares = np.zeros(len(S))  # more rows than columns: the missing ones are zero
            values = np.linalg.svd(W[sorted(S)], compute_uv=False)
            squares[: len(values)] = values**2
            largest = max(largest, float(np.abs(squares - 1).max()))
    return largest


@dataclass
class SmallLayer:
    """A layer with K filters, perhaps with blocks other than the K contiguous ones."""

    W: Any
    K: int
    n: int
    blocks: np.ndarray | None
    k: int

    @property
    def labels(self) -> np.ndarray:
        return np.repeat(np.arange(self.K), self.n) if self.blocks is None else self.blocks

    def code(self, rng, kind="uniform", k=None):
        """A code of M_k with at most k entries."""
        z, k = np.zeros(self.K * self.n), self.k if k is None else k
        for label in rng.permutation(np.unique(self.labels))[:k]:
            entry = rng.choice(np.flatnonzero(self.labels == label))
            z[entry] = rng.uniform(-1, 1) if kind == "uniform" else rng.choice([-1.0, 1.0])
        return z

    def omega(self, rng):
        """A largest support of M_k."""
        return np.sort(np.flatnonzero(self.code(rng, "signs")))


@st.composite
def small_layers(draw, max_rows=12, channels=(1, 3, 20, 200, 2000)):
    """1-D and 2-D layers, strides, all paddings, blocks; random, unit, repeated, opposite, zero filters."""
    axes = draw(st.sampled_from([1, 1, 2]))
    positions = [draw(st.integers(1, 4 if axes == 1 else 2)) for _ in range(axes)]
    n = prod(positions)
    K = draw(st.integers(1, max(1, min(4, max_rows // n))))
    M = draw(st.sampled_from(channels))
    padding = draw(st.sampled_from([0, 0, 1, "same", "circular"]))
    stride = 1 if padding == "same" else draw(st.integers(1, 2))
    if padding == "same":
        size, lengths = [draw(st.sampled_from([1, 3])) for _ in positions], positions
    elif padding == "circular":
        lengths = [p * stride for p in positions]
        size = [draw(st.integers(1, min(3, D))) for D in lengths]
    else:
        size = [draw(st.integers(2 * padding + 1, 2 * padding + 3)) for _ in positions]
        lengths = [(p - 1) * stride + l - 2 * padding for p, l in zip(positions, size, strict=True)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    filters = random_filters(K, M, tuple(size), rng)
    kind = draw(
        st.sampled_from(["random", "random", "unit", "repeated", "opposite", "zero", "ties"])
    )
    if kind == "unit":
        filters = normalize_filters(filters)
    elif kind == "ties":
        filters = np.sign(filters) / np.sqrt(M * prod(size))
    elif kind != "random":
        filters[-1] = {"repeated": 1, "opposite": -1, "zero": 0}[kind] * filters[0]
    W = conv_matrix(filters, tuple(lengths), stride, padding)
    blocks = draw(st.sampled_from([None, None, "regions", "labels"]))
    if blocks == "regions":
        blocks = pooling_regions((K, *positions), 2)
    elif blocks == "labels":
        blocks = rng.choice([0, 1, 2, 5], K * n)
    k = draw(st.integers(1, K if blocks is None else len(np.unique(blocks))))
    return SmallLayer(W, K, n, blocks, k)


def constants(layer):
    """δ_k on M_k and δ_2k on M_k², exactly, with what rounding may have taken from them.

    A layer with a null space has δ = 1; computed as 1 − 10⁻¹⁶ it would promise ‖x‖ ≥ 10⁻⁸ ‖z‖.
    """
    deltas = (
        model_rip_exact(layer.W, layer.K, layer.k, sums=sums, blocks=layer.blocks)
        for sums in (1, 2)
    )
    return tuple(delta + 1e-13 * (1 + delta) for delta in deltas)


def assert_holds(statement):
    assert statement.holds, str(statement)
    for step in statement.steps:
        assert_holds(step)


def codes(layer, seed, scale=1.0):
    """Codes of M_k of all sorts: random, tied, short, one-sparse, with one large entry, zero."""
    rng = np.random.default_rng(seed)
    yield from (scale * layer.code(rng) for _ in range(3))
    yield from (scale * layer.code(rng, "signs") for _ in range(2))
    yield scale * layer.code(rng, k=layer.k - 1)
    yield scale * layer.code(rng, k=1)
    large = scale * layer.code(rng)
    large[np.argmax(np.abs(large))] *= 1e3
    yield large
    yield 0 * large
    # the support on which Wᵀ is worst, and its worst code
    G = (layer.W @ layer.W.T).toarray()
    S = layer.omega(rng)
    vectors = np.linalg.eigh(G[np.ix_(S, S)])[1]
    for column in (0, -1):
        z = np.zeros(len(G))
        z[S] = scale * vectors[:, column]
        yield z


@cache
def enumerated_layer():
    """K = 3, n = 4, k = 2: W, the supports of M_k, δ_k and δ_2k."""
    W = conv_matrix(random_filters(3, 12, 3, np.random.default_rng(4)), 6)
    supports = [np.array(S) for S in support_model(W, 3, 2, 1, None).supports()]
    assert len(supports) == 48
    return W, supports, model_rip_exact(W, 3, 2), model_rip_exact(W, 3, 2, sums=2)


def drawn_decoder(network, layer, rng):
    """A decoder of random filters for a network."""
    shapes = mirrored_shapes(network.architecture, layer)
    filters = {n: 0.1 * rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    biases = {n: rng.standard_normal(s[0]).astype(np.float32) for n, s in shapes.items()}
    code = fingerprint(network)
    return Decoder(network.architecture, layer, filters, biases, network.preprocessing, code)
