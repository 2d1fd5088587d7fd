"""Pooling with switches and its way back, on planes of any size, against PyTorch and the theory's pooling."""

import numpy as np
import pytest

from cnninv import max_pool, unpool
from cnninv.layers import (
    flat_places,
    max_pool_windows,
    pool_with_switches,
    pooled_length,
    unpool_with_switches,
)

SHAPES = [(3, 8, 6, 2), (2, 7, 5, 3), (1, 1, 4, 1), (4, 13, 13, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 3)])
def test_the_values_are_those_of_pooling_and_the_switches_point_to_them(shape, size, stride, rng):
    h = rng.standard_normal(shape).round(1)  # with ties
    values, switches = pool_with_switches(h, size, stride)
    assert np.array_equal(values, max_pool_windows(h, size, stride))
    planes = h.reshape(shape[0], -1, shape[3])
    kept = np.take_along_axis(planes, switches.reshape(shape[0], -1, shape[3]), axis=1)
    assert np.array_equal(kept.reshape(values.shape), values)
    assert np.array_equal(h.ravel()[flat_places(switches, shape[1] * shape[2])], values)


@pytest.mark.parametrize("shape", SHAPES)
def test_both_ways_are_those_of_the_theory(shape, rng):
    h = rng.standard_normal(shape).round(1)
    values, switches = pool_with_switches(h, 2, 2)
    back = unpool_with_switches(values, switches, shape[1:3])
    for b in range(shape[3]):
        one = h[..., b]
        expected, places = max_pool(one.ravel(), one.shape, 2, by="value")
        assert np.array_equal(values[..., b].ravel(), expected)
        assert np.array_equal(flat_places(switches[..., [b]], one[0].size).ravel(), places)
        theirs = unpool(expected, places, one.shape, 2)
        assert np.array_equal(back[..., b].ravel(), theirs)


@pytest.mark.parametrize("shape", [(3, 8, 6, 2), (4, 12, 12, 3)])
def test_unpooling_is_pytorchs(shape, rng):
    torch = pytest.importorskip("torch")
    h = rng.standard_normal(shape)
    values, switches = pool_with_switches(h, 2, 2)
    first = torch.from_numpy(np.moveaxis(h, -1, 0).copy())
    theirs, places = torch.nn.functional.max_pool2d(first, 2, return_indices=True)
    assert np.array_equal(np.moveaxis(theirs.numpy(), 0, -1), values)
    assert np.array_equal(np.moveaxis(places.numpy(), 0, -1), switches)
    back = torch.nn.functional.max_unpool2d(theirs, places, 2).numpy()
    assert np.array_equal(
        np.moveaxis(back, 0, -1), unpool_with_switches(values, switches, shape[1:3])
    )


def test_the_switch_of_a_tie_is_the_first_entry():
    _, switches = pool_with_switches(np.zeros((1, 4, 4, 1)), 2, 2)
    assert switches.ravel().tolist() == [0, 2, 8, 10]


def test_pooling_what_was_unpooled_gives_it_back(rng):
    h = abs(rng.standard_normal((3, 9, 7, 2)))
    values, switches = pool_with_switches(h, 3, 2)  # windows overlap
    again, _ = pool_with_switches(unpool_with_switches(values, switches, (9, 7)), 3, 2)
    assert np.array_equal(again, values)


def test_the_last_window_is_partial():
    assert [pooled_length(length, 3, 2) for length in (1, 3, 4, 5, 6)] == [1, 1, 2, 2, 3]
