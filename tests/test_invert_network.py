import numpy as np
import pytest

from cnninv import encode, load_network, random_network, transpose_decoder
from cnninv.images import psnr, read_image, ssim
from cnninv.invert_network import (
    LEARNED,
    ORIGINAL,
    RANDOM_FILTERS,
    RANDOM_VALUES,
    WAYS,
    draw_grid,
    draw_ways,
    invert_network,
    layer_above,
    reconstructed_values,
)
from cnninv.one_step import NEAREST, one_step


@pytest.fixture(scope="module")
def image():
    return read_image("sample")[:, 100:164, 200:248]


@pytest.fixture(scope="module")
def network():
    return load_network("vgg16-quarter")


@pytest.fixture(scope="module")
def found(network, image):
    decoders = {"Wᵀ": transpose_decoder(network, "pool2"), "grey": grey}
    return invert_network(network, image, "pool(2)", decoders, np.random.default_rng(0))


def grey(code):
    return np.full((len(code.values), 3, *code.size), 0.5)


def test_the_first_decoder_goes_all_ways_and_the_others_one(found):
    assert [(way.name, way.decoder) for way in found] == [
        *((name, "Wᵀ") for name in WAYS),
        (ORIGINAL, "grey"),
    ]


def test_the_original_activation_goes_back_as_the_decoder_takes_it(found, network, image):
    decoded = transpose_decoder(network, "pool2")(encode(network, image, "pool2"))[0]
    assert np.allclose(found[0].image, decoded)
    assert found[0].activation_error == 0


def test_iht_takes_the_filters_of_the_layer_above_and_keeps_the_switches(found, network, image):
    code = encode(network, image, "pool2")
    f_hat = one_step(code.values[0], network.filters("conv3_1"), NEAREST)
    decoded = transpose_decoder(network, "pool2")(code.replace(values=f_hat[None]))[0]
    way = found[WAYS.index(LEARNED)]
    assert np.allclose(way.image, decoded, atol=1e-5)
    error = np.linalg.norm(f_hat - code.values[0]) / np.linalg.norm(f_hat)
    assert way.activation_error == pytest.approx(error, rel=1e-5)


def test_numbers_are_those_of_a_picture_with_pixels_from_0_to_1(found, image):
    for way in found:
        shown = way.image.clip(0, 1)
        assert way.error == pytest.approx(np.linalg.norm(shown - image) / np.linalg.norm(image))
        assert way.psnr == pytest.approx(psnr(image, shown))
        assert way.ssim == pytest.approx(ssim(image, shown))


def test_the_last_pooling_has_no_layer_above_and_so_no_iht(network):
    assert layer_above(network, "pool4") == ("conv5_1", (128, 128, 3, 3))
    assert layer_above(network, "pool5") is None
    f = np.ones((128, 2, 2), np.float32)
    values = reconstructed_values(network, f, "pool5", np.random.default_rng(0))
    assert list(values) == [ORIGINAL, RANDOM_VALUES]


def test_without_weights_for_the_layer_above_its_filters_are_random_only():
    vgg = random_network("vgg16", np.random.default_rng(0), last="conv1_2")
    f = np.ones((64, 4, 4), np.float32)
    values = reconstructed_values(vgg, f, "pool1", np.random.default_rng(0))
    assert list(values) == [ORIGINAL, RANDOM_FILTERS, RANDOM_VALUES]


def test_an_image_that_is_too_small_is_refused(network, image):
    with pytest.raises(ValueError, match="image has 20 × 48 pixels; pool5 needs at least 32 × 32"):
        invert_network(network, image[:, :20], "pool5", {"grey": grey}, np.random.default_rng(0))


def test_the_grid_has_a_line_for_each_name(image):
    figure = draw_grid({"one": [image, image], "space": [], "two": [image]})
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert [label for label in labels if label] == ["one", "two"]
    assert sum(bool(axis.images) for axis in figure.axes) == 3


def test_the_figure_says_how_good_each_picture_is(found, image):
    titles = [axis.get_title() for axis in draw_ways(image, found).axes]
    assert titles[0] == "original"
    assert f"{found[1].psnr:.1f} dB" in titles[2]
