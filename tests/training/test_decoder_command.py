"""`cnninv train decoder`: what it writes and prints, and one clear line for whatever is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cnninv import encode, load_decoder, random_network
from cnninv.cli import main
from cnninv.files import sha256
from cnninv.training import decoder_command


@pytest.fixture
def folder(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "pictures"
    path.mkdir()
    for i in range(20):
        pixels = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(pixels).save(path / f"{i:02}.png")
    return path


@pytest.fixture
def small(monkeypatch):
    defaults = {
        name: replace(settings, epochs=2, batch=4, side=32, crop=32)
        for name, settings in decoder_command.DEFAULTS.items()
    }
    monkeypatch.setattr(decoder_command, "DEFAULTS", defaults)
    monkeypatch.setattr(decoder_command, "EPOCHS", {})


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "network.npz"
    random_network("vgg16-quarter", np.random.default_rng(0)).save(path)
    return path


def run(network, layer, folder, out, *more):
    given = {"network": network, "layer": layer, "photographs": folder, "out": out}
    options = [str(part) for key, value in given.items() for part in (f"--{key}", value)]
    return main(["train", "decoder", *options, *map(str, more)])


def test_a_decoder_its_result_and_its_card(small, folder, network, tmp_path, capsys):
    out = tmp_path / "out"
    name = "vgg16-quarter-pool2-decoder"
    # recognised by its shapes, as the shipped network is
    assert run(network, "pool2", folder, out, "--seed", 3) == 0
    ends = ("checkpoint.npz", "json", "safetensors")
    assert {path.name for path in out.iterdir()} == {
        *(f"{name}.{end}" for end in ends),
        "vgg16-quarter-decoders.md",
    }
    result = json.loads((out / f"{name}.json").read_text())
    assert result["sha256"] == sha256(out / f"{name}.safetensors")
    assert result["photographs"] == {"training": 17, "validation": 1, "held_out": 2}
    assert "--layer pool2 --photographs DIR --seed 3" in result["command"]
    card = (out / "vgg16-quarter-decoders.md").read_text()
    assert result["sha256"] in card
    assert str(tmp_path) not in card + json.dumps(result)
    assert "2 photographs held out: " in capsys.readouterr().out
    encoder = random_network("vgg16-quarter", np.random.default_rng(0))
    code = encode(encoder, np.full((3, 8, 8), 0.5), "pool2")
    assert load_decoder(out / f"{name}.safetensors", "pool2", encoder)(code).shape == (1, 3, 8, 8)


def test_the_card_has_all_decoders_of_the_network(small, folder, network, tmp_path):
    for layer in ("pool1", "pool2"):
        assert run(network, layer, folder, tmp_path / "out", "--epochs", 1) == 0
    card = (tmp_path / "out" / "vgg16-quarter-decoders.md").read_text()
    assert card.count("--epochs 1`") == 2
    assert "| pool1 | " in card
    assert "| pool2 | " in card


def test_the_real_network_by_the_same_lines(small, folder, tmp_path):
    path = tmp_path / "vgg.npz"
    random_network("vgg16", np.random.default_rng(0), last="conv1_2").save(path)
    assert run(path, "p(1)", folder, tmp_path / "out", "--epochs", 1) == 0
    assert (tmp_path / "out" / "vgg16-pool1-decoder.safetensors").is_file()


def test_a_finished_run_is_not_overwritten_but_told_again(small, folder, network, tmp_path, capsys):
    arguments = (network, "pool1", folder, tmp_path / "out")
    assert run(*arguments) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert run(*arguments) == 1
    assert "--resume goes on from it" in capsys.readouterr().err.splitlines()[-1]
    assert run(*arguments, "--resume") == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"network": "vgg99"}, "path = 'vgg99' ends in ''"),
        ({"network": "nowhere.npz"}, "path = 'nowhere.npz': no such file"),
        ({"layer": "pool7"}, "layer = 'pool7' must be one of 'pool1', 'pool2'"),
        ({"layer": "relu1_1"}, "layer = 'relu1_1' must be one of 'pool1', 'pool2'"),
        ({"folder": "nowhere"}, "--photographs = 'nowhere': no such folder"),
        ({"folder": "."}, "holds 0 images"),
        ({"epochs": 0}, "epochs = 0 must be at least 1"),
        ({"seed": -1}, "seed = -1 must be at least 0"),
        ({"width": 3}, "--width = 3 is for networks; a decoder has none"),
    ],
)
def test_what_is_wrong_is_one_line(
    small, folder, network, tmp_path, capsys, monkeypatch, changed, words
):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    given = {"network": network, "layer": "pool2", "folder": folder} | changed
    more = [f"--{k}={v}" for k, v in given.items() if k in ("epochs", "seed", "width")]
    positional = [given[name] for name in ("network", "layer", "folder")]
    assert run(*positional, tmp_path / "out", *more) == 1
    error = capsys.readouterr().err
    assert error.startswith("cnninv: ")
    assert error.count("\n") == 1
    assert words in error


def test_small_photographs_are_refused(small, folder, network, tmp_path, capsys):
    Image.fromarray(np.zeros((20, 50, 3), np.uint8)).save(folder / "small.png")
    assert run(network, "pool1", folder, tmp_path / "out") == 1
    assert "small.png of --photographs has 20 × 50 pixels" in capsys.readouterr().err


def test_alexnet_cannot_be_mirrored(small, folder, tmp_path, capsys):
    path = tmp_path / "alexnet.npz"
    random_network("alexnet", np.random.default_rng(0)).save(path)
    assert run(path, "pool1", folder, tmp_path / "out") == 1
    assert "norm1 of AlexNet cannot be mirrored" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["network", "layer", "photographs"])
def test_a_missing_option_is_named(missing, capsys):
    given = {"network": "vgg16-quarter", "layer": "pool1", "photographs": "."}
    options = [part for k, v in given.items() if k != missing for part in (f"--{k}", v)]
    assert main(["train", "decoder", *options]) == 1
    assert f"--{missing} is missing; a decoder needs one" in capsys.readouterr().err
