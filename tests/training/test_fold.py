"""Folding: the plain convolutions give the logits of the network that was trained."""

from dataclasses import replace

import numpy as np
import pytest

from cnninv import load_network
from cnninv.cli import main
from cnninv.files import data_folder, read_json, sha256
from cnninv.training import (
    Model,
    Settings,
    Trained,
    classify,
    export,
    fold,
    paper_plan,
    plan,
    read_classifier,
    train,
)
from cnninv.training.augment import colour_statistics

SHIPPED = data_folder() / "vgg16-quarter.safetensors"
shipped = pytest.mark.skipif(not SHIPPED.is_file(), reason="vgg16-quarter is not trained yet")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (24, 3, 32, 32), dtype=np.uint8)


def shaken(what, images):
    """A model whose normalisation is nowhere trivial, and no bias zero."""
    rng = np.random.default_rng(1)
    model = Model(what, rng)
    for layer in model.layers.values():
        if set(layer.fixed) == {"mean", "variance"}:
            for value in (layer.parameters["scale"], layer.fixed["variance"]):
                value[...] = rng.uniform(0.5, 2, value.shape)
            for value in (layer.parameters["bias"], layer.fixed["mean"]):
                value[...] = rng.standard_normal(value.shape)
        elif "bias" in layer.parameters:
            layer.parameters["bias"][...] = rng.standard_normal(layer.parameters["bias"].shape)
    return Trained(model, *colour_statistics(images))


def test_folded_logits_are_those_of_the_trained_network(images, tmp_path):
    trained = shaken(plan("vgg16-quarter"), images)
    export(trained, tmp_path / "network.safetensors")
    network = load_network(tmp_path / "network.safetensors")
    assert network.architecture.name == "vgg16-quarter"
    logits = classify(network, read_classifier(tmp_path / "network.safetensors"), images)
    expected = trained.logits(images)
    np.testing.assert_allclose(logits, expected, atol=2e-5 * np.abs(expected).max())


def test_every_layer_is_the_same_before_relu(images):
    trained = shaken(paper_plan(3, "learned", 8), images)
    network, h = fold(trained), trained._inputs(images)
    for name, layer in trained.model.layers.items():
        h = layer.forward(h)
        if name.endswith(".norm"):
            conv = name.removesuffix(".norm")
            ours = network.activations(images / np.float32(255), conv)[conv]
            np.testing.assert_allclose(
                ours.transpose(1, 2, 3, 0), h, atol=2e-5 * np.abs(h).max(), err_msg=conv
            )


def test_the_same_training_gives_the_same_file(images, tmp_path):
    labels = np.arange(24) % 10
    settings = Settings(epochs=1, batch=8, validation=8)
    for name in "ab":
        export(train(paper_plan(1, "learned", 4), images, labels, settings), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_without_classifier_is_told(tmp_path):
    load_network_file = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_classifier(load_network_file)
    load_network_file.write_bytes((2).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match=r"has no classifier\.weight and classifier\.bias"):
        read_classifier(load_network_file)


def test_a_random_plan_folds_to_its_filters_times_a_diagonal(images):
    trained = shaken(replace(paper_plan(1, "random", 4), dropout=0.0), images)
    drawn, folded = trained.model.layers["conv1"].filters, fold(trained).filters("conv1")
    ratio = folded / drawn
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1, :1], ratio.shape), rtol=1e-4)


@shipped
def test_the_shipped_network_is_the_one_on_its_card(capsys):
    card = read_json(SHIPPED.with_suffix(".json"))
    assert SHIPPED.stat().st_size <= 4_000_000
    assert sha256(SHIPPED) == card["sha256"]
    assert card["sha256"] in SHIPPED.with_suffix(".md").read_text()
    assert card["test"]["original"]["images"] == 1000
    assert card["validation"] >= 0.88
    assert main(["data", "verify"]) == 0, capsys.readouterr().out


@shipped
def test_the_shipped_network_is_read_without_the_package_or_a_download(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setenv("CNNINV_DATA", "/nowhere")
    network = load_network("vgg16-quarter")
    assert len(network.convolutions) == 13
    assert network.filters("conv5_2").shape == (128, 128, 3, 3)
    assert network.filters("conv1_1").dtype == np.float32
    V, b = read_classifier()
    assert (V.shape, b.shape) == ((10, 128), (10,))
    image = np.full((3, 32, 32), 0.5, np.float32)
    assert network.activations(image, "pool5")["pool5"].shape == (128, 1, 1)


@shipped
@pytest.mark.shared
def test_the_shipped_network_has_the_accuracy_of_its_card(shared_data, tmp_path):
    """The first 1,000 test images, from the sheet beside the project."""
    image_module = pytest.importorskip("PIL.Image")
    sheet = np.asarray(
        image_module.open(shared_data / "cifar10" / "test_first1000.webp").convert("RGB")
    )
    h, w, _ = sheet.shape
    images = sheet.reshape(h // 32, 32, w // 32, 32, 3).transpose(0, 2, 4, 1, 3)
    images = images.reshape(-1, 3, 32, 32)
    labels = np.load(shared_data / "cifar10" / "labels.npz")["test1000"]
    logits = classify(load_network("vgg16-quarter"), read_classifier(), images)
    expected = read_json(SHIPPED.with_suffix(".json"))["test"]["original"]["accuracy"]
    # a logit that is nearly tied may fall to the other side elsewhere
    assert (logits.argmax(axis=1) == labels).mean() == pytest.approx(expected, abs=0.002)
