"""Products of explicit matrices in threads: SciPy's, bit for bit."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator, svds
from strategies import circular_layers, layers

from cnninv import ThreadedMatrix, conv_matrix, products, random_filters


@pytest.fixture
def small_parts(monkeypatch):
    """Slices of rows, and chunks of columns, as large matrices have."""
    monkeypatch.setattr(products, "PART", 40)
    monkeypatch.setattr(products, "WIDTH", 4)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_are_scipys_and_no_thread_changes_a_bit(rng, dtype):
    W = conv_matrix(random_filters(60, 3, 3, rng).astype(dtype), 9)
    x, X, h, H = (
        rng.standard_normal(shape)
        for shape in (W.shape[1], (W.shape[1], 10), W.shape[0], (W.shape[0], 10))
    )
    ways = [ThreadedMatrix(W, threads) for threads in (1, 2, 5)]
    assert len(ways[0]._parts) > 5
    for way in ways:
        np.testing.assert_array_equal(way @ x, W @ x)
        np.testing.assert_array_equal(way @ X, W @ X)
        np.testing.assert_array_equal(way.T @ H, W.T @ H)
        np.testing.assert_array_equal(way.T @ h, ways[0].T @ h)
        np.testing.assert_allclose(way.T @ h, W.T @ h, rtol=1e-5)
        assert (way @ x).dtype == (W @ x).dtype
        assert (way.T @ h).dtype == (W.T @ h).dtype


@given(st.one_of(layers(groups=True), circular_layers()), st.sampled_from(["csr", "csc", "coo"]))
def test_w_of_any_layer_and_format(layer, format):
    W, rng = layer.W, np.random.default_rng(0)
    X, H = (rng.standard_normal((size, 3)) for size in W.shape[::-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "PART", 20)
        threaded = ThreadedMatrix(W.asformat(format), threads=2)
        np.testing.assert_allclose(threaded @ X, W @ X, atol=1e-12)
        np.testing.assert_allclose(threaded.T @ H, W.T @ H, atol=1e-12)
        np.testing.assert_allclose(threaded.T @ H[:, 0], W.T @ H[:, 0], atol=1e-12)


@pytest.mark.usefixtures("small_parts")
def test_slices_share_the_memory_of_w(rng):
    W = conv_matrix(random_filters(60, 3, 3, rng), 9)
    threaded = ThreadedMatrix(W)
    assert len(threaded._parts) > 5
    for part in threaded._parts:
        assert np.shares_memory(part.data, W.data)
        assert np.shares_memory(part.indices, W.indices)
    assert threaded.to_matrix() is not None
    assert (threaded.T.to_matrix() != W.T).nnz == 0


def test_the_transpose_keeps_few_vectors(tracemalloc_peak, monkeypatch):
    monkeypatch.setattr(products, "PART", 1)
    W = scipy.sparse.random_array((20_000, 2000), density=0.02, format="csr", rng=0)
    threaded, h = ThreadedMatrix(W, threads=2), np.ones(20_000)
    assert len(threaded._parts) > 10
    assert tracemalloc_peak(lambda: threaded.T @ h) < 5 * 8 * 2000 + 2**18


def test_rows_without_entries():
    W = scipy.sparse.csr_array((5, 3))
    np.testing.assert_array_equal(ThreadedMatrix(W) @ np.ones(3), np.zeros(5))
    np.testing.assert_array_equal(ThreadedMatrix(W).T @ np.ones(5), np.zeros(3))


def test_scipy_takes_it_for_w(rng):
    W = conv_matrix(random_filters(8, 2, 3, rng), 12)
    largest = svds(aslinearoperator(ThreadedMatrix(W)), k=1)[1]
    assert largest == pytest.approx(np.linalg.norm(W.toarray(), 2))


def test_what_does_not_fit_is_refused(rng):
    W = ThreadedMatrix(conv_matrix(random_filters(4, 2, 3, rng), 8))
    with pytest.raises(ValueError, match=r"x has shape \(15,\).* \(24, 16\).* 16 rows"):
        W @ np.ones(15)
    with pytest.raises(ValueError, match=r"x has shape \(16,\).* 24 rows"):
        W.T @ np.ones(16)
    assert repr(W) == "ThreadedMatrix(24 × 16, 136 non-zeros, float64)".replace("136", "144")
    assert repr(W.T) == repr(W) + ".T"


@given(st.one_of(layers(), circular_layers()), st.integers(1, 3))
def test_rows_of_one_shift_as_a_dense_matrix(layer, batch):
    W, rng = layer.W, np.random.default_rng(0)
    dense = ThreadedMatrix(W, filters=len(layer.filters))
    X, H = (rng.standard_normal((size, batch)) for size in W.shape[::-1])
    np.testing.assert_allclose(dense @ X, W @ X, atol=1e-12)
    np.testing.assert_allclose(dense.T @ H, W.T @ H, atol=1e-12)
    np.testing.assert_allclose(dense @ X[:, 0], W @ X[:, 0], atol=1e-12)
    np.testing.assert_allclose(dense.T @ H[:, 0], W.T @ H[:, 0], atol=1e-12)


def test_dense_rows_keep_the_dtype(rng):
    W = conv_matrix(random_filters(4, 3, 3, rng).astype(np.float32), 8)
    dense = ThreadedMatrix(W, filters=4)
    for dtype in (np.float32, np.float64):
        x, h = np.ones(W.shape[1], dtype), np.ones(W.shape[0], dtype)
        assert (dense @ x).dtype == (W @ x).dtype
        assert (dense.T @ h).dtype == (W.T @ h).dtype


def test_blocks_with_other_columns_are_refused(rng):
    grouped = conv_matrix(random_filters(4, 1, 3, rng), 8, groups=2)
    different = r"filters = {} must be a number of blocks of rows with the same .* 24 × 16, differ"
    for filters in (2, 4, 5, 24):
        with pytest.raises(ValueError, match=different.format(filters)):
            ThreadedMatrix(grouped, filters=filters)
    ThreadedMatrix(grouped, filters=1)
    lengths = scipy.sparse.csr_array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="filters = 2 must be"):
        ThreadedMatrix(lengths, filters=2)
