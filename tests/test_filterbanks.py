"""The filter banks are what they claim: orthonormal, Parseval, with vanishing moments."""

from math import prod

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from cnninv import conv_matrix
from cnninv.filterbanks import dct_filters, random_orthogonal_filters, wavelet_filters

sizes = st.one_of(
    st.integers(1, 9), st.integers(1, 9).map(lambda l: (l,)), st.tuples(*[st.integers(1, 4)] * 2)
)
MOMENTS = range(1, 11)


def axes(size):
    return tuple(np.atleast_1d(size).tolist())


def assert_orthonormal(W, atol=1e-12):
    assert W.shape[0] == W.shape[1]
    np.testing.assert_allclose((W.T @ W).toarray(), np.eye(W.shape[1]), atol=atol)


@given(sizes, st.integers(1, 3))
def test_local_cosine_bases_are_orthonormal_with_stride_equal_to_size(size, blocks):
    size = axes(size)
    filters = dct_filters(size)
    assert filters.shape == (prod(size), 1, *size)
    D = tuple(blocks * l for l in size)
    assert_orthonormal(conv_matrix(filters, D, stride=size))
    # where nothing wraps, circular is the same up to the order of the rows
    assert_orthonormal(conv_matrix(filters, D, stride=size, padding="circular"))


def test_a_local_cosine_layer_is_the_block_dct():
    x = np.random.default_rng(0).standard_normal(12)
    h = conv_matrix(dct_filters(4), 12, stride=4) @ x
    blocks = scipy.fft.dct(x.reshape(3, 4), norm="ortho", axis=1)
    np.testing.assert_allclose(h.reshape(4, 3), blocks.T, atol=1e-14)


def test_a_two_dimensional_local_cosine_layer_is_the_block_dct_of_jpeg():
    x = np.random.default_rng(0).standard_normal((8, 8))
    h = conv_matrix(dct_filters((8, 8)), (8, 8), stride=8) @ x.ravel()
    np.testing.assert_allclose(h.reshape(8, 8), scipy.fft.dctn(x, norm="ortho"), atol=1e-13)


@pytest.mark.parametrize(
    ("size", "stride"),
    [(4, 1), (4, 2), (6, 3), (5, 1), ((4, 6), (2, 3)), ((2, 2), 1), ((3, 4), (3, 2))],
)
def test_overlapping_cosine_bases_are_tight_frames(size, stride):
    size = axes(size)
    steps = axes(stride) if np.iterable(stride) else (stride,) * len(size)
    D = tuple(2 * l for l in size)
    W = conv_matrix(dct_filters(size), D, stride=steps, padding="circular")
    bound = prod(size) / prod(steps)
    np.testing.assert_allclose((W.T @ W).toarray(), bound * np.eye(prod(D)), atol=1e-12)


@pytest.mark.parametrize("moments", MOMENTS)
@pytest.mark.parametrize("extra", [0, 2, 6])
def test_wavelets_are_orthonormal_on_even_lengths(moments, extra):
    filters = wavelet_filters(moments)
    assert filters.shape == (2, 1, 2 * moments)
    D = 2 * moments + extra
    assert_orthonormal(conv_matrix(filters, D, stride=2, padding="circular"))


@pytest.mark.parametrize("moments", [1, 2, 3])
def test_wavelets_of_images_are_orthonormal(moments):
    filters = wavelet_filters(moments, axes=2)
    assert filters.shape == (4, 1, 2 * moments, 2 * moments)
    assert_orthonormal(conv_matrix(filters, (6, 8), stride=2, padding="circular"))


def test_filters_of_images_are_tensor_products_low_pass_first():
    low, high = wavelet_filters(2)[:, 0]
    expected = [np.outer(a, b) for a in (low, high) for b in (low, high)]
    np.testing.assert_allclose(wavelet_filters(2, axes=2)[:, 0], expected)


def test_one_moment_is_haar():
    np.testing.assert_allclose(wavelet_filters(1)[:, 0] * np.sqrt(2), [[1, 1], [1, -1]], atol=1e-15)


def test_two_moments_are_daubechies_four_taps():
    root = np.sqrt(3)
    expected = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2))
    np.testing.assert_allclose(wavelet_filters(2)[0, 0], expected, atol=1e-14)


def test_three_moments_are_daubechies_six_taps():
    a, b = np.sqrt(10), np.sqrt(5 + 2 * np.sqrt(10))
    expected = [
        1 + a + b,
        5 + a + 3 * b,
        10 - 2 * a + 2 * b,
        10 - 2 * a - 2 * b,
        5 + a - 3 * b,
        1 + a - b,
    ]
    np.testing.assert_allclose(
        wavelet_filters(3)[0, 0], np.array(expected) / (16 * np.sqrt(2)), atol=1e-14
    )


@pytest.mark.parametrize("moments", MOMENTS)
def test_the_high_pass_filter_has_vanishing_moments(moments):
    low, high = wavelet_filters(moments)[:, 0]
    # centred and scaled, so that high powers stay of the order of 1
    t = np.linspace(-1, 1, 2 * moments)
    for power in range(moments):
        assert abs(high @ t**power) < 1e-11
    assert abs(high @ t**moments) > 1e-4
    assert low.sum() == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("moments", MOMENTS)
def test_a_polynomial_has_no_details(moments):
    low_and_high = wavelet_filters(moments)
    D = 2 * moments + 8
    x = np.linspace(-1, 1, D) ** (moments - 1)
    n = (D - 2 * moments) // 2 + 1
    details = (conv_matrix(low_and_high, D, stride=2) @ x)[n:]
    np.testing.assert_allclose(details, 0, atol=1e-11)


@given(st.integers(1, 3), sizes, st.integers(0, 2**32 - 1))
def test_random_orthogonal_banks_are_orthonormal_with_stride_equal_to_size(M, size, seed):
    size = axes(size)
    filters = random_orthogonal_filters(M, size, np.random.default_rng(seed))
    assert filters.shape == (M * prod(size), M, *size)
    assert_orthonormal(conv_matrix(filters, tuple(2 * l for l in size), stride=size))


def test_random_orthogonal_banks_are_uniform():
    rng = np.random.default_rng(0)
    draws = np.array([random_orthogonal_filters(1, 3, rng)[:, 0] for _ in range(2000)])
    # under Haar measure each entry has mean 0 and E q² = 1/3, E q⁴ = 3/(3·5); traces have mean 0
    error = 4 / np.sqrt(len(draws))
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=error)
    np.testing.assert_allclose((draws**2).mean(axis=0), 1 / 3, atol=error)
    np.testing.assert_allclose((draws**4).mean(axis=0), 1 / 5, atol=error)
    assert abs(np.trace(draws, axis1=1, axis2=2).mean()) < error
    # and determinants of both signs occur equally often
    assert abs(np.linalg.det(draws).mean()) < error


def test_the_same_seed_gives_the_same_bank():
    first, second = (random_orthogonal_filters(2, 3, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
