"""Attacks on the concentration statements: drawn layers of all shapes, worst codes, exact χ² laws."""

from itertools import pairwise
from math import prod, sqrt

import numpy as np
import pytest
import scipy.sparse
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from cnninv import conv_matrix, pooling_regions, random_filters, sample_code
from cnninv.theorems import (
    exponent_3,
    fit_constant,
    inequality_3,
    lemma_a1,
    output_covariance,
    squared_ratios,
    tail_bound,
    theorem_a2,
)

GEOMETRIES = [
    pytest.param(5, 9, 1, 0, id="1-D"),
    pytest.param(3, 9, 2, 0, id="stride"),
    pytest.param(2, 10, 4, 0, id="stride above the length"),
    pytest.param(5, 8, 1, "circular", id="circular"),
    pytest.param((2, 3), (4, 5), 1, 0, id="2-D"),
    pytest.param((3, 2), (5, 6), (2, 2), 0, id="2-D stride"),
]
PADDED = [
    pytest.param(3, 6, 1, 1, id="padding"),
    pytest.param((3, 3), (3, 4), 1, "same", id="2-D same"),
]


def positions(size, input_shape, stride, padding):
    taps = (size,) if isinstance(size, int) else size
    return conv_matrix(np.ones((1, 1, *taps)), input_shape, stride, padding).shape[0]


def drawn_outputs(z, K, M, size, input_shape, rng, trials, stride, padding):
    """y = Wᵀz for drawn W, shape (trials, M, D)."""
    # the filters of all trials in one matrix: trial t has the rows t·Kn … (t+1)·Kn − 1
    W = conv_matrix(random_filters(trials * K, M, size, rng), input_shape, stride, padding)
    codes = scipy.sparse.kron(scipy.sparse.eye_array(trials), z[None])
    return (codes @ W).toarray().reshape(trials, M, -1)


# the law of y


@pytest.mark.parametrize(("size", "input_shape", "stride", "padding"), [GEOMETRIES[0], PADDED[1]])
def test_output_covariance_is_that_of_drawn_layers(size, input_shape, stride, padding):
    K, M, trials = 2, 3, 4000
    rng = np.random.default_rng(0)
    n = positions(size, input_shape, stride, padding)
    z = rng.standard_normal(K * n)
    y = drawn_outputs(z, K, M, size, input_shape, rng, trials, stride, padding)
    expected = output_covariance(z, K, size, input_shape, stride, padding) / M
    products = np.einsum("tmp,tmq->tmpq", y, y).reshape(trials * M, *expected.shape)
    error = products.std(axis=0) / sqrt(trials * M)
    assert np.all(np.abs(products.mean(axis=0) - expected) < 5 * error + 1e-12)
    # channels are independent
    across = np.einsum("tp,tq->tpq", y[:, 0], y[:, 1])
    assert np.all(np.abs(across.mean(axis=0)) < 5 * across.std(axis=0) / sqrt(trials) + 1e-12)


@pytest.mark.parametrize(("size", "input_shape", "stride", "padding"), PADDED)
def test_trace_of_the_covariance_is_less_where_padding_cuts_taps_off(
    size, input_shape, stride, padding
):
    n = positions(size, input_shape, stride, padding)
    z = np.zeros(2 * n)
    z[0] = 1.0  # the corner
    covariance = output_covariance(z, 2, size, input_shape, stride, padding)
    l = np.atleast_1d(size)
    assert np.trace(covariance) == pytest.approx(prod((length - 1) / length for length in l))


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_norm_of_the_covariance_is_at_most_the_entries_a_filter_carries(sums, seed):
    # ‖Σ‖ ≤ sums/(Mℓ) ‖z‖²: the heart of our tail bound
    rng = np.random.default_rng(seed)
    K, n = 3, 4
    z = np.zeros((K, n))
    for row in z:
        row[rng.permutation(n)[:sums]] = rng.standard_normal(sums)
    for size, shape, stride, padding in (
        (3, 6, 1, 0),
        (4, 4, 1, "circular"),
        ((2, 2), (3, 3), 1, 0),
    ):
        covariance = output_covariance(z.ravel(), K, size, shape, stride, padding)
        largest = np.linalg.eigvalsh(covariance)[-1]
        assert largest <= sums / np.prod(size) * (z**2).sum() * (1 + 1e-12)


def test_norm_of_the_covariance_is_attained_by_two_shifts_of_one_filter():
    # filters as long as the input, wrapped around, half a turn apart: Σ has the eigenvalue 2/ℓ, D/2 times
    z = np.zeros(8)
    z[[0, 4]] = sqrt(0.5)
    values = np.linalg.eigvalsh(output_covariance(z, 1, 8, 8, padding="circular"))
    assert np.allclose(values, [0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25])


@pytest.mark.parametrize("D", [8, 16, 32])
@pytest.mark.parametrize(("M", "length"), [(5, 3), (100, 4)])
def test_one_sparse_codes_have_variance_2_over_Ml_for_every_input_length(D, M, length):
    z = np.zeros(2 * (D - length + 1))
    z[3] = -1.7
    covariance = output_covariance(z, 2, length, D) / M
    variance = 2 * M * np.sum(covariance**2) / (z @ z) ** 2
    assert variance == pytest.approx(2 / (M * length))
    ratios = squared_ratios(z, 2, M, length, D, np.random.default_rng(0), trials=20_000)
    assert ratios.mean() == pytest.approx(1, abs=0.01)
    assert ratios.var() == pytest.approx(2 / (M * length), rel=0.05)


@pytest.mark.parametrize(
    ("length", "shift", "padding", "growth"),
    [(3, 1, 0, 1.6), (5, 1, 0, 14 / 9), (8, 4, "circular", 2.0)],
)
def test_two_shifts_of_one_filter_share_weights_and_the_variance_grows(
    length, shift, padding, growth
):
    # what Corollary 3.2 passes over: entries of y are dependent on M_k²
    D = 8
    z = np.zeros(D if padding else D - length + 1)
    z[[0, shift]] = 1.0
    covariance = output_covariance(z, 1, length, D, padding=padding)
    independent = np.sum(np.diag(covariance) ** 2)
    assert np.sum(covariance**2) / independent == pytest.approx(growth)


# the distribution of ‖Wᵀz‖²


@pytest.mark.parametrize(("size", "input_shape", "stride", "padding"), GEOMETRIES + PADDED)
def test_squared_ratios_have_the_law_of_drawn_layers(size, input_shape, stride, padding):
    K, M, trials = 3, 4, 1500
    n = positions(size, input_shape, stride, padding)
    rng = np.random.default_rng(1)
    codes = {"sparse": sample_code(K, n, K, rng), "two shifts": np.zeros(K * n)}
    codes["two shifts"][[0, min(1, n - 1)]] = 1.0, 2.0
    for z in codes.values():
        y = drawn_outputs(z, K, M, size, input_shape, rng, trials, stride, padding)
        drawn = (y**2).sum(axis=(1, 2)) / (z @ z)
        ratios = squared_ratios(z, K, M, size, input_shape, rng, 4 * trials, stride, padding)
        assert stats.ks_2samp(drawn, ratios).pvalue > 0.01


def test_squared_ratios_repeat_with_the_seed_and_follow_the_scale_of_no_code():
    z = np.random.default_rng(0).standard_normal(12)
    a, b = (squared_ratios(c * z, 2, 3, 2, 7, np.random.default_rng(1), 50) for c in (1, 1e4))
    assert np.allclose(a, b)
    with pytest.raises(ValueError, match="z is zero"):
        squared_ratios(np.zeros(12), 2, 3, 2, 7, np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"z has 11 entries; expected K\*n = 2\*6"):
        squared_ratios(z[:11], 2, 3, 2, 7, np.random.default_rng(1))


# Lemma A.1


@pytest.mark.parametrize(("size", "input_shape", "stride", "padding"), GEOMETRIES)
def test_lemma_a1_holds_for_strides_and_in_2d(size, input_shape, stride, padding):
    n = positions(size, input_shape, stride, padding)
    rng = np.random.default_rng(0)
    for z in (sample_code(3, n, 2, rng), rng.standard_normal(3 * n)):
        statement = lemma_a1(z, 3, 2, size, input_shape, rng, 200, stride, padding)
        assert statement.holds
        # four standard errors of 200 draws: the test could have failed
        assert statement.right < 0.5 * (z @ z)


@pytest.mark.parametrize(("size", "input_shape", "stride", "padding"), PADDED)
def test_lemma_a1_fails_with_zero_padding(size, input_shape, stride, padding):
    n = positions(size, input_shape, stride, padding)
    rng, z = np.random.default_rng(0), np.zeros(2 * n)
    z[0] = 1.0  # the corner, where most taps are cut off
    statement = lemma_a1(z, 2, 30, size, input_shape, rng, 200, stride, padding)
    assert not statement.holds
    # by as much as the covariance says
    missing = 1 - np.trace(output_covariance(z, 2, size, input_shape, stride, padding))
    assert statement.left == pytest.approx(missing, abs=statement.right)


def test_lemma_a1_needs_rows_of_unit_squared_norm_in_expectation():
    # the paper's proof asks for E‖row‖ = 1, which makes E‖row‖² larger than 1
    rows = np.random.default_rng(0).standard_normal((100_000, 6)) / sqrt(6)
    norms = np.linalg.norm(rows, axis=1)
    assert (norms**2).mean() == pytest.approx(1, abs=0.01)
    assert norms.mean() < 0.97


# Theorem A.2


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=5),
    st.floats(0, 10),
    st.floats(0.1, 5),
    st.floats(0.2, 5),
)
def test_theorem_a2_is_homogeneous_as_repaired(a, t, T, c):
    assume(np.abs(a).max() > 1e-3)
    # Y → cY, t → c²t is the same event
    before, after = theorem_a2(a, t, 0.3, T), theorem_a2(a, c**2 * t, 0.3, c * T)
    assert after == pytest.approx(before, rel=1e-9)
    # a → ca, t → ct is the same event too, for either powers
    for as_printed in (False, True):
        scaled = theorem_a2(np.multiply(a, c), c * t, 0.3, T, as_printed)
        assert scaled == pytest.approx(theorem_a2(a, t, 0.3, T, as_printed), rel=1e-9)


def test_theorem_a2_as_printed_gives_one_event_two_bounds():
    a, t, T, c = np.ones(50), 10.0, 1.0, 3.0
    before = theorem_a2(a, t, 1.0, T, as_printed=True)
    after = theorem_a2(a, c**2 * t, 1.0, c * T, as_printed=True)
    assert after < 0.01 * before


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_theorem_a2_as_printed_fails_for_large_variables_whatever_its_constant(scale):
    # Y_i ~ N(0, scale²): the printed bound needs a constant that falls with the scale
    rng, p = np.random.default_rng(0), 20
    deviations = np.abs(scale**2 * (rng.chisquare(p, 200_000) - p))
    T = scale * sqrt(2 / np.pi)  # ‖N(0, σ²)‖_ψ2 = σ√(2/π), attained at the first moment
    t = scale**2 * np.linspace(5, 40, 40)
    constants = [
        fit_constant(deviations, t, -np.log(theorem_a2(np.ones(p), t, 1.0, T, printed) / 2))
        for printed in (False, True)
    ]
    assert constants[0] == pytest.approx(0.19, abs=0.02)
    printed = constants[1]
    if scale == 1.0:
        assert printed == pytest.approx(constants[0], rel=0.5)
    elif scale == 10.0:
        assert printed < 0.05
    else:
        assert printed > 5


# inequality (3)


def test_inequality_3_by_hand():
    # the first term for small δ, the second from δ = D/ℓ on
    assert exponent_3(0.5, M=10, length=4, D=16) == pytest.approx(0.25 * 10 * 16 / 16)
    assert exponent_3(6.0, M=10, length=4, D=16) == pytest.approx(6 * 10 * 4)
    assert inequality_3(0.5, 10, 4, 16, C=2.0) == pytest.approx(2 * np.exp(-5.0))
    assert inequality_3(0.0, 10, 4, 16, C=2.0) == pytest.approx(2.0)


def test_inequality_3_has_the_wrong_scale_its_constant_grows_with_the_input():
    # one-sparse codes have the same law for every D, so Mℓ²/D must be made up for by C
    delta, constants = np.linspace(0.1, 0.4, 20), []
    for D in (8, 16, 32):
        z = np.zeros(D - 3)
        z[0] = 1.0
        ratios = squared_ratios(z, 1, 25, 4, D, np.random.default_rng(0), 100_000)
        C = fit_constant(np.abs(ratios - 1), delta, exponent_3(delta, 25, 4, D))
        constants.append(C)
        tail = (np.abs(ratios - 1)[:, None] > delta).mean(axis=0)
        assert np.all(tail <= inequality_3(delta, 25, 4, D, C) * (1 + 1e-9) + 20 / 100_000)
    assert constants[1] / constants[0] == pytest.approx(2, rel=0.05)
    assert constants[2] / constants[0] == pytest.approx(4, rel=0.05)


# our tail bound


def test_tail_bound_falls_with_delta_and_size_and_grows_with_sums():
    delta = np.linspace(0, 5, 50)
    bounds = [tail_bound(delta, M, 5, sums) for M, sums in ((20, 1), (20, 2), (10, 2), (10, 4))]
    assert bounds[0][0] == 2
    for tighter, looser in pairwise(bounds):
        assert np.all(np.diff(tighter) < 0)
        assert np.all(tighter <= looser)


@pytest.mark.parametrize("weights", [2, 10, 100, 1000])
def test_tail_bound_holds_for_the_worst_sum_of_two_codes_and_that_of_one_code_does_not(weights):
    # two shifts of one filter, half a turn apart: χ²/(Mℓ/2) with Mℓ/2 degrees of freedom
    z = np.zeros(2)
    z[:] = sqrt(0.5)
    values = np.linalg.eigvalsh(output_covariance(z, 1, 2, 2, padding="circular"))
    assert np.allclose(values, [0, 1])
    delta, half = np.logspace(-3, 1.5, 400), weights / 2
    law = stats.chi2(half)
    tail = law.sf(half * (1 + delta)) + law.cdf(half * (1 - delta))
    assert np.all(tail <= tail_bound(delta, weights, 1, sums=2))
    # Corollary 3.2 says that the analysis of M_k carries over: with the constant of M_k it does not
    assert np.any(tail > tail_bound(delta, weights, 1, sums=1))


def codes_of_all_sorts(K, n, rng):
    spread = np.zeros((K, n))
    spread[:, 0] = 1.0
    geometric = np.zeros((K, n))
    geometric[np.arange(K), rng.integers(0, n, K)] = 0.5 ** np.arange(K)
    one = np.zeros((K, n))
    one[0, n // 2] = 1.0
    shifts = np.zeros((K, n))
    shifts[0, :2] = 1.0
    all_shifts = np.zeros((K, n))
    all_shifts[:, :2] = rng.standard_normal((K, 2))
    opposite = np.zeros((K, n))
    opposite[0, :2] = 1.0, -1.0
    yield from ((1, spread), (1, geometric), (1, one), (1, rng.permuted(spread, axis=1)))
    yield from ((2, shifts), (2, all_shifts), (2, opposite))
    # the worst of a random search, by the variance of its law
    for sums in (1, 2):
        drawn = [sum(sample_code(K, n, K, rng) for _ in range(sums)) for _ in range(100)]
        yield (
            sums,
            max(drawn, key=lambda z: np.sum(output_covariance(z, K, 3, n + 2) ** 2) / (z @ z) ** 2),
        )


@pytest.mark.parametrize("M", [1, 8, 60])
def test_tail_bound_is_never_exceeded_by_measured_tails(M):
    K, n, length, trials = 4, 6, 3, 100_000
    rng, delta = np.random.default_rng(0), np.linspace(0.02, 4, 200)
    for sums, code in codes_of_all_sorts(K, n, rng):
        ratios = squared_ratios(code.ravel(), K, M, length, n + 2, rng, trials)
        deviations = np.sort(np.abs(ratios - 1))
        tail = 1 - np.searchsorted(deviations, delta, side="right") / trials
        bound = tail_bound(delta, M, length, sums)
        # four standard errors of the measurement
        assert np.all(tail <= bound + 4 * np.sqrt(np.minimum(bound, 1) / trials))


def test_tail_bound_with_pooling_over_small_regions_needs_the_number_of_regions():
    # blocks of 2 shifts: a code of the model may use all three regions of one filter
    M, length, n = 4, 5, 6
    blocks = pooling_regions((1, n), 2)
    z = np.zeros(n)
    z[[1, 2, 4]] = 1.0
    assert [np.sum(blocks[z != 0] == b) for b in range(3)] == [1, 1, 1]
    covariance = output_covariance(z, 1, length, n + 4)
    assert np.linalg.eigvalsh(covariance)[-1] > 1 / length * (z @ z)
    assert np.linalg.eigvalsh(covariance)[-1] <= 3 / length * (z @ z)
    ratios = squared_ratios(z, 1, M, length, n + 4, np.random.default_rng(0), 100_000)
    delta = np.linspace(0.1, 4, 100)
    tail = (np.abs(ratios - 1)[:, None] > delta).mean(axis=0)
    assert np.all(tail <= tail_bound(delta, M, length, sums=3))
    assert np.any(tail > tail_bound(delta, M, length, sums=1))


# the fit


@settings(max_examples=20)
@given(st.floats(0.05, 20))
def test_fit_constant_recovers_the_constant_of_an_exponential_tail(C):
    # the quantiles of P(X > t) = min(1, 2 exp(−Ct))
    trials = 100_000
    deviations = np.log(2 / ((np.arange(trials) + 0.5) / trials)) / C
    t = np.linspace(0.1, 10, 200) / C
    assert fit_constant(deviations, t, t) == pytest.approx(C, rel=1e-2)
    assert fit_constant(deviations, t, 3 * t) == pytest.approx(C / 3, rel=1e-2)


def test_fit_constant_reads_no_tail_that_is_not_measured():
    deviations = np.concatenate([np.zeros(990), np.ones(10)])
    with pytest.raises(ValueError, match="no threshold is exceeded by 20 deviations"):
        fit_constant(deviations, np.array([0.5]), np.array([1.0]))
    C = fit_constant(deviations, np.array([0.5]), np.array([1.0]), least=10)
    assert pytest.approx(-np.log(0.01 / 2)) == C


def test_fit_constant_counts_deviations_above_the_threshold_not_at_it():
    deviations = np.repeat([1.0, 2.0], 50)
    C = fit_constant(deviations, np.array([1.0]), np.array([1.0]))
    assert pytest.approx(-np.log(0.5 / 2)) == C
    with pytest.raises(ValueError, match="no threshold"):
        fit_constant(deviations, np.array([2.0]), np.array([1.0]))
