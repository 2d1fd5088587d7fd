"""Theorem 3.1 and Corollary 3.2: as printed, and repaired with constants."""

from math import comb, log

import numpy as np
import pytest

import cnninv
from cnninv import theorems


def layer(K, M, length, D, stride, rng):
    return cnninv.conv_matrix(cnninv.random_filters(K, M, length, rng), D, stride)


@pytest.mark.parametrize("sums", [1, 2])
@pytest.mark.parametrize("sizes", [(4, 2, 8, 1), (64, 8, 16, 4), (500, 2, 300, 149), (16, 8, 8, 1)])
def test_theorem_3_1_repaired_holds_on_drawn_layers(sizes, sums):
    M, length, D, stride = sizes
    K, n, k = 3, (D - length) // stride + 1, 2
    promise = theorems.guaranteed_delta(M, length, K, n, k, epsilon=0.1, sums=sums)
    rng = np.random.default_rng(0)
    deltas = [
        cnninv.model_rip_exact(layer(K, M, length, D, stride, rng), K, k, sums) for _ in range(20)
    ]
    # at most one in ten is allowed to exceed it; the union bound is far from tight
    assert max(deltas) <= promise
    check = theorems.theorem_3_1_repaired if sums == 1 else theorems.corollary_3_2
    assert check(max(deltas), M, length, K, n, k, 0.1).holds
    assert not check(1.1 * promise, M, length, K, n, k, 0.1).holds


@pytest.mark.parametrize("sums", [1, 2, 3])
@pytest.mark.parametrize(("K", "n", "k"), [(3, 4, 2), (5, 1, 5), (96, 28, 10), (4, 3, 1)])
@pytest.mark.parametrize("delta", [0.05, 0.5, 2.0])
def test_sufficient_size_inverts_guaranteed_delta(sums, K, n, k, delta):
    size = theorems.sufficient_size(delta, K, n, k, 0.01, sums)
    at = theorems.guaranteed_delta(int(np.ceil(size)), 1, K, n, k, 0.01, sums)
    assert at <= delta * (1 + 1e-9)
    assert theorems.guaranteed_delta(max(1, int(0.9 * size)), 1, K, n, k, 0.01, sums) > at


def test_guaranteed_delta_by_hand():
    M, length, K, n, k, epsilon = 64, 8, 4, 4, 2, 0.05
    values = []
    for gamma in np.linspace(0.002, 0.498, 249):
        s, N = 1 / (M * length), n**k * comb(K, k)
        u = log(2 / epsilon) + log(N) + k * log(1 + 2 / gamma)
        values.append((2 * np.sqrt(s * u) + 2 * s * u) / (1 - 2 * gamma))
    assert theorems.guaranteed_delta(M, length, K, n, k, epsilon) == pytest.approx(min(values))


def test_for_one_entry_no_net_is_needed():
    # δ_1 is a maximum over K filters: the union over K·n one-entry supports is all there is
    M, length, K, n, epsilon = 30, 5, 6, 7, 0.01
    s, u = 1 / (M * length), log(2 * K * n / epsilon)
    assert theorems.guaranteed_delta(M, length, K, n, 1, epsilon) == pytest.approx(
        2 * np.sqrt(s * u) + 2 * s * u
    )


@pytest.mark.parametrize("delta", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("epsilon", [0.5, 0.01])
@pytest.mark.parametrize(("K", "n", "k"), [(1, 1, 1), (3, 4, 2), (8, 2, 8), (96, 28, 10)])
def test_the_constant_24_suffices_in_the_papers_form(delta, epsilon, K, n, k):
    size = 24 / delta**2 * (k * (log(K) + log(n) + log(9)) + log(2 / epsilon))
    assert theorems.sufficient_size(delta, K, n, k, epsilon) <= size


def test_neither_d_nor_the_split_of_ml_enters_the_repaired_theorem():
    values = {theorems.guaranteed_delta(M, 480 // M, 5, 4, 2, 0.1) for M in (1, 8, 480)}
    assert len(values) == 1


def test_theorem_3_1_as_printed():
    K, n, k, delta, epsilon, C = 4, 5, 2, 0.5, 0.1, 2.0
    need = C / delta**2 * (k * (log(K) + log(n)) - log(epsilon))
    statement = theorems.theorem_3_1(30, 4, 16, K, n, k, delta, epsilon, C)
    assert statement.left == pytest.approx(need)
    assert statement.right == pytest.approx(30 * 16 / 16)
    # the printed scale wants longer filters for longer inputs
    assert theorems.theorem_3_1(400, 4, 16, K, n, k, delta, epsilon, C).holds
    assert not theorems.theorem_3_1(400, 4, 1600, K, n, k, delta, epsilon, C).holds


def test_no_entries_need_nothing():
    assert theorems.guaranteed_delta(5, 5, 4, 3, 0, 0.1) == 0.0
    assert theorems.sufficient_size(0.1, 4, 3, 0, 0.1) == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 5}, "k = 5 must be between 0 and 4"),
        ({"M": 0}, "M = 0"),
        ({"length": 0}, "length = 0"),
        ({"n": 0}, "n = 0"),
        ({"epsilon": 0.0}, "epsilon = 0.0"),
        ({"epsilon": 1.5}, "epsilon = 1.5"),
        ({"sums": 5}, "sums = 5"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"M": 5, "length": 3, "K": 4, "n": 2, "k": 2, "epsilon": 0.1} | change
    with pytest.raises(ValueError, match=message):
        theorems.guaranteed_delta(**arguments)


@pytest.mark.parametrize("change", [{"K": 0}, {"D": 0}, {"delta": 0.0}, {"C": -1.0}, {"k": 9}])
def test_bad_input_of_the_printed_theorem_is_named(change):
    arguments = {
        "M": 5, "length": 3, "D": 6, "K": 4, "n": 2, "k": 2, "delta": 0.5, "epsilon": 0.1, "C": 1.0
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=f"{next(iter(change))} = "):
        theorems.theorem_3_1(**arguments)
