"""Winograd's F(2, 3) is a factorisation of W, and its products are W's and Wᵀ's."""

import pickle

import fakecupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv import ConvOperator, conv_matrix, patches, random_filters, winograd_factors
from cnninv.backend import to_device, to_host
from cnninv.winograd import FILTER, INPUT, OUTPUT


@st.composite
def three_taps(draw, axes=(1, 2)):
    """(filters, input_shape, padding) of layers of stride 1 with three taps along each axis."""
    dimensions, circular = draw(st.sampled_from(axes)), draw(st.booleans())
    if circular:
        padding = "circular"
        shape = tuple(draw(st.integers(3, 9)) for _ in range(dimensions))
    else:
        padding = tuple(draw(st.integers(0, 4)) for _ in range(dimensions))
        shape = tuple(draw(st.integers(max(1, 3 - 2 * p), 9)) for p in padding)
    K, M, seed = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2**32 - 1))
    filters = np.random.default_rng(seed).standard_normal((K, M, *(3,) * dimensions))
    return filters, shape, padding


def test_a_tile_is_the_band_matrix_of_its_filter(rng):
    w = rng.standard_normal(3)
    # Aᵀ diag(G w) Bᵀ
    band = OUTPUT @ np.diag(FILTER @ w) @ INPUT
    np.testing.assert_allclose(band, conv_matrix(w[None, None], 4).toarray(), atol=1e-15)


@given(three_taps())
def test_the_product_of_the_factors_is_w(layer):
    filters, shape, padding = layer
    A, U, B = winograd_factors(filters, shape, padding)
    W = conv_matrix(filters, shape, padding=padding)
    assert A.shape[0], B.shape[1] == W.shape
    np.testing.assert_allclose((A @ U @ B).toarray(), W.toarray(), atol=1e-13)
    np.testing.assert_allclose((B.T @ U.T @ A.T).toarray(), W.T.toarray(), atol=1e-13)


@given(three_taps())
def test_the_outer_factors_only_add_and_subtract(layer):
    A, _, B = winograd_factors(*layer)
    assert set(np.unique(A.data)) | set(np.unique(B.data)) <= {-1.0, 1.0}


@pytest.mark.parametrize(("axes", "share"), [(1, 2 / 3), (2, 4 / 9)])
def test_multiplications_are_two_thirds_along_each_axis(rng, axes, share):
    filters = random_filters(4, 3, (3,) * axes, rng)
    U = winograd_factors(filters, (10,) * axes).products
    assert U.nnz == share * conv_matrix(filters, (10,) * axes).nnz


@given(three_taps(axes=(2,)), st.integers(1, 3), st.sampled_from([1, 2**11, 2**23]))
def test_the_fast_products_are_those_of_w(layer, batch, part):
    filters, shape, padding = layer
    W = conv_matrix(filters, shape, padding=padding)
    fast = ConvOperator(filters, shape, padding=padding, method="winograd")
    rng = np.random.default_rng(0)
    x, h = (rng.standard_normal((size, batch)) for size in W.shape[::-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "PATCH_BYTES", part)
        np.testing.assert_allclose(fast @ x, W @ x, atol=1e-12)
        np.testing.assert_allclose(fast.T @ h, W.T @ h, atol=1e-12)
        np.testing.assert_allclose(fast.T @ h[:, 0], W.T @ h[:, 0], atol=1e-12)


@given(three_taps(axes=(2,)))
def test_the_fast_transpose_is_the_adjoint(layer):
    filters, shape, padding = layer
    W = ConvOperator(filters, shape, padding=padding, method="winograd")
    rng = np.random.default_rng(0)
    x, h = (rng.standard_normal(size) for size in W.shape[::-1])
    assert (W @ x) @ h == pytest.approx(x @ (W.T @ h), abs=1e-10)


def test_bias_and_relu_come_with_it(rng):
    filters = random_filters(4, 2, (3, 3), rng)
    ways = [ConvOperator(filters, (5, 6), method=m) for m in ("patches", "winograd")]
    x, bias = rng.standard_normal((ways[0].shape[1], 3)), rng.standard_normal(4)
    expected, found = (W.forward(x, bias, relu=True) for W in ways)
    assert expected.min() == 0
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_its_rounding_error_is_below_1e_6_in_float32(rng):
    filters = random_filters(256, 256, (3, 3), rng).astype(np.float32)
    exact = ConvOperator(filters.astype(float), (15, 15), padding="same", method="patches")
    x, errors = rng.standard_normal((exact.shape[1], 2)).astype(np.float32), {}
    for method in ("patches", "winograd"):
        W = ConvOperator(filters, (15, 15), padding="same", method=method)
        for name, found, expected in (("W", W @ x, exact @ x), ("T", W.T @ x, exact.T @ x)):
            assert found.dtype == np.float32
            errors[method, name] = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert max(errors.values()) < 1e-6
    assert max(errors["winograd", name] / errors["patches", name] for name in "WT") < 3


def test_where_the_input_is_zero_the_output_is_exactly_zero(rng):
    W = ConvOperator(random_filters(8, 8, (3, 3), rng), (12, 12), padding="same", method="winograd")
    x = np.zeros((8, 12, 12))
    x[:, 5, 5] = rng.standard_normal(8)
    seen = np.zeros((12, 12), bool)
    seen[4:7, 4:7] = True
    assert not (W @ x.ravel()).reshape(8, 12, 12)[:, ~seen].any()


def test_the_number_of_threads_changes_no_bit(rng, monkeypatch):
    monkeypatch.setattr("cnninv.operator.WORTH_THREADS", 0)
    filters = random_filters(7, 5, (3, 3), rng)
    for method in ("patches", "winograd"):
        one, three = (
            ConvOperator(filters, (9, 8), padding="same", method=method, threads=t) for t in (1, 3)
        )
        x, h = (rng.standard_normal((size, 3)) for size in one.shape[::-1])
        np.testing.assert_array_equal(one @ x, three @ x)
        np.testing.assert_array_equal(one.T @ h, three.T @ h)


def test_auto_takes_it_where_it_pays():
    ones = np.ones((96, 96, 3, 3), np.float32)
    assert ConvOperator(ones, (15, 15), padding="same").form(64) == "winograd"
    assert ConvOperator(ones, (15, 15), padding="same").form(1) == "patches"  # few tiles
    assert ConvOperator(ones[:64], (15, 15), padding="same").form(64) == "patches"  # few filters
    assert ConvOperator(ones, (3, 3)).form(2000) == "patches"  # a tile of one output
    assert ConvOperator(ones, (15, 15), stride=2).form(64) == "patches"
    assert ConvOperator(ones, (15, 15), groups=2).form(64) == "patches"
    assert ConvOperator(ones[..., 0], 15).form(64) == "patches"
    assert ConvOperator(ones, (15, 15), method="patches").form(64) == "patches"


def test_auto_gives_the_products_of_its_form(rng):
    filters = random_filters(96, 96, (3, 3), rng).astype(np.float32)
    x = rng.standard_normal((96 * 16, 128)).astype(np.float32)
    auto, winograd = (
        ConvOperator(filters, (4, 4), 1, "same", method=m) for m in ("auto", "winograd")
    )
    np.testing.assert_array_equal(auto @ x, winograd @ x)


def test_memory_beside_input_and_output_is_that_of_the_parts(rng, tracemalloc_peak):
    filters = random_filters(16, 16, (3, 3), rng).astype(np.float32)
    W = ConvOperator(filters, (256, 256), 1, "same", method="winograd")
    x = rng.standard_normal(W.shape[1]).astype(np.float32)
    for product in (lambda: W @ x, lambda: W.T @ x):
        product()  # keeps the transformed filters
        assert tracemalloc_peak(product) < W.shape[0] * 4 + 1.2 * patches.PATCH_BYTES


def test_mixed_precision_is_as_with_the_explicit_matrix(rng):
    filters = random_filters(4, 3, (3, 3), rng).astype(np.float32)
    W, fast = conv_matrix(filters, (5, 5)), ConvOperator(filters, (5, 5), method="winograd")
    for dtype in (np.float32, np.float64):
        x, h = np.ones(W.shape[1], dtype), np.ones(W.shape[0], dtype)
        assert (fast @ x).dtype == (W @ x).dtype
        np.testing.assert_allclose(fast.T @ h, W.T @ h, rtol=1e-5, atol=1e-5)


def test_it_can_be_sent_to_a_worker(rng):
    W = ConvOperator(random_filters(4, 3, (3, 3), rng), (5, 5), method="winograd")
    x = rng.standard_normal(W.shape[1])
    expected = W @ x
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(W)) @ x, expected)


@pytest.mark.parametrize("padding", [0, 1, "circular"])
def test_nothing_goes_through_numpy(rng, monkeypatch, padding):
    fakecupy.install(monkeypatch)
    filters = random_filters(3, 2, (3, 3), rng)
    W = ConvOperator(filters, (5, 7), padding=padding, method="winograd")
    there = ConvOperator(to_device(filters, "cuda"), (5, 7), padding=padding, method="winograd")
    x, h = (rng.standard_normal((size, 2)) for size in W.shape[::-1])
    for found, expected in (
        (there @ to_device(x, "cuda"), W @ x),
        (there.T @ to_device(h, "cuda"), W.T @ h),
    ):
        assert type(found).__module__.startswith("cupy")
        np.testing.assert_allclose(to_host(found), expected)
    with pytest.raises(TypeError, match="CuPy"):
        there @ x
