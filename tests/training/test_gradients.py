"""Gradients against explicit matrices, finite differences and PyTorch's autograd, in float64."""

from dataclasses import replace

import numpy as np
import pytest

from cnninv import batch_norm_matrix, conv_matrix
from cnninv.training import (
    AveragePooling,
    BatchNormalisation,
    Convolution,
    Dropout,
    Linear,
    MaximumPooling,
    Model,
    Rectifier,
    cross_entropy,
    paper_plan,
    plan,
)
from cnninv.training.patches import patch_columns


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def columns(x):
    """(channels, height, width, batch) as the columns that W is applied to."""
    return x.reshape(-1, x.shape[-1])


@pytest.mark.parametrize("size", [1, 3, 5, 7])
@pytest.mark.parametrize("block", [1, 200, 1 << 20])
def test_convolution_is_a_product_with_W_and_its_gradient_one_with_W_transposed(
    rng, size, block, monkeypatch
):

    monkeypatch.setattr("cnninv.training.patches.BLOCK", block)
    filters = rng.standard_normal((4, 3, size, size))
    x, g = rng.standard_normal((3, 6, 5, 2)), rng.standard_normal((4, 6, 5, 2))
    W = conv_matrix(filters, (6, 5), padding=size // 2)
    layer = Convolution(filters)
    np.testing.assert_allclose(columns(layer.forward(x, True)), W @ columns(x), atol=1e-12)
    np.testing.assert_allclose(columns(layer.backward(g)), W.T @ columns(g), atol=1e-12)
    # h is linear in the filters as well: ∂/∂w of ⟨g, W x⟩ is ⟨g, W(e) x⟩ for each unit filter e
    for entry in np.ndindex(filters.shape):
        e = np.zeros_like(filters)
        e[entry] = 1
        expected = (columns(g) * (conv_matrix(e, (6, 5), padding=size // 2) @ columns(x))).sum()
        assert layer.gradients["filters"][entry] == pytest.approx(expected, abs=1e-11)


def test_both_ways_to_the_gradient_of_the_filters_agree(rng):
    filters = rng.standard_normal((4, 3, 3, 3))
    x, g = rng.standard_normal((3, 6, 5, 2)), rng.standard_normal((4, 6, 5, 2))
    inner, first = Convolution(filters), Convolution(filters, first=True)
    for layer in (inner, first):
        layer.forward(x, True)
    assert inner.backward(g) is not None
    assert first.backward(g) is None
    np.testing.assert_allclose(first.gradients["filters"], inner.gradients["filters"], atol=1e-12)


def test_patches_are_the_rows_of_W_read_from_x(rng):
    x, filters = rng.standard_normal((2, 4, 4, 3)), rng.standard_normal((5, 2, 3, 3))
    [(rows, P)] = patch_columns(x, 3)
    assert rows == slice(0, 4)
    h = conv_matrix(filters, (4, 4), padding=1) @ columns(x)
    np.testing.assert_allclose((filters.reshape(5, -1) @ P).reshape(h.shape), h, atol=1e-12)


def test_normalisation_with_nothing_learned_in_front_has_the_same_gradients_of_its_own(rng):
    scale, bias = rng.standard_normal(3), rng.standard_normal(3)
    h, g = rng.standard_normal((3, 4, 4, 5)), rng.standard_normal((3, 4, 4, 5))
    inner, first = BatchNormalisation(scale, bias), BatchNormalisation(scale, bias, first=True)
    for layer in (inner, first):
        layer.forward(h, True)
    assert inner.backward(g) is not None
    assert first.backward(g) is None
    for name in ("scale", "bias"):
        np.testing.assert_array_equal(first.gradients[name], inner.gradients[name])


def test_evaluation_of_batch_normalisation_is_its_matrix(rng):
    layer = BatchNormalisation(rng.standard_normal(3), rng.standard_normal(3))
    for _ in range(3):
        layer.forward(rng.standard_normal((3, 2, 2, 8)), True)
    h = rng.standard_normal((3, 2, 2, 1))
    A, c = batch_norm_matrix(**layer.parameters, **layer.fixed, n=4, eps=layer.eps)
    np.testing.assert_allclose(columns(layer.forward(h))[:, 0], A @ h.ravel() + c, atol=1e-12)


def test_batch_normalisation_in_evaluation_uses_running_averages_of_mean_and_unbiased_variance(rng):
    layer = BatchNormalisation(np.ones(3), np.zeros(3), momentum=0.25)
    first, second = rng.standard_normal((3, 2, 2, 5)) + 3, 2 * rng.standard_normal((3, 4, 2, 6))
    mean, variance = np.zeros(3), np.ones(3)
    for h in (first, second):
        layer.forward(h, training=True)
        rows = h.reshape(3, -1)
        mean = 0.75 * mean + 0.25 * rows.mean(axis=1)
        variance = 0.75 * variance + 0.25 * rows.var(axis=1, ddof=1)
        np.testing.assert_allclose(layer.fixed["mean"], mean)
        np.testing.assert_allclose(layer.fixed["variance"], variance)
    # a batch of one entry has no unbiased variance: it counts as 0
    layer.forward(np.ones((3, 1, 1, 1)), training=True)
    np.testing.assert_allclose(layer.fixed["variance"], 0.75 * variance)
    before = {name: values.copy() for name, values in layer.fixed.items()}
    layer.forward(first)
    for name, values in layer.fixed.items():
        np.testing.assert_array_equal(values, before[name])


LAYERS = {
    "convolution": lambda rng: Convolution(rng.standard_normal((3, 4, 3, 3))),
    "normalisation": lambda rng: BatchNormalisation(rng.standard_normal(4), rng.standard_normal(4)),
    "rectifier": lambda rng: Rectifier(),
    "maximum": lambda rng: MaximumPooling(),
    "average": lambda rng: AveragePooling(2),
    "dropout": lambda rng: Dropout(0.3),
    "linear": lambda rng: Linear(rng.standard_normal((5, 96)), rng.standard_normal(5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_agree_with_finite_differences(rng, name):
    layer, x = LAYERS[name](rng), rng.standard_normal((4, 4, 6, 3))
    weights = rng.standard_normal(forward(layer, x).shape)

    def value(x):
        return (forward(layer, x) * weights).sum()

    value(x)
    gradient = np.array(layer.backward(weights.copy()))
    assert gradient.shape == x.shape
    learned = {name: np.array(g) for name, g in layer.gradients.items()}
    for array, g in [(x, gradient)] + [(layer.parameters[n], learned[n]) for n in learned]:
        for entry in rng.choice(array.size, min(array.size, 25), replace=False):
            place, step = np.unravel_index(entry, array.shape), 1e-6
            kept = array[place]
            ends = []
            for array[place] in (kept + step, kept - step):
                ends.append(value(x))
            array[place] = kept
            assert g[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-7)


def forward(layer, x):
    layer.rng = np.random.default_rng(0)
    return layer.forward(x.copy(), True)


def test_the_gradient_of_a_tie_goes_to_the_first_entry_only():
    layer = MaximumPooling()
    layer.forward(np.ones((1, 2, 2, 1)), True)
    assert layer.backward(np.ones((1, 1, 1, 1))).ravel().tolist() == [1, 0, 0, 0]


def test_dropout_keeps_the_mean_and_is_nothing_in_evaluation(rng):
    layer, h = Dropout(0.25), np.ones((10, 10, 10, 100))
    layer.rng = rng
    dropped = layer.forward(h, True)
    assert set(np.unique(dropped)) == {0.0, 1 / 0.75}
    assert dropped.mean() == pytest.approx(1, abs=0.01)
    assert layer.forward(h) is h


PLANS = {
    "vgg16-quarter": plan("vgg16-quarter"),
    "one learned": paper_plan(1, "learned", 6, 7),
    "two learned": paper_plan(2, "learned", 6, 5),
    "three learned": paper_plan(3, "learned", 6, 3),
    "one random": paper_plan(1, "random", 6, 3),
    "three random": paper_plan(3, "random", 6, 5),
}


WAYS = [(name, smoothing, False) for name in PLANS for smoothing in (0.0, 0.1)]
WAYS += [(name, 0.1, True) for name in PLANS if name != "vgg16-quarter"]


@pytest.mark.parametrize(("name", "smoothing", "fused"), WAYS)
def test_gradients_of_whole_networks_agree_with_autograd(rng, name, smoothing, fused):
    torch = pytest.importorskip("torch")
    model = Model(replace(PLANS[name], dropout=0.0), rng, dtype=np.float64, fused=fused)
    x, labels = rng.standard_normal((3, 32, 32, 6)), rng.integers(0, 10, 6)
    loss, gradient = cross_entropy(model.forward(x, rng), labels, smoothing)
    model.backward(gradient)

    state = {k: torch.tensor(v, requires_grad=True) for k, v in model.state.items()}
    logits = torch_logits(torch, model, state, torch.tensor(x.transpose(3, 0, 1, 2).copy()))
    expected = torch.nn.functional.cross_entropy(
        logits, torch.tensor(labels), label_smoothing=smoothing
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert set(model.gradients) == set(model.parameters)
    for parameter, ours in model.gradients.items():
        theirs = state[parameter].grad.numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-12 * max(1, np.abs(theirs).max()))


def torch_logits(torch, model, state, h):
    F = torch.nn.functional
    for name, layer in model.layers.items():
        kind = type(layer).__name__
        if kind == "Convolution":
            h = F.conv2d(h, state[f"{name}.filters"], padding="same")
        elif kind == "BatchNormalisation":
            h = F.batch_norm(
                h, None, None, state[f"{name}.scale"], state[f"{name}.bias"], training=True
            )
        elif kind == "Rectifier":
            h = F.relu(h)
        elif kind == "MaximumPooling":
            h = F.max_pool2d(h, 2)
        elif kind == "AveragePooling":
            h = F.avg_pool2d(h, layer.window)
        else:
            h = F.linear(h.flatten(1), state[f"{name}.weights"], state[f"{name}.bias"])
    return h
