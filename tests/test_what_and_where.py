"""Codes with other switches or values: what stays, what changes, and that everything fits."""

import numpy as np
import pytest

from cnninv import encode, random_network, replace_switches, replace_values
from cnninv.architectures import MaxPool
from cnninv.what_and_where import SWITCHES, VALUES


@pytest.fixture(params=["vgg16-quarter", "alexnet"])
def case(request, rng):
    network = random_network(request.param, rng, "conv3_1" if request.param[0] == "v" else "conv3")
    image = rng.random((2, 3, 22, 18) if request.param[0] == "v" else (2, 3, 83, 75))
    return network, encode(network, image, "pool2")


def inside(network, code):
    """Whether every switch lies in its window."""
    for step in network.architecture.layers:
        if isinstance(step, MaxPool) and step.name in code.switches:
            switches, (height, width) = code.switches[step.name], code.planes[step.name]
            row, column = switches // width, switches % width
            top = np.arange(switches.shape[2])[:, None] * step.stride
            left = np.arange(switches.shape[3]) * step.stride
            yield (row >= top).all() and (row < np.minimum(top + step.size, height)).all()
            yield (column >= left).all() and (column < np.minimum(left + step.size, width)).all()


@pytest.mark.parametrize("how", SWITCHES)
def test_replace_switches_stays_in_the_windows_and_keeps_the_values(case, how, rng):
    network, code = case
    other = replace_switches(network, code, how, rng)
    assert all(inside(network, other))
    assert other.values is code.values
    changed = [(other.switches[name] != code.switches[name]).mean() for name in code.switches]
    assert changed == [0, 0] if how == "known" else min(changed) > 0.1
    assert all(other.switches[name].dtype == code.switches[name].dtype for name in code.switches)


def test_replace_switches_naive_is_the_first_entry(case, rng):
    network, code = case
    other = replace_switches(network, code, "naive", rng)
    stride, width = 2, code.planes["pool2"][1]
    K, n1, n2 = code.values.shape[1:]
    first = np.arange(n1)[:, None] * stride * width + np.arange(n2) * stride
    assert np.array_equal(other.switches["pool2"], np.broadcast_to(first, (2, K, n1, n2)))


def test_replace_switches_shuffled_names_each_place_as_often(rng):
    network = random_network("vgg16-quarter", rng, "conv2_1")
    code = encode(network, rng.random((3, 16, 12)), "pool1")
    other = replace_switches(network, code, "shuffled", rng)

    def counts(switches):
        row, column = switches // 12, switches % 12
        return np.bincount((2 * (row % 2) + column % 2).ravel(), minlength=4)

    assert np.array_equal(counts(code.switches["pool1"]), counts(other.switches["pool1"]))
    assert counts(code.switches["pool1"]).max() > 0


@pytest.mark.parametrize("how", VALUES)
def test_replace_values_keeps_the_norm_and_the_switches(case, how, rng):
    _, code = case
    other = replace_values(code, how, rng)
    for one, two in zip(code.values, other.values, strict=True):
        assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(two), rel=1e-5)
    assert other.switches is code.switches
    assert other.values.min() >= 0
    assert other.values.dtype == code.values.dtype
    kept = np.array_equal(other.values != 0, code.values != 0)
    assert kept == (how in ("exact", "shuffled", "constant"))
    if how == "shuffled":
        assert np.allclose(np.sort(other.values[0].ravel()), np.sort(code.values[0].ravel()))


def test_replace_values_of_nothing_is_nothing(rng):
    network = random_network("vgg16-quarter", rng, "conv1_2")
    code = encode(network, rng.random((3, 4, 4)), "pool1")
    nothing = code.replace(values=0 * code.values)
    for how in VALUES:
        assert not replace_values(nothing, how, rng).values.any()
