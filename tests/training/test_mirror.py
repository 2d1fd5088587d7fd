"""Decoders that can be trained: gradients, what they are at the start, and what is exported."""

import numpy as np
import pytest

from cnninv import encode, random_network
from cnninv.training import BatchNormalisation, Mirror
from cnninv.training.mirror import Bias, Unpooling
from cnninv.training.parts import Parts


@pytest.fixture(scope="module")
def network():
    return random_network("vgg16-quarter", np.random.default_rng(0), last="conv3_3")


def prepared(network, layer, dtype=np.float64, **options):
    """A model, and images about it, the images last."""
    rng = np.random.default_rng(1)
    x = 60 * rng.standard_normal((3, 12, 8, 4))
    model = Mirror(network, layer, dtype=dtype, **options)
    model.start(x)
    for array in model.parameters.values():
        array += (0.1 * rng.standard_normal(array.shape)).astype(array.dtype)
    return model, x


@pytest.mark.parametrize("layer", ["pool1", "pool2", "pool3"])
def test_gradients_agree_with_autograd(network, layer):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    model, x = prepared(network, layer)
    loss = model.learn(x)
    state = {name: torch.tensor(p, requires_grad=True) for name, p in model.parameters.items()}
    h = torch.tensor(np.moveaxis(model.encode(x), -1, 0).copy())
    for name, step in model.layers.items():
        if isinstance(step, Unpooling):
            entries = step.plane[0] * step.plane[1]
            flat = step.places // 4 - np.arange(len(step.places))[:, None, None, None] * entries
            places = torch.tensor(np.moveaxis(flat, -1, 0).copy())
            h = F.max_unpool2d(h, places, 2, output_size=step.plane)
        elif name.startswith("conv") and "." not in name:
            h = F.conv2d(h, state[f"{name}.filters"], state.get(f"{name}.bias.bias"), padding=1)
        elif name.endswith("norm"):
            learned = (state[f"{name}.scale"], state[f"{name}.bias"])
            h = F.batch_norm(h, None, None, *learned, training=True)
        elif name.endswith("relu"):
            h = F.relu(h)
    target = torch.tensor(np.moveaxis(x, -1, 0).copy()) / float(model.scales["images"])
    expected = ((h - target) ** 2).mean()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-10)
    assert set(model.gradients) == set(model.parameters)
    for name, g in model.gradients.items():
        np.testing.assert_allclose(g, state[name].grad.numpy(), atol=1e-10, err_msg=name)


@pytest.mark.parametrize("layer", ["pool1", "pool3"])
def test_gradients_agree_with_finite_differences(network, layer):
    model, x = prepared(network, layer)
    model.learn(x)
    gradients = {name: np.array(g) for name, g in model.gradients.items()}
    rng = np.random.default_rng(2)
    for name, array in model.parameters.items():
        for entry in rng.choice(array.size, min(array.size, 4), replace=False):
            place, step = np.unravel_index(entry, array.shape), 1e-5
            kept, ends = array[place], []
            for array[place] in (kept + step, kept - step):
                ends.append(model.learn(x))
            array[place] = kept
            difference = (ends[0] - ends[1]) / (2 * step)
            assert gradients[name][place] == pytest.approx(difference, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("layer", ["pool1", "pool2", "pool3"])
def test_what_is_exported_gives_the_same_images(network, layer, rng):
    images = rng.random((2, 3, 16, 20)).astype(np.float32)
    x = np.moveaxis(network.preprocessing.whole(images), 0, -1)
    model = Mirror(network, layer)
    model.start(np.ascontiguousarray(x))
    for array in model.parameters.values():
        array += (0.05 * rng.standard_normal(array.shape)).astype(array.dtype)
    for step in model.layers.values():
        if isinstance(step, BatchNormalisation):
            step.fixed["mean"] += 0.1
            step.fixed["variance"] *= 1.5
    h = model.forward(model.encode(np.ascontiguousarray(x))) * float(model.scales["images"])
    expected = network.preprocessing.restore(np.moveaxis(h, -1, 0))
    found = model.decoder()(encode(network, images, layer))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_at_the_start_every_layer_has_mean_square_1(network):
    x = np.random.default_rng(1).standard_normal((3, 12, 8, 4)).astype(np.float32)
    model = Mirror(network, "pool2")
    model.start(x)
    assert float((model.encode(x) ** 2).mean()) == pytest.approx(1, rel=1e-4)
    h = model.encode(x)
    for name, layer in model.layers.items():
        h = layer.forward(h)
        if name.startswith("conv") and "." not in name:
            assert float((h**2).mean()) == pytest.approx(1, rel=1e-3)


def test_gradients_of_two_parts_are_the_mean_of_theirs(network):
    model, x = prepared(network, "pool2")
    both = Parts(model, 2)
    told = both.step(4, lambda m, part, rng: m.learn(x[..., part].copy()), np.random.default_rng(0))
    losses, gradients = [], []
    for part in (slice(2), slice(2, 4)):
        losses.append(model.learn(x[..., part].copy()))
        gradients.append({name: np.array(g) for name, g in model.gradients.items()})
    np.testing.assert_allclose(told, losses, rtol=1e-12)
    for name, g in both.gradients.items():
        np.testing.assert_allclose(g, (gradients[0][name] + gradients[1][name]) / 2, atol=1e-12)


def test_a_bias_is_added_and_its_gradient_is_a_sum(rng):
    layer, h = Bias(np.array([1.0, -2.0])), rng.standard_normal((2, 3, 4, 5))
    expected = h + np.array([1.0, -2.0])[:, None, None, None]
    np.testing.assert_allclose(layer.forward(h), expected)
    g = rng.standard_normal(h.shape)
    assert layer.backward(g) is g
    np.testing.assert_allclose(layer.gradients["bias"], g.sum(axis=(1, 2, 3)))


def test_what_cannot_be_mirrored_is_refused(rng):
    with pytest.raises(ValueError, match="norm1 of AlexNet cannot be mirrored"):
        Mirror(random_network("alexnet", rng), "pool1")
