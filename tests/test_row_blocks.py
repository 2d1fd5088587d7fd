"""W in blocks of rows is W, in bounded memory."""

import fakecupy
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator, svds
from strategies import circular_layers, layers

import cnninv
from cnninv import RowBlocks, conv_matrix, conv_shape, random_filters
from cnninv.backend import to_device, to_host


@given(st.one_of(layers(groups=True), circular_layers()), st.integers(1, 40), st.integers(1, 3))
def test_the_blocks_are_the_rows_of_w(layer, rows, threads):
    W = layer.W
    blocks = RowBlocks(
        layer.filters,
        layer.input_shape,
        layer.stride,
        layer.padding,
        groups=layer.groups,
        rows=rows,
        threads=threads,
    )
    line = W.shape[0] // len(layer.filters) // layer.positions[0]
    met = 0
    for place, block in blocks:
        assert place.start == met
        met = place.stop
        assert block.shape == (place.stop - place.start, W.shape[1])
        assert block.shape[0] <= max(rows, line)
        assert block.has_sorted_indices
        np.testing.assert_array_equal(block.toarray(), W[place].toarray())
    assert met == W.shape[0]
    rng = np.random.default_rng(0)
    X, H = (rng.standard_normal((size, 2)) for size in W.shape[::-1])
    np.testing.assert_allclose(blocks @ X, W @ X, atol=1e-12)
    np.testing.assert_allclose(blocks.T @ H, W.T @ H, atol=1e-12)
    np.testing.assert_allclose(blocks @ X[:, 0], W @ X[:, 0], atol=1e-12)
    np.testing.assert_allclose(blocks.T @ H[:, 0], W.T @ H[:, 0], atol=1e-12)


def test_the_number_of_threads_changes_no_bit(rng):
    filters = random_filters(6, 4, (3, 3), rng)
    one, three = (RowBlocks(filters, (9, 8), 1, "same", rows=100, threads=t) for t in (1, 3))
    x, h = (rng.standard_normal(size) for size in one.shape[::-1])
    np.testing.assert_array_equal(one @ x, three @ x)
    np.testing.assert_array_equal(one.T @ h, three.T @ h)


def test_memory_is_that_of_the_blocks(rng, tracemalloc_peak):
    filters = random_filters(32, 8, (3, 3), rng).astype(np.float32)
    shape = conv_shape(filters.shape, (64, 64), padding="same")
    x, h = (np.ones(size, np.float32) for size in shape.shape[::-1])
    W = RowBlocks(filters, (64, 64), 1, "same", rows=2048, threads=2)
    assert len(W) == 64
    block = shape.nbytes(np.float32) / len(W)
    assert tracemalloc_peak(lambda: W @ x) < h.nbytes + 3 * block
    assert tracemalloc_peak(lambda: W.T @ h) < 4 * x.nbytes + 3 * block
    assert 3 * block + h.nbytes < shape.nbytes(np.float32) / 10


def test_a_block_takes_so_many_bytes_if_rows_are_not_given(monkeypatch):
    monkeypatch.setattr(cnninv.row_blocks, "BLOCK_BYTES", 10_000)
    W = RowBlocks(np.ones((16, 4, 3, 3)), (20, 20), padding="same")
    assert max(block.data.nbytes + block.indices.nbytes for _, block in W) <= 10_000
    assert len(W) > 16


def test_more_columns_than_int32_can_number():
    W = RowBlocks(np.ones((2, 1, 1)), 2**31 + 1, stride=2**28, groups=2, dtype=np.float32)
    (_, first), (_, second) = W
    assert second.indices.dtype == np.int64
    assert second.indices[0] == 2**31 + 1
    assert first.shape == second.shape == (W.shape[0] // 2, W.shape[1])


def test_dtype_is_visible_and_mixed_as_with_the_explicit_matrix(rng):
    filters = random_filters(4, 3, 3, rng)
    for dtype in (np.float32, np.float64):
        W, blocks = conv_matrix(filters, 8, dtype=dtype), RowBlocks(filters, 8, dtype=dtype)
        assert blocks.dtype == dtype
        for x in (np.ones(24), np.ones(24, np.float32)):
            assert (blocks @ x).dtype == (W @ x).dtype
            assert (blocks.T @ x).dtype == (W.T @ x).dtype


def test_scipy_takes_it_for_w(rng):
    filters = random_filters(8, 2, 3, rng)
    largest = svds(aslinearoperator(RowBlocks(filters, 12, rows=7)), k=1)[1]
    assert largest == pytest.approx(np.linalg.norm(conv_matrix(filters, 12).toarray(), 2))


def test_what_does_not_fit_is_refused(rng, monkeypatch):
    W = RowBlocks(random_filters(4, 2, 3, rng), 8)
    with pytest.raises(ValueError, match=r"x has shape \(15,\).* \(24, 16\).* 16 rows"):
        W @ np.ones(15)
    with pytest.raises(ValueError, match=r"x has shape \(16,\).* 24 rows"):
        W.T @ np.ones(16)
    monkeypatch.setattr(cnninv.backend.memory, "free_memory", lambda: 100)
    with pytest.raises(
        MemoryError, match=r"6 rows of W on each of 2 threads, .*Use fewer rows or thr"
    ):
        RowBlocks(random_filters(4, 2, 3, rng), 8, rows=6, threads=2)


def test_a_w_that_does_not_fit_points_here(monkeypatch):
    monkeypatch.setattr(cnninv.backend.memory, "free_memory", lambda: 1000)
    filters = np.ones((8, 2, 3))
    with pytest.raises(MemoryError, match=r"RowBlocks .*a block of rows at a time.*ConvOperator"):
        conv_matrix(filters, 12)
    W = RowBlocks(filters, 12, rows=5, threads=1)
    assert isinstance(next(iter(W))[1], scipy.sparse.csr_array)
    assert (W @ np.ones(24)).shape == (80,)


def test_its_repr_says_what_it_is():
    W = RowBlocks(np.ones((4, 2, 3)), 8, rows=6)
    assert repr(W) == "RowBlocks(24 × 16, filters 4 × 2 × 3, float64, 4 blocks)"
    assert repr(W.T) == repr(W) + ".T"


def test_nothing_goes_through_numpy(rng, monkeypatch):
    fakecupy.install(monkeypatch)
    filters = random_filters(4, 2, (3, 3), rng)
    W = RowBlocks(filters, (5, 7), groups=2, rows=8)
    there = RowBlocks(to_device(filters, "cuda"), (5, 7), groups=2, rows=8)
    x, h = (rng.standard_normal((size, 2)) for size in W.shape[::-1])
    np.testing.assert_allclose(to_host(there @ to_device(x, "cuda")), W @ x)
    np.testing.assert_allclose(to_host(there.T @ to_device(h, "cuda")), W.T @ h)
    with pytest.raises(TypeError, match="CuPy"):
        there @ x
