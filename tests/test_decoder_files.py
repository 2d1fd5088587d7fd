"""Files of decoders: written and read, refused where they do not fit, and the card of the shipped ones."""

import numpy as np
import pytest
from instances import drawn_decoder

from cnninv import encode, load_decoder, load_network, random_network
from cnninv.decoder_files import decoder_file, fingerprint
from cnninv.files import data_folder, read_json, sha256
from cnninv.safetensors import write_safetensors

LAYERS = [f"pool{i}" for i in range(1, 6)]


@pytest.fixture(scope="module")
def network():
    return random_network("vgg16-quarter", np.random.default_rng(0))


@pytest.mark.parametrize("layer", LAYERS)
def test_files_are_read_as_they_were_written(network, rng, layer, tmp_path):
    decoder, path = (
        drawn_decoder(network, layer, rng),
        tmp_path / decoder_file("vgg16-quarter", layer),
    )
    decoder.save(path)
    again = load_decoder(path, layer, network)
    code = encode(network, rng.random((1, 3, 16, 16)), layer)
    assert np.array_equal(again(code), decoder(code))
    assert repr(again) == repr(decoder)
    before = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == before


def test_decoders_of_another_network_or_layer_are_refused(network, rng, tmp_path):
    path = tmp_path / "decoder.safetensors"
    drawn_decoder(network, "pool2", rng).save(path)
    other = random_network("vgg16-quarter", np.random.default_rng(1))
    with pytest.raises(
        ValueError, match=r"was trained for another network than the one from random"
    ):
        load_decoder(path, network=other)
    with pytest.raises(ValueError, match=r"layer = 'pool3', but decoder.safetensors decodes pool2"):
        load_decoder(path, "pool3")
    with pytest.raises(ValueError, match="code is of pool1; expected one of pool2"):
        load_decoder(path)(encode(network, rng.random((3, 8, 8)), "pool1"))


def test_the_fingerprint_is_that_of_the_numbers_and_not_of_a_file(network, tmp_path):
    network.save(tmp_path / "same.npz")
    assert fingerprint(load_network(tmp_path / "same.npz", "vgg16-quarter")) == fingerprint(network)
    other = random_network("vgg16-quarter", np.random.default_rng(1))
    assert fingerprint(other) != fingerprint(network)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda a, f: f.pop("encoder"),
            "is no decoder: it does not say of which network and layer",
        ),
        (lambda a, f: f.update(layer="pool9"), "layer = 'pool9' must be one of"),
        (lambda a, f: f.update(architecture="lenet"), "architecture = 'lenet' must be one of"),
        (lambda a, f: a.pop("conv1_1.bias"), "array 'conv1_1.bias': missing; expected finite"),
        (lambda a, f: a.update(other=np.ones(3)), "array 'other' belongs to no layer"),
        (
            lambda a, f: a.update({"conv1_1.bias": np.array([1.0, np.nan, 0.0])}),
            r"array 'conv1_1.bias': \(3,\); expected finite numbers, shape \(3,\)",
        ),
        (
            lambda a, f: a.update({"conv1_1.weight": np.ones((3, 16, 3))}),
            r"array 'conv1_1.weight': \(3, 16, 3\); expected finite numbers, shape \(3, 16, 3, 3\)",
        ),
    ],
)
def test_files_that_hold_no_decoder_are_refused(network, rng, tmp_path, change, words):
    decoder, path = drawn_decoder(network, "pool1", rng), tmp_path / "decoder.safetensors"
    arrays = {f"{n}.weight": w for n, w in decoder.filters.items()}
    arrays |= {f"{n}.bias": b for n, b in decoder.biases.items()}
    facts = {"architecture": "vgg16-quarter", "layer": "pool1", "encoder": "00"}
    change(arrays, facts)
    write_safetensors(path, arrays, facts)
    with pytest.raises(ValueError, match=words):
        load_decoder(path)


def test_a_damaged_file_is_refused(network, rng, tmp_path):
    path = tmp_path / "decoder.safetensors"
    drawn_decoder(network, "pool1", rng).save(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"decoder.safetensors': has .* bytes; expected"):
        load_decoder(path)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_card_tells_the_decoder(layer):
    path = data_folder() / f"vgg16-quarter-{layer}-decoder.json"
    if not path.is_file():
        pytest.skip("the decoders are not trained yet")
    result, card = read_json(path), (data_folder() / "vgg16-quarter-decoders.md").read_text()
    assert result["encoder"] == fingerprint(load_network("vgg16-quarter"))
    assert result["sha256"] == sha256(data_folder() / result["file"])
    assert result["sha256"] in card
    assert f"{result['held_out']['psnr']:.2f} dB" in card
