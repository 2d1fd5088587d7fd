import numpy as np
import pytest

from cnninv import coherence, conv_matrix, model_rip_exact, normalize_filters, random_filters
from cnninv.experiments import EXPERIMENTS, Context, proxy


def test_bounds_are_in_order_and_hold(rng):
    filters = random_filters(5, 6, (3, 3), rng)
    found = proxy.bounds(filters, 3, rng)
    exact = model_rip_exact(conv_matrix(normalize_filters(filters), (proxy.D, proxy.D)), 5, 3)
    assert found["sampled"] <= exact + 1e-9
    assert found["lower"] <= exact + 1e-9
    assert exact <= found["upper"] + 1e-9
    assert found["upper"] <= found["coherence"] + 1e-9


def test_delta_2_is_the_coherence_of_rows_of_different_filters(rng):
    filters = random_filters(4, 3, (3, 3), rng)
    W = conv_matrix(normalize_filters(filters), (proxy.D, proxy.D))
    found = proxy.bounds(filters, 2, rng)
    assert found["coherence"] == pytest.approx(model_rip_exact(W, 4, 2))
    assert found["lower"] == pytest.approx(found["coherence"])
    # footnote 8 compares a filter with its own shifts too: that is δ_2k for k = 1
    largest = max(np.abs(np.triu((W @ W.T).toarray(), 1)).max(), found["coherence"])
    assert model_rip_exact(W, 4, 1, sums=2) == pytest.approx(largest)
    assert largest <= coherence(filters, shifts=True) + 1e-12


def test_without_weights_the_rows_are_those_of_random_filters(monkeypatch):
    monkeypatch.setattr(proxy, "QUICK_LAST", "conv1_1")
    rows = EXPERIMENTS["proxy"].run(Context("quick", 0)).rows
    assert [row.convention for row in rows] == list(proxy.CONVENTIONS.values())
    assert {row.quantity for row in rows} == {"§4.4 δ_4, conv(1,1) random"}
    assert all(row.spread and row.verdict == "measured" for row in rows)


def test_the_mean_square_of_the_products_decides_how_random_codes_spread(rng):
    # z has random signs: Var ‖Wᵀz‖² = 2 Σ_{i≠j} G_ij² z_i² z_j², and the support is uniform
    filters = random_filters(30, 4, (3, 3), rng)
    found = proxy.bounds(filters, 6, rng)
    z = rng.uniform(-1, 1, (6, 100_000))
    spread = 1 - np.mean((z**4).sum(axis=0) / (z**2).sum(axis=0) ** 2)
    assert found["codes"] == pytest.approx(found["mean square"] * np.sqrt(2 * spread), rel=0.1)


@pytest.mark.shared
def test_coherence_bounds_a_learned_layer_almost_tightly(shared_data):
    network = proxy.load(str(shared_data), "vgg16")
    found = proxy.bounds(network.filters("conv1_1"), 4, np.random.default_rng(0))
    assert found["coherence"] == pytest.approx(3 * 0.9938, abs=1e-3)
    assert found["lower"] == pytest.approx(2.858, abs=1e-3)
    assert found["upper"] == pytest.approx(found["lower"], abs=1e-3)
    assert found["sampled"] < found["lower"] - 0.5
    assert found["codes"] < 0.4
