"""Images by iterating through a network: they come back, and more rounds bring them nearer."""

import numpy as np
import pytest

from cnninv import encode, load_network, random_network, recover_image
from cnninv.experiments.inverting import shrunk
from cnninv.images import center_crop, read_image


@pytest.fixture(scope="module")
def picture():
    return center_crop(shrunk(read_image("sample"), 48), 24)


def test_recover_image_brings_a_photograph_back_from_pool1(picture):
    network = load_network("vgg16-quarter")
    code = encode(network, picture, "pool1")
    errors = [
        np.linalg.norm(recover_image(network, code, rounds)[0] - picture) for rounds in (1, 4, 12)
    ]
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 0.15 * np.linalg.norm(picture - picture.mean())
    _, history = recover_image(network, code, 8)
    assert len(history["residual"]) == 8
    assert history["residual"][-1] < 0.1 * history["residual"][0]


def test_recover_image_uses_the_switches(picture, rng):
    from cnninv import replace_switches

    network = random_network("vgg16-quarter", rng, "conv1_2")
    code = encode(network, picture, "pool1")
    known = recover_image(network, code, 6)[0]
    other = recover_image(network, replace_switches(network, code, "random", rng), 6)[0]
    assert np.linalg.norm(known - picture) < 0.5 * np.linalg.norm(other - picture)


def test_recover_image_prior_is_worth_something(picture):
    network = load_network("vgg16-quarter")
    code = encode(network, picture, "pool1")
    smooth, plain = (recover_image(network, code, 6, power=power)[0] for power in (1.0, 0.0))
    assert np.linalg.norm(smooth - picture) < np.linalg.norm(plain - picture)


def test_recover_image_bad_input(picture, rng):
    network = random_network("vgg16-quarter", rng, "conv1_2")
    with pytest.raises(ValueError, match="code is of 2 images; expected 1"):
        recover_image(network, encode(network, np.stack([picture] * 2), "pool1"))
    with pytest.raises(TypeError, match="code = None must be a Code"):
        recover_image(network, None)
