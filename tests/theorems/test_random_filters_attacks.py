"""Attacks on Theorem 3.1, Corollary 3.2 and the net of their repair, on drawn layers."""

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from cnninv import conv_matrix, model_rip_exact, random_filters
from cnninv.theorems import (
    corollary_3_2,
    guaranteed_delta,
    sufficient_size,
    tail_bound,
    theorem_3_1,
    theorem_3_1_repaired,
)


def number_of_supports(K, n, k, sums):
    """Written out for one and for two codes: (supports, entries of one)."""
    if sums == 1:
        return comb(K, k) * n**k, k
    # p blocks with two entries, the other entries alone in a block
    size = min(2 * k, K * min(2, n))
    total = 0
    for pairs in range(size // 2 + 1):
        singles = size - 2 * pairs
        if pairs + singles <= K:
            places = comb(K, pairs) * comb(K - pairs, singles)
            total += places * comb(n, 2) ** pairs * n**singles
    return total, size


# Theorem 3.1 as printed


def test_theorem_3_1_holds_from_its_number_of_channels_on():
    need = theorem_3_1(1, 5, 32, 96, 28, 10, 0.5, 0.01, C=1.0).left
    M = int(np.ceil(need * 32 / 25))
    assert theorem_3_1(M, 5, 32, 96, 28, 10, 0.5, 0.01, C=1.0).holds
    assert not theorem_3_1(M - 1, 5, 32, 96, 28, 10, 0.5, 0.01, C=1.0).holds


def test_theorem_3_1_asks_for_twice_the_channels_if_the_input_doubles_the_repaired_one_does_not():
    printed = [theorem_3_1(100, 4, D, 3, 5, 2, 0.5, 0.1, C=1.0).right for D in (8, 16, 32)]
    assert printed == [200.0, 100.0, 50.0]
    rng = np.random.default_rng(0)
    deltas = []
    for D in (8, 16, 32):
        W = [conv_matrix(random_filters(3, 100, 4, rng), D, stride=2) for _ in range(10)]
        deltas.append(np.mean([model_rip_exact(draw, 3, 2) for draw in W]))
    # n grows from 3 to 15: that enters as a logarithm
    assert deltas[2] < 1.5 * deltas[0]


# the repaired constants


@given(
    st.integers(1, 400),
    st.integers(1, 9),
    st.integers(1, 6),
    st.integers(1, 9),
    st.integers(1, 2),
    st.floats(1e-9, 0.99),
    st.data(),
)
def test_guaranteed_delta_is_the_best_net_of_the_union_bound(M, length, K, n, sums, epsilon, data):
    k = data.draw(st.integers(1, K))
    supports, d = number_of_supports(K, n, k, sums)
    s = sums / (M * length)

    def delta(gamma):
        cost = d * log(1 + 2 / gamma) if gamma else 0.0
        u = log(2 / epsilon) + log(supports) + cost
        return (2 * np.sqrt(s * u) + 2 * s * u) / (1 - 2 * gamma)

    search = minimize_scalar(delta, bounds=(1e-6, 0.499), method="bounded")
    best = delta(0.0) if d == 1 else search.fun
    guaranteed = guaranteed_delta(M, length, K, n, k, epsilon, sums)
    # the library tries 249 values of γ: never below the optimum, and close to it
    assert best * (1 - 1e-6) <= guaranteed <= best * 1.01


@given(
    st.floats(0.01, 20),
    st.integers(1, 6),
    st.integers(1, 9),
    st.integers(1, 4),
    st.floats(1e-9, 0.99),
    st.data(),
)
def test_sufficient_size_is_the_inverse_of_guaranteed_delta(delta, K, n, sums, epsilon, data):
    k = data.draw(st.integers(1, K))
    size = sufficient_size(delta, K, n, k, epsilon, sums)
    M = int(np.ceil(size * (1 + 1e-12)))
    assert guaranteed_delta(M, 1, K, n, k, epsilon, sums) <= delta * (1 + 1e-9)
    if M > 2:
        below = guaranteed_delta(M - 1, 1, K, n, k, epsilon, sums)
        assert below >= delta * (1 - 1e-9)


def test_guaranteed_delta_grows_with_everything_but_the_filters():
    base = {"M": 50, "length": 4, "K": 6, "n": 8, "k": 3, "epsilon": 0.05, "sums": 1}
    delta = guaranteed_delta(**base)
    for harder in ({"K": 9}, {"n": 20}, {"k": 4}, {"epsilon": 0.001}, {"sums": 2}, {"M": 40}):
        assert guaranteed_delta(**(base | harder)) > delta
    # M and ℓ enter as Mℓ
    assert guaranteed_delta(**(base | {"M": 25, "length": 8})) == pytest.approx(delta)
    assert guaranteed_delta(**(base | {"k": 0})) == 0
    assert sufficient_size(0.5, K=6, n=8, k=0, epsilon=0.05) == 0


def test_the_net_of_the_proof_has_no_more_points_than_it_says():
    # d = 2: a γ-net of the circle needs π/(2 arcsin(γ/2)) points, the proof allows (1 + 2/γ)²
    for gamma in np.linspace(0.01, 0.49, 60):
        points = np.ceil(np.pi / (2 * np.arcsin(gamma / 2)))
        assert points <= (1 + 2 / gamma) ** 2


@given(st.integers(2, 4), st.floats(0.05, 0.45), st.integers(0, 2**32 - 1))
def test_a_net_sees_the_norm_of_a_symmetric_matrix(d, gamma, seed):
    # ‖A‖ ≤ max |zᵀAz| / (1 − 2γ) over a γ-net: from the top eigenvector v to a point z with ‖v − z‖ ≤ γ
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((d, d))
    A = A + A.T
    values, vectors = np.linalg.eigh(A)
    norm, v = np.abs(values).max(), vectors[:, np.argmax(np.abs(values))]
    # the worst point of the net that is allowed to stand for v: unit, at distance γ
    w = rng.standard_normal((100, d))
    w -= (w @ v)[:, None] * v
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    cosine = 1 - gamma**2 / 2
    z = cosine * v + np.sqrt(1 - cosine**2) * w
    assert np.allclose(np.linalg.norm(z - v, axis=1), gamma)
    forms = np.abs(np.einsum("ti,ij,tj->t", z, A, z))
    assert norm <= forms.min() / (1 - 2 * gamma) * (1 + 1e-9)


def test_a_union_over_supports_alone_is_not_enough():
    # one support of ten entries: the tail bound for one code, taken for δ of the whole subspace, is exceeded
    rng, M, d = np.random.default_rng(0), 200, 10
    deltas = np.array(
        [model_rip_exact(conv_matrix(random_filters(d, M, 1, rng), 1), d, d) for _ in range(100)]
    )
    epsilon = 0.1
    one_code = sufficient_delta_for_one_code(M, epsilon)
    assert tail_bound(one_code, M, 1) == pytest.approx(epsilon)
    assert (deltas > one_code).mean() > 0.9
    assert (deltas > guaranteed_delta(M, 1, d, 1, d, epsilon)).mean() <= epsilon


def sufficient_delta_for_one_code(M, epsilon):
    su = log(2 / epsilon) / M
    return 2 * np.sqrt(su) + 2 * su


LAYERS = [(3, 40, 2, 4, 2), (2, 15, 3, 6, 2), (4, 60, 2, 3, 1), (3, 8, 4, 5, 3)]


@pytest.mark.parametrize(("K", "M", "length", "D", "k"), LAYERS)
def test_theorem_3_1_repaired_holds_for_drawn_layers(K, M, length, D, k):
    rng, epsilon, n = np.random.default_rng(0), 0.5, D - length + 1
    holds = []
    for _ in range(60):
        delta = model_rip_exact(conv_matrix(random_filters(K, M, length, rng), D), K, k)
        statement = theorem_3_1_repaired(delta, M, length, K, n, k, epsilon)
        assert statement.left == delta
        assert statement.right == guaranteed_delta(M, length, K, n, k, epsilon)
        holds.append(statement.holds)
    assert np.mean(holds) >= 1 - epsilon


def test_theorem_3_1_repaired_in_2d_counts_all_taps():
    rng, K, k = np.random.default_rng(0), 3, 2
    for _ in range(20):
        W = conv_matrix(random_filters(K, 20, (2, 2), rng), (3, 3))
        delta = model_rip_exact(W, K, k)
        assert theorem_3_1_repaired(delta, 20, 4, K, 4, k, epsilon=0.5).holds


def test_theorem_3_1_repaired_is_within_an_order_of_magnitude_of_the_truth():
    # a bound that is 100 times too large would hold as well
    rng, epsilon = np.random.default_rng(0), 0.5
    for K, M, length, D, k in LAYERS:
        W = conv_matrix(random_filters(K, M, length, rng), D)
        for sums in (1, 2):
            delta = model_rip_exact(W, K, k, sums=sums)
            assert guaranteed_delta(M, length, K, D - length + 1, k, epsilon, sums) < 12 * delta


def test_theorem_3_1_repaired_fails_for_filters_that_are_not_random():
    filters = random_filters(3, 4000, 2, np.random.default_rng(0))
    filters[1] = filters[0]
    W = conv_matrix(filters, 4)
    delta = model_rip_exact(W, 3, 2)
    assert not theorem_3_1_repaired(delta, 4000, 2, 3, 3, 2, epsilon=0.01).holds


@pytest.mark.parametrize(("K", "M", "length", "D", "k"), LAYERS)
def test_corollary_3_2_holds_for_drawn_layers_with_our_constants(K, M, length, D, k):
    rng, epsilon, n = np.random.default_rng(0), 0.5, D - length + 1
    holds = []
    for _ in range(30):
        W = conv_matrix(random_filters(K, M, length, rng), D)
        delta = model_rip_exact(W, K, k, sums=2)
        statement = corollary_3_2(delta, M, length, K, n, k, epsilon)
        assert statement.right == guaranteed_delta(M, length, K, n, k, epsilon, sums=2)
        holds.append(statement.holds)
    assert np.mean(holds) >= 1 - epsilon


def test_corollary_3_2_asks_for_more_than_theorem_3_1():
    arguments = (0.3, 100, 4, 3, 5, 2, 0.1)
    assert corollary_3_2(*arguments).right > theorem_3_1_repaired(*arguments).right
