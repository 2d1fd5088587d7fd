"""The explicit matrix: building it, its products, and blocks of its rows."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
from measure import THREADS, Measure, copy_job, in_turn, once

import cnninv


def kron_sum(filters: np.ndarray, D: int) -> scipy.sparse.csr_array:
    """W with "same" padding as the sum over taps of Kronecker products, by scipy.sparse.kron."""
    l = filters.shape[-1]
    shift = [scipy.sparse.eye_array(D, k=t - l // 2, format="csr") for t in range(l)]
    total = 0
    for a, b in np.ndindex(l, l):
        S = scipy.sparse.kron(shift[a], shift[b], format="csr")
        total = total + scipy.sparse.kron(filters[:, :, a, b], S, format="csr")
    return total


def build(rng: np.random.Generator) -> Iterator[Measure]:
    """conv_matrix of 256 × 256 filters of 3 × 3 on 15 × 15."""
    import tracemalloc

    filters = cnninv.random_filters(256, 256, (3, 3), rng).astype(np.float32)
    layer = cnninv.conv_shape(filters.shape, (15, 15), padding="same")
    size, small = layer.nbytes(np.float32), filters[:64, :64]
    part = cnninv.conv_shape(small.shape, (15, 15), padding="same").nnz
    seconds, fill = in_turn(
        lambda: cnninv.conv_matrix(filters, (15, 15), padding="same"),
        lambda: np.full(size // 4, 1, np.float32),
        repeats=3,
    )
    (peer,) = in_turn(lambda: kron_sum(small, 15), repeats=1)
    tracemalloc.start()
    W = cnninv.conv_matrix(filters, (15, 15), padding="same")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stored = W.data.nbytes + W.indices.nbytes + W.indptr.nbytes
    facts = {
        "non-zeros": layer.nnz,
        "ns per non-zero": seconds / layer.nnz * 1e9,
        "fill, ns per non-zero": fill / layer.nnz * 1e9,
        "peak / finished matrix": peak / stored,
    }
    yield Measure(
        "W of 256 filters × 256 channels × 3 × 3 on 15 × 15, built",
        seconds,
        "the sum of scipy.sparse.kron (64 × 64, scaled)",
        peer * layer.nnz / part,
        "a fill of its memory",
        fill,
        facts,
    )


def products(rng: np.random.Generator) -> Iterator[Measure]:
    """W x, Wᵀ h, W X and Wᵀ H of a matrix of 110 million non-zeros, float32."""
    filters = cnninv.random_filters(128, 128, (3, 3), rng).astype(np.float32)
    W = cnninv.conv_matrix(filters, (28, 28), padding="same")
    threaded, size = cnninv.ThreadedMatrix(W, THREADS), W.data.nbytes + W.indices.nbytes
    dense = cnninv.ThreadedMatrix(W, THREADS, filters=128)
    copy = copy_job(size)
    for name, ours, theirs, length in (
        ("W x", threaded, W, W.shape[1]),
        ("Wᵀ h", threaded.T, W.T, W.shape[0]),
        ("W x, rows of a shift dense", dense, W, W.shape[1]),
        ("Wᵀ h, rows of a shift dense", dense.T, W.T, W.shape[0]),
    ):
        x = rng.standard_normal(length).astype(np.float32)
        seconds, peer, limit = in_turn(lambda: ours @ x, lambda: theirs @ x, copy, repeats=5)  # noqa: B023
        facts = {
            "GB/s of W": size / seconds / 1e9,
            # W is read once, and the copy reads and writes
            "GB/s that the copy moves": 2 * size / limit / 1e9,
        }
        operation = f"{name}, explicit, 128 × 128 × 3 × 3 on 28 × 28"
        yield Measure(operation, seconds, "scipy.sparse", peer, "a copy of W", limit, facts)
    loop, share = loop_job(W, 64)
    for name, ours, theirs, length in (
        ("W X, 64 columns", threaded, W, W.shape[1]),
        ("Wᵀ H, 64 columns", threaded.T, W.T, W.shape[0]),
        ("W X, 64 columns, rows of a shift dense", dense, W, W.shape[1]),
        ("Wᵀ H, 64 columns, rows of a shift dense", dense.T, W.T, W.shape[0]),
    ):
        X = rng.standard_normal((length, 64)).astype(np.float32)
        seconds, peer, part = in_turn(lambda: ours @ X, lambda: theirs @ X, loop, repeats=2)  # noqa: B023
        facts = {
            "GFLOP/s": 2 * 64 * W.nnz / seconds / 1e9,
            "SciPy's": 2 * 64 * W.nnz / peer / 1e9,
        }
        # rows of a shift go by BLAS
        limit = ("", None) if "dense" in name else ("its loop, X in the first cache", part / share)
        yield Measure(f"{name}, explicit", seconds, "scipy.sparse", peer, *limit, facts=facts)


def loop_job(W: scipy.sparse.csr_array, columns: int) -> tuple[Callable[[], Any], float]:
    """The product of some rows of W, their entries moved to 64 columns, and their share of W's non-zeros.

    It is what SciPy's loop does where it need not wait for X, whose 64 rows fit in the first cache.
    """
    end = int(W.indptr[len(W.indptr) // 8])
    rows = slice(0, len(W.indptr) // 8)
    parts = (W.data[:end], W.indices[:end] % 64, W.indptr[: rows.stop + 1])
    near = cnninv.ThreadedMatrix(scipy.sparse.csr_array(parts, shape=(rows.stop, 64)), THREADS)
    X = np.ones((64, columns), W.dtype)
    return lambda: near @ X, end / W.nnz


def after_blas(rng: np.random.Generator) -> Iterator[Measure]:
    """W x at once after a dense product, while OpenBLAS's threads still wait for the next and hold a core."""
    filters = cnninv.random_filters(32, 64, (3, 3), rng).astype(np.float32)
    W = cnninv.ThreadedMatrix(cnninv.conv_matrix(filters, (24, 24), padding="same"), THREADS)
    x, A = np.ones(W.shape[1], np.float32), np.ones((1024, 1024), np.float32)
    times = []
    for _ in range(9):
        A @ A
        start = time.perf_counter()
        W @ x
        times.append(time.perf_counter() - start)
    (rested,) = in_turn(lambda: W @ x, repeats=9)
    name = f"W x of {W.matrix.nnz / 1e6:.0f} million non-zeros, at once after a product by BLAS"
    yield Measure(name, float(np.median(times)), "the same after a rest", rested)


def row_blocks(rng: np.random.Generator) -> Iterator[Measure]:
    """W x with conv(1,2) at 224 × 224: 1.8 thousand million non-zeros, never all in memory."""
    filters = cnninv.random_filters(64, 64, (3, 3), rng).astype(np.float32)
    W = cnninv.RowBlocks(filters, (224, 224), padding="same", threads=THREADS)
    factored = cnninv.ConvOperator(filters, (224, 224), padding="same")
    x = rng.standard_normal(W.shape[1]).astype(np.float32)
    seconds, factored_seconds = once(lambda: W @ x, lambda: factored @ x)
    copy = copy_job(2**28)
    (limit,) = in_turn(copy, repeats=2)
    size = W.layer.nbytes(np.float32)
    facts = {"non-zeros": W.layer.nnz, "GiB of W": size / 2**30, "blocks": len(W)}
    facts["s, by ConvOperator"] = factored_seconds
    if sys.platform == "linux":
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        facts["GiB at most in this process so far"] = peak
    yield Measure(
        "W x of conv(1,2) at 224 × 224, in blocks of rows",
        seconds,
        limit="a copy of W's bytes, piece by piece",
        limit_seconds=limit * size / 2**28,
        facts=facts,
    )
