"""Theorem A.2, inequality (3), and our tail bound, on the law of ‖Wᵀz‖²."""

import numpy as np
import pytest
from scipy import stats

from cnninv import theorems


@pytest.mark.parametrize("c", [0.1, 2.0, 30.0])
def test_theorem_a2_repaired_is_invariant_under_rescaling_and_as_printed_is_not(c):
    a, t = np.array([1.0, 2.0, 0.5]), np.array([0.5, 3.0, 20.0])
    before = theorems.theorem_a2(a, t, C=0.1, T=1.5)
    np.testing.assert_allclose(theorems.theorem_a2(a, c**2 * t, C=0.1, T=c * 1.5), before)
    printed = theorems.theorem_a2(a, c**2 * t, C=0.1, T=c * 1.5, as_printed=True)
    assert not np.allclose(printed, theorems.theorem_a2(a, t, C=0.1, T=1.5, as_printed=True))


def test_theorem_a2_the_two_agree_for_t_1_as_the_paper_uses_it():
    a, t = np.array([1.0, 2.0]), np.linspace(0, 9, 7)
    np.testing.assert_allclose(
        theorems.theorem_a2(a, t, C=1), theorems.theorem_a2(a, t, C=1, as_printed=True)
    )


def test_inequality_3_is_theorem_a2_with_the_papers_weights():
    # MD weights of 1/(Mℓ) each: ‖a‖₂² = D/(Mℓ²), ‖a‖_∞ = 1/(Mℓ)
    M, l, D, delta = 6, 3, 10, np.array([0.1, 0.7, 5.0])
    a = np.full(M * D, 1 / (M * l))
    np.testing.assert_allclose(
        theorems.inequality_3(delta, M, l, D, C=0.7), theorems.theorem_a2(a, delta, C=0.7)
    )


def test_fit_constant_is_the_largest_that_no_measured_threshold_violates():
    rng = np.random.default_rng(6)
    deviations, thresholds = rng.exponential(size=5000), np.linspace(0.1, 4, 30)
    C = theorems.fit_constant(deviations, thresholds, thresholds)
    tails = np.array([(deviations > t).mean() for t in thresholds])
    measured = tails * 5000 >= 20
    assert (tails <= 2 * np.exp(-C * thresholds) + 1e-12)[measured].all()
    assert (tails > 2 * np.exp(-1.001 * C * thresholds))[measured].any()


@pytest.mark.parametrize("weights", [1, 4, 40, 1000])
def test_tail_bound_is_above_the_exact_tail_of_one_sparse_codes(weights):
    delta = np.linspace(0.01, 3, 200)
    law = stats.chi2(weights, scale=1 / weights)
    exact = law.sf(1 + delta) + law.cdf(1 - delta)
    assert (exact <= theorems.tail_bound(delta, weights, 1)).all()


@pytest.mark.parametrize("d", [1, 3, 6])
def test_tail_bound_with_two_uses_is_above_the_tail_of_shared_weights(d):
    z = np.zeros(20)
    z[0] = z[d] = 1
    ratios = theorems.squared_ratios(z, 1, 4, 5, 24, np.random.default_rng(7), 20_000)
    delta = np.linspace(0.1, 2, 20)
    tails = np.array([(np.abs(ratios - 1) > t).mean() for t in delta])
    assert (tails <= theorems.tail_bound(delta, 4, 5, sums=2)).all()


def test_tail_bound_inverts_its_statement():
    s, u = 1 / (8 * 5), np.array([0.1, 1.0, 30.0])
    delta = 2 * np.sqrt(s * u) + 2 * s * u
    np.testing.assert_allclose(theorems.tail_bound(delta, 8, 5), 2 * np.exp(-u))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theorems.tail_bound(-0.1, 3, 3), "delta has the entry -0.1"),
        (lambda: theorems.tail_bound(0.1, 0, 3), "M = 0"),
        (lambda: theorems.tail_bound(0.1, 3, 3, sums=0), "sums = 0"),
        (lambda: theorems.inequality_3(0.1, 3, 3, 0, 1.0), "D = 0"),
        (lambda: theorems.inequality_3(np.nan, 3, 3, 4, 1.0), "NaN"),
        (lambda: theorems.inequality_3(0.1, 3, 3, 4, -1.0), "C = -1.0"),
        (lambda: theorems.theorem_a2(np.zeros(3), 1.0, 1.0), "a is zero"),
        (lambda: theorems.theorem_a2(np.ones(3), 1.0, 1.0, T=0.0), "T = 0.0"),
        (
            lambda: theorems.fit_constant(np.ones(5), np.array([1.0]), np.array([1.0])),
            "no threshold is exceeded",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
