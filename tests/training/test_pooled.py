"""The first stage in one pass: the four layers that it stands for, in float64, and what it may not do."""

import numpy as np
import pytest

from cnninv.training import (
    BatchNormalisation,
    Convolution,
    MaximumPooling,
    Model,
    PooledStage,
    Rectifier,
    cross_entropy,
    paper_plan,
    plan,
)
from cnninv.training.patches import Buffers, patch_columns, window_columns


@pytest.fixture
def rng():
    return np.random.default_rng(6)


def stages(rng, size=3, learned=True, K=7):
    """The four layers, and the one that stands for them, with the same filters and scales of both signs."""
    filters, scale, bias = rng.standard_normal((K, 2, size, size)), *rng.standard_normal((2, K))
    convolutions = [Convolution(filters, learned, first=True) for _ in range(2)]
    norms = [BatchNormalisation(scale, bias, first=not learned) for _ in range(2)]
    assert scale.min() < 0 < scale.max()
    four = [convolutions[0], norms[0], Rectifier(), MaximumPooling()]
    return four, PooledStage(convolutions[1], norms[1])


def forward(layers, x, training):
    for layer in layers:
        x = layer.forward(x, training)
    return x


def backward(layers, g):
    for layer in reversed(layers):
        g = layer.backward(g)
        if g is None:
            return


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("block", [1, 4000, 1 << 20])
def test_one_pass_is_the_four_layers(rng, size, learned, block, monkeypatch):
    monkeypatch.setattr("cnninv.training.patches.BLOCK", block)
    monkeypatch.setattr("cnninv.training.pooled.FILTERS", 3)
    four, one = stages(rng, size, learned)
    x, g = rng.standard_normal((2, 8, 6, 5)) + 0.5, rng.standard_normal((7, 4, 3, 5))
    np.testing.assert_allclose(one.forward(x, True), forward(four, x, True), atol=1e-12)
    backward(four, g.copy())
    assert one.backward(g.copy()) is None
    for mine, theirs in zip((one.convolution, one.norm), four, strict=False):
        assert mine.gradients.keys() == theirs.gradients.keys()
        for name in theirs.gradients:
            np.testing.assert_allclose(mine.gradients[name], theirs.gradients[name], atol=1e-11)
        for name in theirs.fixed:
            np.testing.assert_allclose(mine.fixed[name], theirs.fixed[name], atol=1e-12)
    # evaluation, by the running averages
    np.testing.assert_allclose(one.forward(x), forward(four, x, False), atol=1e-12)


def test_of_equal_entries_of_a_window_the_first_has_the_gradient(rng):
    """Filters of one tap on images of constant windows: all entries are ties, and their patches differ."""
    four, one = stages(rng)
    x, g = rng.standard_normal((2, 4, 4, 2)), rng.standard_normal((7, 4, 4, 2))
    x = x.repeat(2, axis=1).repeat(2, axis=2)
    for layer in (four[0], one.convolution):
        layer.filters[:, :, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = 0
    np.testing.assert_allclose(one.forward(x, True), forward(four, x, True), atol=1e-12)
    backward(four, g.copy())
    one.backward(g.copy())
    gradients = one.convolution.gradients["filters"], four[0].gradients["filters"]
    np.testing.assert_allclose(*gradients, atol=1e-11)


def test_windows_have_the_patches_of_their_four_positions(rng):
    x = rng.standard_normal((2, 6, 4, 3))
    [(_, P)], [(rows, Q)] = patch_columns(x, 3), window_columns(x, 3, Buffers())
    assert rows == slice(0, 3)
    P, Q = P.reshape(18, 3, 2, 2, 2, 3), Q.reshape(18, 2, 2, 3, 2, 3)
    np.testing.assert_array_equal(P.transpose(0, 2, 4, 1, 3, 5), Q)


def test_only_what_is_pooled_is_stored(rng, tracemalloc_peak):
    """A wide layer takes less memory than its unpooled output alone would."""
    what, x = paper_plan(1, "random", 2048, 3), np.float32(rng.standard_normal((3, 32, 32, 16)))
    model = Model(what, rng, fused=True)
    h = 4 * 2048 * x[0].size

    def step():
        _, gradient = cross_entropy(model.forward(x, rng), np.arange(16) % 10)
        model.backward(gradient)

    assert tracemalloc_peak(step) < 1.5 * h
    assert tracemalloc_peak(lambda: Convolution(model.layers["conv1"].filters).forward(x)) > h


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_twin_goes_through_its_first_layers_in_one_pass_too(rng, depth):
    model = Model(paper_plan(depth, "random", 6, 3), rng, dtype=np.float64, fused=True)
    x = rng.standard_normal((3, 32, 32, 4))
    twin = model.twin()
    assert isinstance(twin.steps[0], PooledStage)
    np.testing.assert_array_equal(twin.forward(x), model.forward(x))


def test_a_network_that_does_not_pool_at_once_cannot_be_fused(rng):
    with pytest.raises(ValueError, match="fused = True needs a network that pools after its first"):
        Model(plan("vgg16-quarter"), rng, fused=True)
