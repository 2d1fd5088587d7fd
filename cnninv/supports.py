"""The supports of the sparsity model: counted, enumerated, sampled (Gilbert 2017, §2.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from cnninv.backend import to_host
from cnninv.blocks import block_labels
from cnninv.validation import whole_number


@dataclass(frozen=True)
class SupportModel:
    """Supports of sums of `sums` codes of M_k: at most `sums` entries a block, `size` in all.

    They are counted and listed in memory, wherever W is.
    """

    labels: np.ndarray
    k: int
    sums: int

    @cached_property
    def members(self) -> list[np.ndarray]:
        """The entries of each non-empty block."""
        order = np.argsort(self.labels, kind="stable")
        counts = np.bincount(self.labels)
        return [part for part in np.split(order, np.cumsum(counts)[:-1]) if len(part)]

    @cached_property
    def size(self) -> int:
        """Entries in a largest support: δ is attained on those."""
        return min(self.sums * self.k, sum(min(self.sums, len(m)) for m in self.members))

    def count(self) -> int:
        """Number of largest supports."""
        # coefficient of t^size in the product over blocks of Σ_c C(n_b, c) t^c
        total = [1]
        for block in self.members:
            choices = [comb(len(block), c) for c in range(min(self.sums, len(block)) + 1)]
            longer = [0] * min(len(total) + len(choices) - 1, self.size + 1)
            for i, a in enumerate(total):
                for c, b in enumerate(choices[: self.size + 1 - i]):
                    longer[i + c] += a * b
            total = longer
        return total[self.size]

    def supports(self) -> Iterator[tuple[int, ...]]:
        """All largest supports."""
        return _supports([block.tolist() for block in self.members], self.sums, self.size)

    def sample(self, trials: int, rng: np.random.Generator) -> np.ndarray:
        """Random largest supports, shape (trials, size)."""
        scores = -rng.random((trials, len(self.labels)))
        # only the `sums` best scores of a block can win
        finalists = []
        for block in self.members:
            top = min(self.sums, len(block))
            finalists.append(block[np.argpartition(scores[:, block], top - 1, axis=1)[:, :top]])
        entries = np.hstack(finalists)
        best = np.take_along_axis(scores, entries, axis=1).argpartition(self.size - 1, axis=1)
        return np.take_along_axis(entries, best[:, : self.size], axis=1)


def support_model(W: Any, K: int, k: int, sums: int, blocks: Any) -> SupportModel:
    if not hasattr(W, "shape") or len(W.shape) != 2:
        raise TypeError(f"W = {type(W).__name__} must be a matrix of shape (K*n, M*D)")
    labels = to_host(block_labels(W.shape[0], K, blocks))
    names, labels = np.unique(labels, return_inverse=True)
    k, sums = whole_number(k, "k", 0, len(names)), whole_number(sums, "sums", 1, 4)
    return SupportModel(labels, k, sums)


def _supports(blocks: list[list[int]], sums: int, size: int) -> Iterator[tuple[int, ...]]:
    """All choices of `size` entries, at most `sums` of a block."""
    if size == 0:
        yield ()
        return
    capacity = sum(min(sums, len(block)) for block in blocks)
    for number, block in enumerate(blocks):
        if capacity < size:
            return
        for count in range(1, min(sums, len(block), size) + 1):
            for chosen in combinations(block, count):
                for rest in _supports(blocks[number + 1 :], sums, size - count):
                    yield chosen + rest
        capacity -= min(sums, len(block))
