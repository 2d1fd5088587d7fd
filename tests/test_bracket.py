"""The certified bracket of δ, against enumeration, random search and the certificates of its proof."""

import numpy as np
import pytest

import cnninv
from cnninv.bracket import gershgorin_bound
from cnninv.rip import gram
from cnninv.supports import support_model


def small_layer(seed, K=4, M=20, length=3, D=6):
    return cnninv.conv_matrix(
        cnninv.random_filters(K, M, length, np.random.default_rng(seed)), D
    ), K


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("k", "sums"), [(1, 1), (2, 1), (4, 1), (1, 2), (2, 2), (1, 3)])
def test_the_bracket_holds_the_exact_constant(seed, k, sums):
    W, K = small_layer(seed)
    lower, upper = cnninv.model_rip_bracket(W, K, k, np.random.default_rng(0), sums=sums, starts=20)
    exact = cnninv.model_rip_exact(W, K, k, sums=sums)
    assert lower <= exact + 1e-12
    assert exact <= upper


@pytest.mark.parametrize("seed", range(3))
def test_the_bracket_takes_blocks(seed):
    W, K = small_layer(seed)
    blocks = cnninv.pooling_regions((K, 4), 3)  # regions of 3 and 1 shifts
    lower, upper = cnninv.model_rip_bracket(W, K, 3, np.random.default_rng(0), blocks=blocks)
    exact = cnninv.model_rip_exact(W, K, 3, blocks=blocks)
    assert lower <= exact + 1e-12
    assert exact <= upper


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_for_one_entry_the_bracket_is_tight(scale):
    # the worst row may be any of the 300: a search from few starts must still find it
    W = scale * np.random.default_rng(1).standard_normal((300, 40)) / np.sqrt(40)
    lower, upper = cnninv.model_rip_bracket(W, 300, 1, np.random.default_rng(0), starts=2)
    exact = cnninv.model_rip_exact(W, 300, 1)
    assert lower == pytest.approx(exact, abs=1e-12)
    assert upper == pytest.approx(exact, abs=1e-7)  # allowance for rounding


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("sums", [1, 2])
@pytest.mark.parametrize("sweeps", [1, 2, 7])
def test_the_certificate_bounds_every_support(sign, sums, sweeps):
    W, K = small_layer(7)
    G, model = gram(W), support_model(W, K, 2, sums, None)
    bound = gershgorin_bound(G, model, sign, sweeps)
    for S in model.supports():
        E = sign * (G[np.ix_(S, S)] - np.eye(len(S)))
        assert np.linalg.eigvalsh(E)[-1] <= bound + 1e-12


def test_one_sweep_is_the_block_gershgorin_bound():
    W, K = small_layer(3)
    G = gram(W)
    best = np.abs(G).reshape(K * 4, K, 4).max(axis=2)  # the best entry of each block, for each row
    best[np.arange(K * 4), np.arange(K * 4) // 4] = 0  # not of its own
    rows = np.diag(G) - 1 + np.sort(best, axis=1)[:, -2:].sum(axis=1)  # k − 1 = 2 neighbours
    bound = gershgorin_bound(G, support_model(W, K, 3, 1, None), 1, 1)
    assert bound == pytest.approx(rows.max())


def test_at_figure_2s_size_the_hypothesis_is_refuted():
    rng = np.random.default_rng(0)
    W = cnninv.conv_matrix(cnninv.random_filters(96, 32, 5, rng), 32)
    lower, upper = cnninv.model_rip_bracket(W, 96, 10, rng)
    sampled = cnninv.model_rip_sampled(W, 96, 10, rng, trials=2000)
    assert sampled < 1 < lower < upper < 2
    assert lower > 2 * sampled


def test_no_entries_no_distortion():
    W, K = small_layer(0)
    assert cnninv.model_rip_bracket(W, K, 0, np.random.default_rng(0)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": 5}, ValueError, "k = 5 must be between 0 and 4"),
        ({"k": -1}, ValueError, "k = -1"),
        ({"K": 3}, ValueError, "K = 3 must divide the length 16"),
        ({"sums": 0}, ValueError, "sums = 0"),
        ({"starts": 0}, ValueError, "starts = 0"),
        ({"rng": 0}, TypeError, "numpy.random.Generator"),
        ({"W": 3.0}, ValueError, "W has shape"),
        ({"blocks": np.zeros(3, int)}, ValueError, "each of 16 entries"),
    ],
)
def test_bad_input_is_named(change, error, message):
    W, K = small_layer(0)
    arguments = {"W": W, "K": K, "k": 2, "rng": np.random.default_rng(0)} | change
    with pytest.raises(error, match=message):
        cnninv.model_rip_bracket(**arguments)
