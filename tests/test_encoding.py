"""Codes: the network's own activations, switches that point to them, and codes that make no sense."""

import numpy as np
import pytest

from cnninv import encode, load_network, random_network
from cnninv.encoding import input_planes


@pytest.fixture(scope="module")
def network():
    return random_network("vgg16-quarter", np.random.default_rng(0))


@pytest.fixture
def images(rng):
    return rng.random((2, 3, 32, 32))


@pytest.mark.parametrize("layer", ["pool1", "pool2", "pool3", "pool4", "pool5"])
def test_a_code_has_the_networks_activations(network, images, layer):
    code = encode(network, images, layer)
    found = network.forward(network.preprocessing.whole(images), [layer])[layer]
    assert np.array_equal(code.values, found)
    assert list(code.switches) == [f"pool{i}" for i in range(1, int(layer[-1]) + 1)]


@pytest.mark.parametrize("size", [(32, 32), (24, 40), (19, 27), (5, 6)])
def test_switches_point_to_the_values_in_the_layer_before(network, rng, size):
    images = rng.random((2, 3, *size))
    code = encode(network, images, "pool3")
    before = {"pool1": "relu1_2", "pool2": "relu2_2", "pool3": "relu3_3"}
    kept = network.forward(network.preprocessing.whole(images), [*before, *before.values()])
    for pool, relu in before.items():
        assert kept[relu].shape[2:] == code.planes[pool]
        planes = kept[relu].reshape(2, kept[relu].shape[1], -1)
        places = code.switches[pool].reshape(2, planes.shape[1], -1)
        values = np.take_along_axis(planes, places, axis=2)
        assert np.array_equal(values, kept[pool].reshape(values.shape))


def test_an_image_is_a_batch_of_one(network, images):
    one, both = encode(network, images[0], "p(2)"), encode(network, images, "pool(2)")
    assert one.layer == both.layer == "pool2"
    np.testing.assert_allclose(one.values[0], both.values[0], rtol=1e-5, atol=1e-3)
    assert one.values.shape == (1, 32, 8, 8)
    assert one.size == (32, 32)


def test_the_whole_image_is_seen_and_not_its_middle(network, rng):
    code = encode(network, rng.random((3, 48, 64)), "pool1")
    assert code.values.shape == (1, 16, 24, 32)
    assert code.planes == {"pool1": (48, 64)}


def test_a_network_with_overlapping_windows_and_normalisation(rng):
    network = random_network("alexnet", rng, last="conv2")
    images = rng.random((2, 3, 99, 67))
    x = network.preprocessing.whole(images)
    assert np.array_equal(
        encode(network, images, "pool2").values, network.forward(x, "pool2")["pool2"]
    )
    assert input_planes(network.architecture, (99, 67), "pool2")["pool2"] == (11, 7)


def test_the_real_network(shared_data, rng):
    network = load_network(shared_data / "vgg16_conv1_1-conv3_3.npz")
    images = rng.random((1, 3, 16, 24))
    code = encode(network, images, "pool3")
    x = network.preprocessing.whole(images)
    assert np.array_equal(code.values, network.forward(x, "pool3")["pool3"])
    with pytest.raises(
        ValueError, match="layer = 'pool4' must be one of 'pool1', 'pool2', 'pool3'"
    ):
        encode(network, images, "pool4")


def test_values_and_switches_can_be_replaced(network, images, rng):
    code = encode(network, images, "pool2")
    values = rng.standard_normal(code.values.shape)
    changed = code.replace(values=values)
    assert changed.values is values
    assert changed.switches is code.switches
    other = code.switches | {"pool1": np.zeros_like(code.switches["pool1"])}
    assert not code.replace(switches=other).switches["pool1"].any()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda c: {"values": c.values[:1]},
            ValueError,
            r"values has shape \(1, 32, 8, 8\); expected",
        ),
        (
            lambda c: {"values": c.values * np.nan},
            ValueError,
            "values has 4096 entries that are NaN",
        ),
        (lambda c: {"switches": {}}, ValueError, "expected those of 'pool1', 'pool2'"),
        (
            lambda c: {"switches": c.switches | {"pool1": c.switches["pool1"] + 1024}},
            ValueError,
            r"switches\['pool1'\] reaches from .* expected entries in 0 … 1023",
        ),
        (
            lambda c: {"switches": c.switches | {"pool1": c.switches["pool1"][:, :3]}},
            ValueError,
            r"switches\['pool1'\] has shape \(2, 3, 16, 16\); expected \(2, 16, 16, 16\)",
        ),
        (
            lambda c: {"switches": c.switches | {"pool2": c.switches["pool2"] * 1.0}},
            TypeError,
            r"switches\['pool2'\] has dtype float64; expected integers",
        ),
    ],
)
def test_what_does_not_fit_the_code_is_refused(network, images, change, error, words):
    code = encode(network, images, "pool2")
    with pytest.raises(error, match=words):
        code.replace(**change(code))


@pytest.mark.parametrize("layer", ["relu1_1", "conv1_1", "pool6", "", None])
def test_what_is_no_pooling_is_refused(network, images, layer):
    with pytest.raises(ValueError, match=r"layer = .* must be one of 'pool1'"):
        encode(network, images, layer)
