"""Ways back through several layers: the bound holds, more iterations help, and rows for each."""

import numpy as np
import pytest

from cnninv import linearize, load_network
from cnninv.experiments import EXPERIMENTS, Context, layers
from cnninv.experiments.inverting import Scene


@pytest.fixture
def x():
    image = Scene("sample", 32, 16, np.random.default_rng(0), drawn=True).picture()
    return load_network("vgg16-quarter").preprocessing.whole(image).astype(float)


@pytest.mark.parametrize("T", [1, 4, 30])
def test_landweber_gain_is_the_norm_of_the_iteration(T, rng):
    A = rng.standard_normal((6, 6))
    A /= np.linalg.norm(A, 2)
    D = sum(np.linalg.matrix_power(np.eye(6) - A.T @ A, t) @ A.T for t in range(T))
    assert np.linalg.norm(D, 2) <= layers.landweber_gain(T) * (1 + 1e-6)


@pytest.mark.parametrize("T", [1, 5])
def test_layer_by_layer_stays_within_its_bound(x, T):
    A = linearize(load_network("vgg16-quarter"), x, "pool2")
    norms = layers.measured_norms(A)
    x_hat, bound = layers.layer_by_layer(A, x.reshape(-1), norms, T)
    assert np.linalg.norm(x_hat - x.reshape(-1)) <= bound


def test_ways_back_get_better(x):
    A = linearize(load_network("vgg16-quarter"), x, "pool1")
    few, many = (layers.ways_back(A, x, layers.measured_norms(A), T) for T in (2, 20))
    for way in ("all at once", "conjugate gradients", "smooth"):
        assert many[way] < few[way]
    assert many["smooth"] < many["conjugate gradients"] < many["all at once"] < 1


def test_layers_quick_has_rows_for_all_ways(monkeypatch, rng):
    drawn = [Scene("sample", 16, 8, stream, drawn=True) for stream in rng.spawn(20)]
    monkeypatch.setattr(layers, "scenes", lambda context, name: (drawn, "20 crops, 8 × 8"))
    measure, found = layers._of_one, []

    def once(scene, **arguments):
        found[:] = found or [measure(scene, **arguments)]
        return found[0]

    monkeypatch.setattr(layers, "_of_one", once)
    outcome = EXPERIMENTS["layers"].run(Context("quick", 0))
    assert all(row.verdict == "measured" and row.spread for row in outcome.rows)
    for way in layers.WAYS:
        assert any(way in row.quantity for row in outcome.rows)
    assert any("σ_k, one a region, c(1,1)" in row.quantity for row in outcome.rows)
