"""Pooling and unpooling against PyTorch, and as matrices."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv import (
    average_pool_matrix,
    max_pool,
    naive_upsample_matrix,
    pool_matrix,
    pooling_regions,
    unpool,
)


@st.composite
def pools(draw, divides=False, ties=False):
    """(h, shape, window): regions at the border may be partial, unless the window divides."""
    window = draw(st.lists(st.integers(1, 4), min_size=1, max_size=2))
    positions = [
        w * draw(st.integers(1, 3)) if divides else draw(st.integers(1, 7)) for w in window
    ]
    shape = (draw(st.integers(1, 3)), *positions)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    h = rng.integers(-2, 3, prod(shape)).astype(float) if ties else rng.standard_normal(prod(shape))
    return h, shape, tuple(window)


def regions_of(shape, window):
    """The entries of each region, by walking over them: a list of lists."""
    regions = {}
    for flat, (channel, *place) in enumerate(np.ndindex(*shape)):
        key = (channel, *(p // w for p, w in zip(place, window, strict=True)))
        regions.setdefault(key, []).append(flat)
    return [regions[key] for key in sorted(regions)]


@given(pools(ties=True), st.sampled_from(["abs", "value"]))
def test_each_region_keeps_its_largest_entry_the_first_of_equal_ones(pool, by):
    h, shape, window = pool
    values, switches = max_pool(h, shape, window, by)
    expected = [
        max(region, key=lambda i: (abs(h[i]) if by == "abs" else h[i], -i))
        for region in regions_of(shape, window)
    ]
    np.testing.assert_array_equal(switches, expected)
    np.testing.assert_array_equal(values, h[expected])


def torch_function(torch, name, shape):
    return getattr(torch.nn.functional, f"{name}{len(shape) - 1}d")


@given(pools())
def test_max_pooling_by_value_is_torch_s_with_partial_regions(pool):
    torch = pytest.importorskip("torch")
    h, shape, window = pool
    theirs, places = torch_function(torch, "max_pool", shape)(
        torch.tensor(h.reshape(shape)), window, ceil_mode=True, return_indices=True
    )
    values, switches = max_pool(h, shape, window, by="value")
    np.testing.assert_array_equal(values, theirs.numpy().ravel())
    # torch counts places within each channel
    channel = np.arange(shape[0]).repeat(len(values) // shape[0])
    np.testing.assert_array_equal(switches, places.numpy().ravel() + channel * prod(shape[1:]))


@given(pools())
def test_max_pooling_by_size_is_torch_s_of_the_absolute_values(pool):
    torch = pytest.importorskip("torch")
    h, shape, window = pool
    theirs = torch_function(torch, "max_pool", shape)(
        torch.tensor(abs(h).reshape(shape)), window, ceil_mode=True
    )
    values, _ = max_pool(h, shape, window)
    np.testing.assert_array_equal(abs(values), theirs.numpy().ravel())


@given(pools(divides=True))
def test_unpooling_is_torch_s(pool):
    torch = pytest.importorskip("torch")
    h, shape, window = pool
    values, switches = max_pool(h, shape, window)
    pooled = (shape[0], *(p // w for p, w in zip(shape[1:], window, strict=True)))
    places = (switches % prod(shape[1:])).reshape(pooled)
    theirs = torch_function(torch, "max_unpool", shape)(
        torch.tensor(values.reshape(pooled)), torch.tensor(places), window
    )
    np.testing.assert_array_equal(unpool(values, switches, shape, window), theirs.numpy().ravel())


@given(pools(divides=True))
def test_average_pooling_is_torch_s_where_the_window_divides(pool):
    torch = pytest.importorskip("torch")
    h, shape, window = pool
    theirs = torch_function(torch, "avg_pool", shape)(torch.tensor(h.reshape(shape)), window)
    A = average_pool_matrix(shape, window)
    np.testing.assert_allclose(A @ h, theirs.numpy().ravel(), atol=1e-14)


@given(pools())
def test_a_partial_region_averages_what_it_has(pool):
    h, shape, window = pool
    A = average_pool_matrix(shape, window)
    expected = [h[region].mean() for region in regions_of(shape, window)]
    np.testing.assert_allclose(A @ h, expected, atol=1e-14)
    np.testing.assert_allclose(A.sum(axis=1), 1)


@given(pools(), st.sampled_from(["abs", "value"]))
def test_pooling_is_a_matrix_and_its_transpose_unpools(pool, by):
    h, shape, window = pool
    values, switches = max_pool(h, shape, window, by)
    P = pool_matrix(switches, len(h))
    np.testing.assert_array_equal(P @ h, values)
    np.testing.assert_array_equal(P.T @ values, unpool(values, switches, shape, window))
    np.testing.assert_array_equal((P @ P.T).toarray(), np.eye(len(values)))


@given(pools())
def test_naive_upsampling_is_a_matrix_with_a_value_on_the_first_entry_of_each_region(pool):
    h, shape, window = pool
    values, _ = max_pool(h, shape, window)
    z_hat = unpool(values, None, shape, window, how="naive")
    expected = np.zeros(len(h))
    for value, region in zip(values, regions_of(shape, window), strict=True):
        expected[region[0]] = value
    np.testing.assert_array_equal(z_hat, expected)
    np.testing.assert_array_equal(naive_upsample_matrix(shape, window) @ values, expected)


@given(pools())
def test_regions_are_labelled_in_the_order_of_the_pooled_values(pool):
    _, shape, window = pool
    labels = pooling_regions(shape, window)
    for label, region in enumerate(regions_of(shape, window)):
        np.testing.assert_array_equal(np.flatnonzero(labels == label), region)


@given(pools())
def test_pooling_what_was_unpooled_gives_the_values_back(pool):
    h, shape, window = pool
    values, switches = max_pool(h, shape, window)
    again, places = max_pool(unpool(values, switches, shape, window), shape, window)
    np.testing.assert_array_equal(again, values)
    np.testing.assert_array_equal(places, switches)


@given(pools())
def test_one_window_serves_all_axes(pool):
    h, shape, window = pool
    w = window[0]
    for one, each in zip(
        max_pool(h, shape, w), max_pool(h, shape, (w,) * len(window)), strict=True
    ):
        np.testing.assert_array_equal(one, each)


def test_negative_entries_win_over_the_padding_of_partial_regions():
    values, switches = max_pool([-1.0, -2.0, -3.0], (1, 3), 2, by="value")
    np.testing.assert_array_equal(values, [-1, -3])
    np.testing.assert_array_equal(switches, [0, 2])


def test_zeros_win_over_the_padding_of_partial_regions():
    values, switches = max_pool(np.zeros(5), (1, 5), 4)
    np.testing.assert_array_equal(switches, [0, 4])
    np.testing.assert_array_equal(values, [0, 0])


def test_the_dtype_of_h_is_kept():
    values, switches = max_pool(np.ones(4, np.float32), (1, 4), 2)
    assert values.dtype == unpool(values, switches, (1, 4), 2).dtype == np.float32


def test_matrices_have_int32_indices():
    for A in (
        pool_matrix([1, 2], 4),
        naive_upsample_matrix((2, 5), 2),
        average_pool_matrix((2, 5), 2),
    ):
        assert A.indices.dtype == A.indptr.dtype == np.int32
