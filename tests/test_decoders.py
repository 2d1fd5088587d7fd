"""The decoder that needs no training, against the explicit matrices' transposes."""

import numpy as np
import pytest

from cnninv import conv_matrix, encode, load_network, pool_matrix, random_network, transpose_decoder
from cnninv.encoding import layers_upto
from cnninv.images import read_image


@pytest.fixture(scope="module")
def network():
    return random_network("vgg16-quarter", np.random.default_rng(0))


@pytest.mark.parametrize("layer", ["pool1", "pool3"])
@pytest.mark.parametrize("size", [(8, 8), (7, 11)])
def test_the_way_back_is_that_of_the_explicit_matrices(network, rng, layer, size):
    """x̂ = W₁ᵀ P₁ᵀ max(0, W₂ᵀ P₂ᵀ …) with P the pooling of the code's switches; scaled."""
    code = encode(network, rng.random((2, 3, *size)), layer)
    for b in range(2):
        z, planes = code.values[b].ravel().astype(float), {}
        plane = size
        for step in layers_upto(network.architecture, layer):
            planes[step.name] = plane
            if step.name.startswith("pool"):
                plane = tuple(-(-n // 2) for n in plane)
        for step in reversed(layers_upto(network.architecture, layer)):
            D = planes[step.name]
            if step.name.startswith("pool"):
                switches = code.switches[step.name][b]
                channels = np.arange(len(switches))[:, None, None] * (D[0] * D[1])
                P = pool_matrix((channels + switches).ravel(), len(switches) * D[0] * D[1])
                z = P.T @ z
            elif step.name.startswith("conv"):
                W = conv_matrix(network.filters(step.name), D, padding="same")
                z = W.T @ z
                if step.name != "conv1_1":
                    z = np.maximum(z, 0)
        mean = network.preprocessing.mean[:, None, None] / 255
        expected = mean + z.reshape(3, *size) * (0.25 * np.sqrt(z.size) / np.linalg.norm(z))
        found = transpose_decoder(network, layer)(code)[b]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_scale_of_the_code_does_not_matter_and_the_contrast_does(network, rng):
    code = encode(network, rng.random((2, 3, 16, 16)), "pool2")
    decode = transpose_decoder(network, "pool2")
    images = decode(code)
    np.testing.assert_allclose(decode(code.replace(values=code.values * 7)), images, atol=1e-5)
    mean = network.preprocessing.mean[:, None, None] / 255
    twice = transpose_decoder(network, "pool2", contrast=0.5)(code)
    np.testing.assert_allclose(twice - mean, 2 * (images - mean), atol=1e-5)


def test_a_code_of_zeros_is_the_mean_colour(network, rng):
    code = encode(network, rng.random((3, 8, 8)), "pool1")
    images = transpose_decoder(network, "pool1")(code.replace(values=code.values * 0))
    np.testing.assert_allclose(images[0, :, 0, 0], network.preprocessing.mean / 255, rtol=1e-6)


def test_the_edges_of_a_photograph_come_back(shared_data):
    network = load_network(shared_data / "vgg16_conv1_1-conv3_3.npz")
    image = read_image("sample")[:, 40:104, 200:264]
    for layer, least in (("pool1", 0.3), ("pool2", 0.25), ("pool3", 0.15)):
        back = transpose_decoder(network, layer)(encode(network, image, layer))[0]
        assert np.corrcoef(back.ravel(), image.ravel())[0, 1] > least


def test_a_network_with_normalisation_has_none(rng):
    with pytest.raises(ValueError, match="network has norm1, a normalisation over channels"):
        transpose_decoder(random_network("alexnet", rng), "pool1")


def test_codes_of_another_layer_or_network_are_refused(network, rng):
    code = encode(network, rng.random((3, 8, 8)), "pool1")
    with pytest.raises(ValueError, match="code is of pool1; expected one of pool2"):
        transpose_decoder(network, "pool2")(code)
    with pytest.raises(ValueError, match="code has 16 channels; expected 64, as pool1 has"):
        transpose_decoder(random_network("vgg16", rng, last="conv1_2"), "pool1")(code)
    with pytest.raises(TypeError, match="must be a Code, as `encode` returns it"):
        transpose_decoder(network, "pool1")(code.values)
