"""`cnninv train`: what it writes and prints, and one clear line for whatever is wrong."""

import json

import numpy as np
import pytest

from cnninv import load_network
from cnninv.cli import main
from cnninv.imagesets import ImageSet
from cnninv.training import command


@pytest.fixture
def small(monkeypatch):
    """A data set of noise in the place of CIFAR-10, with both kinds of test images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 3, 32, 32), dtype=np.uint8)
    labels = (np.arange(80) % 10).astype(np.uint8)
    parts = {"original": slice(0, 8), "JPEG quality": slice(8, 16)}
    data = ImageSet(tuple("abcdefghij"), images, labels, images[:16], labels[:16], parts, "noise")
    monkeypatch.setattr(command, "read_cifar10", lambda path: data)
    defaults = {
        name: command.replace(settings, batch=16, validation=16, epochs=1, again=1)
        for name, settings in command.DEFAULTS.items()
    }
    monkeypatch.setattr(command, "DEFAULTS", defaults)


def run(*arguments):
    return main(["train", *map(str, arguments)])


def test_the_network_of_the_book(small, tmp_path, capsys):
    assert run("vgg16-quarter", "--out", tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        f"vgg16-quarter.{end}" for end in ("checkpoint.npz", "json", "safetensors", "md")
    }
    result = json.loads((tmp_path / "vgg16-quarter.json").read_text())
    assert [entry["epoch"] for entry in result["history"]] == [1, 2]
    assert result["command"] == "cnninv train vgg16-quarter"
    assert set(result["test"]) == {"original", "JPEG quality"}
    card = (tmp_path / "vgg16-quarter.md").read_text()
    assert result["sha256"] in card
    assert str(tmp_path) not in card + json.dumps(result)
    assert len(load_network(tmp_path / "vgg16-quarter.safetensors").convolutions) == 13
    out = capsys.readouterr().out
    assert "test, 8 images (JPEG quality)" in out
    assert "validation: " in out


@pytest.mark.parametrize("filters", ["random", "learned"])
def test_a_network_of_the_paper(small, tmp_path, filters):
    options = ("paper-2", "--filters", filters, "--width", 4, "--size", 5, "--epochs", 1)
    assert run(*options, "--seed", 3, "--out", tmp_path) == 0
    name = f"paper-2-{filters}-4-5"
    result = json.loads((tmp_path / f"{name}.json").read_text())
    assert (result["settings"]["epochs"], result["settings"]["seed"]) == (1, 3)
    assert result["settings"]["again"] == 1
    assert (tmp_path / f"{name}.safetensors").is_file() == (filters == "learned")
    assert "--width 4 --size 5 --epochs 1 --seed 3" in result["command"]


def test_a_finished_run_is_not_overwritten_but_told_again(small, tmp_path, capsys):
    options = ("paper-1", "--width", 4, "--out", tmp_path)
    assert run(*options) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(*options) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("cnninv: ")
    assert "--resume goes on from it" in error
    assert run(*options, "--resume") == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vgg99"], "NAME = 'vgg99' must be one of 'paper-1'"),
        (["vgg16-quarter", "--width", 8], "width = 8 is for the paper's networks"),
        (["paper-1", "--width", 0], "width = 0"),
        (["paper-1", "--size", 4], "size = 4 must be one of 3, 5, 7"),
        (["paper-1", "--epochs", 0], "epochs = 0"),
        (["paper-1", "--seed", -1], "seed = -1"),
        (["paper-1", "--width", 4, "--resume"], "no checkpoint to resume from"),
    ],
)
def test_what_is_wrong_is_one_line(small, tmp_path, capsys, arguments, words):
    assert run(*arguments, "--out", tmp_path) == 1
    error = capsys.readouterr().err
    assert error.startswith("cnninv: ")
    assert error.count("\n") == 1
    assert words in error
    assert not list(tmp_path.iterdir())


def test_wrong_usage(capsys):
    for arguments in (["paper-1", "--filters", "wild"], ["paper-1", "--width", "x"], []):
        with pytest.raises(SystemExit) as leaving:
            run(*arguments)
        assert leaving.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_without_cifar10(tmp_path, capsys):
    assert run("paper-1", "--data", tmp_path, "--out", tmp_path / "out") == 1
    assert "cnninv data fetch cifar10" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_one_line(small, tmp_path, capsys):
    options = ("paper-1", "--width", 4, "--out", tmp_path)
    assert run(*options) == 0
    path = tmp_path / "paper-1-learned-4-5.checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-100])
    capsys.readouterr()
    assert run(*options, "--resume") == 1
    error = capsys.readouterr().err
    assert "is no checkpoint of this network, or damaged" in error
    assert error.count("\n") == 1
