import numpy as np
import pytest

from cnninv import (
    conv_matrix,
    model_project,
    naive_upsample_matrix,
    pooling_regions,
    random_filters,
)
from cnninv.one_step import (
    LITERAL,
    NEAREST,
    RANDOM,
    Convention,
    conventions,
    one_step,
    one_steps,
    random_activation,
    relative_error,
)

K, M, D = 10, 4, (6, 8)
SHAPE = (K, *D)


@pytest.fixture
def layer(rng):
    """f after ReLU, filters, W, and a bias."""
    f = rng.standard_normal((M, *D)).clip(0)
    filters = random_filters(K, M, (3, 3), rng)
    return f, filters, conv_matrix(filters, D, padding="same"), rng.standard_normal(K)


def scaled(x_hat, f):
    return x_hat.reshape(f.shape) * np.linalg.norm(f) / np.linalg.norm(x_hat)


def test_one_step_is_wt_m_of_wf_with_the_explicit_matrix(layer):
    f, filters, W, _ = layer
    blocks = pooling_regions(SHAPE, 2)
    for k in (7, blocks.max() + 1):
        by_hand = W.T @ model_project(W @ f.ravel(), K, k, blocks=blocks)
        assert np.allclose(one_step(f, filters, Convention(), k), scaled(by_hand, f))


def test_the_largest_value_of_a_region_is_not_the_largest_magnitude(layer):
    f, filters, W, _ = layer
    h, blocks = W @ f.ravel(), pooling_regions(SHAPE, 2)
    z = np.zeros_like(h)
    for region in range(blocks.max() + 1):
        places = np.flatnonzero(blocks == region)
        z[places[h[places].argmax()]] = h[places].max()
    assert np.allclose(one_step(f, filters, NEAREST), scaled(W.T @ z, f))
    assert not np.allclose(one_step(f, filters, NEAREST), one_step(f, filters, Convention()))


def test_naive_upsampling_puts_values_on_the_first_place_of_their_region(layer):
    f, filters, W, _ = layer
    h, blocks = W @ f.ravel(), pooling_regions(SHAPE, 2)
    kept = model_project(h, K, blocks.max() + 1, blocks=blocks)
    values = np.array([kept[blocks == region].sum() for region in range(blocks.max() + 1)])
    by_hand = W.T @ (naive_upsample_matrix(SHAPE, 2) @ values)
    assert np.allclose(one_step(f, filters, LITERAL), scaled(by_hand, f))


def test_the_networks_own_layer_has_a_bias_and_a_relu(layer):
    f, filters, W, bias = layer
    h = np.maximum(W @ f.ravel() + np.repeat(bias, D[0] * D[1]), 0)
    everything = Convention("ReLU(Wf + b)", "all")
    assert np.allclose(one_step(f, filters, everything, bias=bias), scaled(W.T @ h, f))
    positive = Convention("ReLU(Wf + b)", "all", positive=True)
    clipped = np.maximum(W.T @ h, 0)
    assert np.allclose(one_step(f, filters, positive, bias=bias), scaled(clipped, f))


def test_one_entry_per_filter_is_the_model_of_the_theory(layer):
    f, filters, W, _ = layer
    by_hand = W.T @ model_project(W @ f.ravel(), K, K)
    assert np.allclose(one_step(f, filters, Convention(kept="filters")), scaled(by_hand, f))


def test_without_regions_the_k_largest_stay(layer):
    f, filters, W, _ = layer
    h = W @ f.ravel()
    z = np.where(abs(h) >= np.sort(abs(h))[-9], h, 0)
    assert np.allclose(one_step(f, filters, Convention(kept="largest"), 9), scaled(W.T @ z, f))


def test_every_reconstruction_has_the_norm_of_f(layer):
    f, filters, _, bias = layer
    for _, f_hat in one_steps(f, filters, conventions(), 40, bias):
        assert np.linalg.norm(f_hat) == pytest.approx(np.linalg.norm(f))


def test_together_or_one_by_one_they_are_the_same(layer):
    f, filters, _, bias = layer
    for convention, f_hat in one_steps(f, filters, conventions(), 40, bias):
        assert np.array_equal(f_hat, one_step(f, filters, convention, 40, bias))


def test_no_convention_is_listed_twice(layer):
    f, filters, _, bias = layer
    found = [
        f_hat.round(9).tobytes() for _, f_hat in one_steps(f, filters, conventions(), 40, bias)
    ]
    assert len(set(found)) == len(found) == len(set(map(str, conventions()))) == 34
    assert set(conventions(bias=False)) == {c for c in conventions() if c.hidden != "ReLU(Wf + b)"}


def test_between_equal_norms_the_error_is_that_of_the_angle(layer):
    f, filters, _, _ = layer
    f_hat = one_step(f, filters)
    cosine = np.vdot(f, f_hat) / np.linalg.norm(f) ** 2
    assert relative_error(f_hat, f) == pytest.approx(np.sqrt(2 - 2 * cosine))


def test_a_gaussian_activation_errs_by_the_root_of_two_and_one_that_is_not_negative_by_less(layer):
    f = layer[0]
    mean = {
        kind: np.mean(
            [
                relative_error(random_activation(f, rng, kind), f) ** 2
                for rng in np.random.default_rng(0).spawn(300)
            ]
        )
        for kind in RANDOM
    }
    # E‖f̂ − f‖² = 2‖f‖²: three standard errors of 2‖f‖² cos θ, cos θ ~ N(0, 1/dimension)
    assert mean["Gaussian"] == pytest.approx(2, abs=3 * 2 / np.sqrt(300 * f.size))
    # cos θ is near E|g| · mean f/rms f, E|g| = √(2/π) over E g² = 1, half of them over E g² = 1/2
    ratio = f.mean() / np.sqrt((f**2).mean())
    assert mean["|Gaussian|"] == pytest.approx(2 - 2 * np.sqrt(2 / np.pi) * ratio, abs=0.02)
    assert mean["ReLU(Gaussian)"] == pytest.approx(2 - 2 / np.sqrt(np.pi) * ratio, abs=0.02)


def test_what_keeps_nothing_stays_zero(layer):
    f, filters, _, _ = layer
    assert not one_step(0 * f, filters).any()
    assert relative_error(0 * f, 0 * f) == 0


def test_what_does_not_fit_is_refused(layer):
    f, filters, _, _ = layer
    with pytest.raises(ValueError, match="kept = 'some' must be one of 'regions'"):
        Convention(kept="some")
    with pytest.raises(ValueError, match=r"filters are for 4 channels; f has shape \(3, 6, 8\)"):
        one_step(f[:3], filters)
    with pytest.raises(ValueError, match="k is None"):
        one_step(f, filters, Convention(kept="largest"))
    with pytest.raises(ValueError, match="kind = 'uniform' must be one of 'Gaussian'"):
        random_activation(f, np.random.default_rng(0), "uniform")
