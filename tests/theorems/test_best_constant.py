"""Theorem 3.3 with the best constant, the layer that attains it, and edge cases of Lemmas B.2 to B.4."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import assert_holds, codes, constants, small_layers

from cnninv import conv_matrix, model_project, model_rip_exact, random_filters, sample_code
from cnninv.theorems import (
    GOLDEN,
    golden_filters,
    largest_useful_delta,
    lemma_b2,
    lemma_b3,
    lemma_b4,
    reconstruction_bound,
    reconstruction_bound_golden,
    reconstruction_bound_sharp,
    reconstruction_bound_unrounded,
    theorem_3_3_golden,
    theorem_3_3_sharp,
)

seeds = st.integers(0, 2**32 - 1)


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_theorem_3_3_golden_holds_for_small_layers(layer, seed, scale):
    deltas = constants(layer)
    for z in codes(layer, seed, scale):
        assert_holds(theorem_3_3_golden(layer.W, z, layer.K, layer.k, *deltas, layer.blocks))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("K", "k", "channels"), [(3, 3, 8), (3, 2, 60), (4, 1, 20), (2, 2, 500)])
def test_best_constant_holds_with_every_step(seed, K, k, channels):
    rng = np.random.default_rng(seed)
    W = conv_matrix(random_filters(K, channels, 3, rng), 6)
    delta_k, delta_2k = model_rip_exact(W, K, k), model_rip_exact(W, K, k, sums=2)
    for _ in range(20):
        z = sample_code(K, 4, k, rng) * 10 ** rng.uniform(-3, 0, 4 * K)
        statement = theorem_3_3_golden(W, z, K, k, delta_k, delta_2k)
        assert statement.holds
        assert all(step.holds for step in statement.steps)
        sharp = theorem_3_3_sharp(W, z, K, k, delta_k, delta_2k)
        assert statement.right <= sharp.right
        assert all(step.holds for step in sharp.steps)


def test_best_constant_both_sides_of_every_step_by_hand():
    norm, K, n, k, delta_k, delta_2k = np.linalg.norm, 3, 4, 2, 0.3, 0.4
    W = conv_matrix(random_filters(K, 8, 3, np.random.default_rng(1)), 6).toarray()
    rng, mistakes = np.random.default_rng(2), 0
    for _ in range(40):
        z = sample_code(K, n, k, rng) * 10 ** rng.uniform(-3, 0, K * n)
        x, z_hat = W.T @ z, model_project(W @ (W.T @ z), K, k)
        h, on, kept = W @ x, z != 0, z_hat != 0
        p, q, r = norm(h[kept & ~on]), norm((h - z)[on & ~kept]), norm((h - z)[on & kept])
        mistakes += bool(q)
        error = norm(W.T @ z_hat - x)
        expected = [
            (norm(h[on & ~kept]), p),
            (norm(z[~kept]), p + q),
            (norm(z - z_hat), np.sqrt(r**2 + p**2 + (p + q) ** 2)),
            (norm(z - z_hat), (1 + np.sqrt(5)) / 2 * norm((h - z)[on | kept])),
            (norm((h - z)[on | kept]), delta_2k * norm(z)),
            (error, np.sqrt(1 + delta_2k) * norm(z - z_hat)),
            (np.sqrt(1 - delta_k) * norm(z), norm(x)),
        ]
        statement = theorem_3_3_golden(W, z, K, k, delta_k, delta_2k)
        np.testing.assert_allclose(
            [(s.left, s.right) for s in statement.steps], expected, atol=1e-14
        )
        factor = GOLDEN * delta_2k * np.sqrt((1 + delta_2k) / (1 - delta_k))
        assert statement.left == pytest.approx(error)
        assert statement.right == pytest.approx(factor * norm(x))
    assert mistakes > 5  # with Ω ≠ Π


@pytest.mark.parametrize("delta", [0.5, 0.1, 0.01, 0.001])
def test_golden_layer_attains_the_constant(delta):
    filters, z = golden_filters(delta)
    W = conv_matrix(filters, 3)
    assert np.allclose((filters**2).sum(axis=(1, 2)), 1)
    assert model_rip_exact(W, 2, 2, sums=2) == pytest.approx(delta)
    delta_k = model_rip_exact(W, 2, 2)
    assert delta_k == pytest.approx(GOLDEN / np.sqrt(1 + GOLDEN**2) * delta)
    statement = theorem_3_3_golden(W, z, 2, 2, delta_k, delta)
    assert statement.holds
    ratio = statement.left / np.linalg.norm(W.T @ z) / delta
    assert GOLDEN * (1 - delta) < ratio < GOLDEN


def test_no_smaller_constant_will_do():
    filters, z = golden_filters(1e-3)
    statement = theorem_3_3_golden(conv_matrix(filters, 3), z, 2, 2, 0.99e-3, 0.99e-3)
    assert not statement.holds


def test_each_bound_says_something_further_than_the_one_before():
    bounds = [
        reconstruction_bound,
        reconstruction_bound_unrounded,
        reconstruction_bound_sharp,
        reconstruction_bound_golden,
    ]
    reach = [largest_useful_delta(bound) for bound in bounds]
    assert np.allclose(reach, [0.147, 0.203, 0.348, 0.403], atol=5e-4)
    for delta in np.linspace(0.01, 0.9, 20):
        factors = [bound(delta, delta) for bound in bounds]
        assert factors == sorted(factors, reverse=True)


def test_lemmas_of_a_zero_code_with_a_constant_of_one():
    # the factor is infinite and the norm zero: 0 ≤ 0, not a comparison with NaN
    W = np.eye(4)
    for lemma in (lemma_b3, lemma_b4):
        statement = lemma(W, np.zeros(4), 2, 1, 1.0, 1.0)
        assert statement.right == 0
        assert statement.holds


def test_lemma_b2_names_a_code_of_the_wrong_length():
    with pytest.raises(ValueError, match="z has 3 entries"):
        lemma_b2(np.eye(4), np.ones(3), [0], 0.5)


@pytest.mark.parametrize("delta", [0.0, 0.6, -0.1, np.nan])
def test_golden_filters_refuse_a_constant_out_of_range(delta):
    with pytest.raises(ValueError, match="delta"):
        golden_filters(delta)
