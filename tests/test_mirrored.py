"""Learned decoders: unpooling, convolutions and ReLU, as PyTorch has them, and what comes back."""

import numpy as np
import pytest
from instances import drawn_decoder

from cnninv import encode, load_decoder, load_network, random_network
from cnninv.decoder_files import decoder_file
from cnninv.files import data_folder
from cnninv.images import psnr, read_image

LAYERS = [f"pool{i}" for i in range(1, 6)]


@pytest.fixture(scope="module")
def network():
    return random_network("vgg16-quarter", np.random.default_rng(0))


@pytest.mark.parametrize("size", [(16, 16), (13, 22)])
def test_a_decoder_is_unpooling_convolutions_and_relu(network, rng, size):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    decoder = drawn_decoder(network, "pool2", rng)
    code = encode(network, rng.random((2, 3, *size)), "pool2")
    h = torch.tensor(code.values)
    for pool, names in (("pool2", ["conv2_2", "conv2_1"]), ("pool1", ["conv1_2", "conv1_1"])):
        places = torch.tensor(code.switches[pool].astype(np.int64))
        full = torch.zeros(*h.shape[:2], code.planes[pool][0] * code.planes[pool][1])
        h = full.scatter(2, places.flatten(2), h.flatten(2)).unflatten(2, code.planes[pool])
        for name in names:
            filters, bias = (torch.tensor(p[name]) for p in (decoder.filters, decoder.biases))
            h = F.conv2d(h, filters, bias, padding=1)
            h = h if name == "conv1_1" else F.relu(h)
    expected = network.preprocessing.restore(h.numpy())
    np.testing.assert_allclose(decoder(code), expected, atol=1e-4)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_photograph_comes_back_through_the_decoders_of_the_book(layer):
    if not (data_folder() / decoder_file("vgg16-quarter", layer)).is_file():
        pytest.skip("the decoders are not trained yet")
    network = load_network("vgg16-quarter")
    image = read_image("sample")[:, ::4, ::4][:, :128, :128]
    found = load_decoder("vgg16-quarter", layer)(encode(network, image, layer))[0]
    assert (
        psnr(image, found)
        > {"pool1": 18, "pool2": 16, "pool3": 14, "pool4": 13, "pool5": 12}[layer]
    )
