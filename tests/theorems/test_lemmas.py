"""Lemmas B.1 to B.4 with exact constants: no violation; with wrong ones: caught."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from instances import assert_holds, codes, constants, enumerated_layer, small_layers

from cnninv import conv_matrix, model_rip_exact, normalize_filters, random_filters
from cnninv.theorems import golden_filters, lemma_b1, lemma_b2, lemma_b3, lemma_b4

seeds = st.integers(0, 2**32 - 1)


@given(small_layers(), seeds)
def test_lemma_b1_holds_for_small_layers(layer, seed):
    rng = np.random.default_rng(seed)
    delta_k = constants(layer)[0]
    omega = layer.omega(rng)
    for _ in range(3):
        z, x = rng.standard_normal(len(omega)), rng.standard_normal(layer.W.shape[1])
        for statement in lemma_b1(layer.W, z, x, omega, delta_k):
            assert_holds(statement)


def worst_inputs(W, omega):
    """The codes and inputs at which (4), (5) and (6) are equalities on this support."""
    W_omega = W.toarray()[omega]
    left, _, right = np.linalg.svd(W_omega, full_matrices=False)
    return [(left[:, i], right[i]) for i in range(len(omega))]


def test_lemma_b1_holds_on_every_support():
    W, supports, delta_k, _ = enumerated_layer()
    for omega in supports:
        for z, x in worst_inputs(W, omega):
            for statement in lemma_b1(W, z, x, omega, delta_k):
                assert_holds(statement)


@pytest.mark.parametrize("factor", [0.5, 0.99])
def test_lemma_b1_catches_a_constant_that_is_too_small(factor):
    W, supports, delta_k, _ = enumerated_layer()
    verdicts = np.array(
        [
            [statement.holds for statement in lemma_b1(W, z, x, omega, factor * delta_k)]
            for omega in supports
            for z, x in worst_inputs(W, omega)
        ]
    )
    # δ_k is attained at one end of the spectrum: above by (4) and (5), or below by (6)
    above, below = not verdicts[:, 1].all(), not verdicts[:, 2].all()
    assert above or below
    assert verdicts[:, 0].all() == (not above)


def test_lemma_b1_computes_both_sides_by_hand():
    W = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    four, five, six = lemma_b1(W, [3.0, 4.0], [1.0, 2.0, 3.0], [1, 2], delta_k=0.44)
    # W_Ω x = (5, 3), W_Ω W_Ωᵀ = [[2, 1], [1, 2]]
    assert (four.left, five.left) == pytest.approx((34**0.5, 221**0.5))
    assert (four.right, five.right) == pytest.approx((1.2 * 14**0.5, 1.44 * 5))
    assert (six.left, six.right) == pytest.approx((0.56 * 5, 221**0.5))
    assert [s.name for s in (four, five, six)] == [f"Lemma B.1 ({i})" for i in (4, 5, 6)]


def test_lemma_b1_names_bad_input():
    W = np.eye(3)
    with pytest.raises(ValueError, match="z has 2 and x 3 entries"):
        lemma_b1(W, np.ones(2), np.ones(3), [0], 0.1)
    with pytest.raises(ValueError, match=r"delta_k = -0\.1"):
        lemma_b1(W, np.ones(1), np.ones(3), [0], -0.1)
    with pytest.raises(ValueError, match="NaN"):
        lemma_b1(W, np.ones(1), np.full(3, np.nan), [0], 0.1)


@given(small_layers(), seeds)
def test_lemma_b2_holds_for_small_layers(layer, seed):
    rng = np.random.default_rng(seed)
    delta_2k = constants(layer)[1]
    for z in codes(layer, seed):
        assert_holds(lemma_b2(layer.W, z, layer.omega(rng), delta_2k))


def test_lemma_b2_holds_on_every_pair_of_supports():
    W, supports, _, delta_2k = enumerated_layer()
    G = (W @ W.T).toarray()
    worst = 0.0
    for omega in supports:
        for pi in supports:
            outside = np.setdiff1d(pi, omega)
            if len(outside):
                # the code on Π∖Ω that leaks most
                z = np.zeros(len(G))
                z[outside] = np.linalg.svd(G[np.ix_(omega, outside)])[2][0]
                statement = lemma_b2(W, z, omega, delta_2k)
                assert_holds(statement)
                worst = max(worst, statement.left)
    # it is no empty bound: some code leaks more than half of what is allowed
    assert worst > 0.5 * delta_2k


@pytest.mark.parametrize("factor", [0.5, 0.99])
def test_lemma_b2_catches_a_constant_that_is_too_small(factor):
    # unit rows, k = 1: the largest inner product is δ_2k, and it leaks in full
    filters = normalize_filters(random_filters(3, 5, 2, np.random.default_rng(0)))
    W = conv_matrix(filters, 4)
    delta_2k = model_rip_exact(W, 3, 1, sums=2)
    leaks = [lemma_b2(W, z, [i], delta_2k) for z in np.eye(9) for i in range(9) if not z[i]]
    assert all(statement.holds for statement in leaks)
    leaks = [
        lemma_b2(W, z, [i], factor * delta_2k) for z in np.eye(9) for i in range(9) if not z[i]
    ]
    assert not all(statement.holds for statement in leaks)


def test_lemma_b2_computes_both_sides_by_hand():
    W = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    statement = lemma_b2(W, [2.0, 5.0, 1.0], [1], delta_2k=0.9)
    # z|_Ωᶜ = (2, 0, 1), Wᵀ z|_Ωᶜ = (2, 1)
    assert statement.left == pytest.approx(2.0)
    assert statement.right == pytest.approx(0.9 * 5**0.5)


def test_lemma_b2_needs_constants_on_sums_of_two_codes():
    # unit rows, k = 1: δ_k = 0, but another row leaks
    filters = normalize_filters(random_filters(3, 5, 2, np.random.default_rng(0)))
    W = conv_matrix(filters, 4)
    delta_k = model_rip_exact(W, 3, 1)
    assert delta_k < 1e-12
    assert not lemma_b2(W, np.eye(9)[0], [4], delta_k).holds


def test_lemma_b2_names_bad_input():
    with pytest.raises(ValueError, match="z has 2 entries"):
        lemma_b2(np.eye(3), np.ones(2), [0], 0.1)
    with pytest.raises(ValueError, match=r"delta_2k = -1"):
        lemma_b2(np.eye(3), np.ones(3), [0], -1)


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_lemma_b3_holds_for_small_layers(layer, seed, scale):
    deltas = constants(layer)
    for z in codes(layer, seed, scale):
        assert_holds(lemma_b3(layer.W, z, layer.K, layer.k, *deltas, layer.blocks))


@given(small_layers(), seeds, st.sampled_from([1e-12, 1.0, 1e6]))
def test_lemma_b4_holds_for_small_layers(layer, seed, scale):
    delta_k, delta_2k = constants(layer)
    for z in codes(layer, seed, scale):
        statement = lemma_b4(layer.W, z, layer.K, layer.k, delta_k, delta_2k, layer.blocks)
        assert_holds(statement)
        # rounding the factor up to 5δ_2k/(1 − δ_k) uses δ_k ≤ δ_2k < 1
        if delta_2k < 1:
            assert statement.steps[-1].right <= statement.right * (1 + 1e-12)


def test_lemma_b3_holds_on_every_support():
    W, supports, *deltas = enumerated_layer()
    rng, misidentified = np.random.default_rng(0), 0
    for pi in supports:
        for _ in range(4):
            z = np.zeros(W.shape[0])
            z[pi] = rng.uniform(-1, 1, len(pi))
            statement = lemma_b3(W, z, 3, 2, *deltas)
            assert_holds(statement)
            misidentified += statement.left > 0
    # the statement was put to work: pooling does miss entries here
    assert misidentified > 10


def test_lemma_b3_is_tight_where_the_second_filter_hides_the_first():
    filters, z = golden_filters(1e-4)
    W = conv_matrix(filters, 3)
    deltas = [model_rip_exact(W, 2, 2, sums=sums) for sums in (1, 2)]
    statement = lemma_b3(W, z, 2, 2, *deltas)
    # (1 + φ)/√(1 + φ²) / 2
    assert statement.left / statement.right == pytest.approx(0.688, abs=0.002)


@given(small_layers(), seeds)
def test_lemma_b3_holds_with_root_two_and_without_its_denominator(layer, seed):
    # from the proof of the golden bound: ‖z|_Ωᶜ‖ ≤ p + q ≤ √2 ‖e‖ ≤ √2 δ_2k ‖z‖
    deltas = constants(layer)
    for z in codes(layer, seed):
        missed = lemma_b3(layer.W, z, layer.K, layer.k, *deltas, layer.blocks).left
        assert missed <= np.sqrt(2) * deltas[1] * np.linalg.norm(z) * (1 + 1e-9) + 1e-9


def test_lemma_b3_and_lemma_b4_show_the_steps_of_the_proof():
    # W Wᵀ z = (0.5, 1, 0, …): the first entry is missed for the second one, of the other block
    W = np.array([[0.5, 0.5, 0.0], [2.0, 0.0, 0.0]])
    z = np.array([1.0, 0.0])
    h = np.array([0.5, 1.0])
    delta_k, delta_2k = 0.2, 0.3
    best, upper, lower = lemma_b3(W, z, 2, 1, delta_k, delta_2k).steps
    # Π = {0}, Ω = {1}
    assert (best.left, best.right) == pytest.approx((h[0], h[1]))
    assert (upper.left, upper.right) == pytest.approx((h[1], 0.3))
    assert (lower.left, lower.right) == pytest.approx((0.8 - 0.3, h[0]))
    triangle, defect, leak, together = lemma_b4(W, z, 2, 1, delta_k, delta_2k).steps
    # z|_Ω = 0, so all of the error is what is missed and what leaks
    assert (triangle.left, triangle.right) == pytest.approx((2**0.5, 1 + 0 + 1))
    assert (defect.left, defect.right) == (0, 0)
    assert (leak.left, leak.right) == pytest.approx((1.0, 0.3))
    assert together.left == triangle.left


def test_lemma_b4_needs_the_infimum_where_the_paper_prints_a_supremum():
    # W_Ω W_Ωᵀ has the eigenvalues 1.05 and 0.3; the printed display,
    # 1 − δ_k ≤ σ_max² ≤ 1 + δ_k, holds with δ_k = 0.05 and says nothing about σ_min² = 0.3
    W = np.diag(np.sqrt([1.05, 0.3]))
    delta_k = 0.05
    largest = np.linalg.svd(W, compute_uv=False)[0] ** 2
    assert 1 - delta_k <= largest <= 1 + delta_k + 1e-12
    assert np.linalg.norm(np.eye(2) - W @ W.T, 2) == pytest.approx(0.7)
    weak = np.array([0.0, 1.0])
    printed = lemma_b4(W, weak, 2, 2, delta_k, delta_2k=0.05)
    assert not printed.steps[1].holds  # ‖(I − W_ΩW_Ωᵀ) z|_Ω‖ ≤ δ_k ‖z|_Ω‖
    assert not printed.holds
    # with the infimum, δ_k = 0.7
    delta_k = model_rip_exact(W, 2, 2)
    assert delta_k == pytest.approx(0.7)
    assert_holds(lemma_b4(W, weak, 2, 2, delta_k, delta_2k=0.7))


def test_lemma_b4_with_its_factor_before_rounding_up_allows_less():
    W, supports, *_ = enumerated_layer()
    z = np.zeros(W.shape[0])
    z[supports[0]] = 1.0
    unrounded = lemma_b4(W, z, 3, 2, 0.1, 0.2).steps[-1]
    # (1+δ_2k)·2δ_2k/(1−δ_k) + δ_k
    assert unrounded.right == pytest.approx((1.2 * 0.4 / 0.9 + 0.1) * np.sqrt(2))
