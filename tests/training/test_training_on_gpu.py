"""On CuPy, or on a stand-in that refuses to move data unasked: gradients and runs are those of NumPy."""

from dataclasses import replace

import fakecupy
import numpy as np
import pytest

from cnninv import random_network
from cnninv.backend import array_module, to_host
from cnninv.training import (
    DecoderSettings,
    Mirror,
    Model,
    Settings,
    cross_entropy,
    paper_plan,
    plan,
    train,
    train_decoder,
)
from cnninv.training.photographs import Photographs


@pytest.fixture(params=["stand-in", pytest.param("GPU", marks=pytest.mark.gpu)])
def cupy(request, monkeypatch):
    if request.param == "stand-in":
        fakecupy.install(monkeypatch)
    try:
        return array_module("cuda")
    except (OSError, ModuleNotFoundError) as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("what", "fused"),
    [
        (plan("vgg16-quarter"), False),
        (paper_plan(3, "random", 8, 5), False),
        (paper_plan(1, "random", 8, 5), True),
        (paper_plan(2, "learned", 8, 3), True),
    ],
)
def test_gradients_are_those_of_numpy(cupy, what, fused):
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((3, 32, 32, 8)), rng.integers(0, 10, 8)
    found = []
    for xp in (np, cupy):
        rng = np.random.default_rng(1)
        model = Model(replace(what, dropout=0.2), rng, xp, np.float64, fused)
        logits = model.forward(xp.asarray(x), np.random.default_rng(2))
        loss, gradient = cross_entropy(logits, xp.asarray(labels))
        model.backward(gradient)
        found.append({"loss": loss} | {k: to_host(g) for k, g in model.gradients.items()})
    for name, expected in found[0].items():
        np.testing.assert_allclose(
            found[1][name], expected, atol=1e-11 * max(1, np.abs(expected).max())
        )


def test_a_run_is_resumed_on_the_gpu(cupy, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 3, 32, 32), dtype=np.uint8)
    labels, settings = np.arange(64) % 10, Settings(epochs=2, batch=16, validation=16)
    path = tmp_path / "checkpoint.npz"
    whole = train(paper_plan(2, "learned", 8), images, labels, settings, path, xp=cupy)
    again = train(paper_plan(2, "learned", 8), images, labels, settings, path, True, xp=cupy)
    assert np.array_equal(whole.logits(images), again.logits(images))


def test_gradients_of_decoders_are_those_of_numpy(cupy):
    network = random_network("vgg16-quarter", np.random.default_rng(0), last="conv2_2")
    x = np.random.default_rng(1).standard_normal((3, 16, 16, 4))
    found = []
    for xp, encoder in ((np, network), (cupy, network.on("cuda"))):
        model = Mirror(encoder, "pool2", xp, np.float64)
        model.start(xp.asarray(x))
        loss = model.learn(xp.asarray(x))
        found.append({"loss": loss} | {k: to_host(g) for k, g in model.gradients.items()})
    for name, expected in found[0].items():
        np.testing.assert_allclose(
            found[1][name], expected, atol=1e-9 * max(1, np.abs(expected).max()), err_msg=name
        )


def test_a_decoder_is_trained_on_the_gpu(cupy, tmp_path):
    network = random_network("vgg16-quarter", np.random.default_rng(0), last="conv1_2")
    images = np.random.default_rng(0).integers(0, 256, (14, 3, 20, 20), dtype=np.uint8)
    photographs = Photographs(images[:8], images[8:11], images[11:])
    settings = DecoderSettings(epochs=2, batch=4, side=20, crop=16)
    path = tmp_path / "checkpoint.npz"
    arguments = (network, "pool1", photographs, settings, path)
    whole = train_decoder(*arguments, xp=cupy, progress=False)
    again = train_decoder(*arguments, resume=True, xp=cupy, progress=False)
    here = train_decoder(*arguments[:4], progress=False)
    for name, values in whole.model.decoder().filters.items():
        assert np.array_equal(values, again.model.decoder().filters[name])
        np.testing.assert_allclose(values, here.model.decoder().filters[name], atol=1e-2)
