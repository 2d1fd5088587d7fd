"""Theorem 3.1 measured: the layers, the fit, and what the experiment reports."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnninv.experiments import EXPERIMENTS, Context, scaling
from cnninv.experiments.scaling import fit_exponents, scatter, spread_layer


@pytest.mark.parametrize(("length", "D", "n"), [(4, 20, 5), (3, 5, 3), (8, 64, 2), (1, 9, 9)])
def test_the_shifts_reach_from_end_to_end(length, D, n):
    W = spread_layer(3, 2, length, D, n, np.random.default_rng(0))
    assert W.shape == (3 * n, 2 * D)
    covered = np.flatnonzero(W.toarray()[:n, :D].any(axis=0))
    assert covered[0] == 0
    assert covered[-1] == D - 1


@pytest.mark.parametrize(("D", "n"), [(11, 4), (4, 2), (8, 9)])
def test_a_number_of_shifts_that_no_stride_gives_is_refused(D, n):
    with pytest.raises(ValueError, match="positive multiple of n − 1"):
        spread_layer(3, 2, 4, D, n, np.random.default_rng(0))


def test_the_fit_finds_the_exponents_of_a_power_law():
    rng = np.random.default_rng(0)
    sizes = rng.uniform(1, 100, (30, 3))
    exponents = np.array([-0.5, -1.0, 0.5])
    np.testing.assert_allclose(
        fit_exponents(sizes, 7 * np.prod(sizes**exponents, axis=1)), exponents, atol=1e-12
    )


@pytest.mark.parametrize(
    ("sizes", "deltas", "message"),
    [
        ([[1.0], [2.0]], [1.0], "one row per layer"),
        ([[1.0], [0.0]], [1.0, 1.0], "positive"),
        ([[1.0], [2.0]], [1.0, -1.0], "positive"),
        ([[2.0], [2.0]], [1.0, 1.0], "do not vary independently"),
        ([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], [1.0, 1.0, 1.0], "do not vary independently"),
    ],
)
def test_data_without_a_unique_fit_is_refused(sizes, deltas, message):
    with pytest.raises(ValueError, match=message):
        fit_exponents(sizes, deltas)


def test_no_scatter_on_the_right_scale():
    scale = np.array([1.0, 10.0, 100.0])
    assert scatter(scale, 3 / np.sqrt(scale)) == pytest.approx(0, abs=1e-12)
    assert scatter(scale**2, 3 / np.sqrt(scale)) > 0.5


@pytest.fixture(scope="module")
def rows():
    experiment = EXPERIMENTS["theorem31"]
    outcome = experiment.run(Context("quick", 0))
    plt.close(outcome.figure)
    return {row.quantity: row for row in outcome.rows}


def test_theorem_3_1_the_exponents_of_m_and_k_are_the_papers(rows):
    assert rows["Theorem 3.1 exponent of M"].verdict == "reproduced"
    assert rows["Theorem 3.1 exponent of k"].verdict == "reproduced"
    assert rows["Theorem 3.1 exponent of M"].ours == pytest.approx(-0.5, abs=0.03)


@pytest.mark.parametrize("label", ["Theorem 3.1", "Corollary 3.2"])
def test_d_does_not_enter_at_fixed_ml(rows, label):
    # the paper's scale wants −1 and +1/2
    length, D = (
        rows[f"{label} exponent of ℓ at fixed M and D"],
        rows[f"{label} exponent of D at fixed Mℓ"],
    )
    assert (length.verdict, D.verdict) == ("differs", "differs")
    assert length.ours == pytest.approx(-0.5, abs=0.1)
    assert -0.15 < D.ours < 0.05
    assert (
        rows[f"{label} scatter at equal Mℓ"].ours < rows[f"{label} scatter at equal Mℓ²/D"].ours / 2
    )


@pytest.mark.parametrize(("label", "name"), [("Theorem 3.1", "δ_k"), ("Corollary 3.2", "δ_2k")])
def test_the_repaired_theorem_holds_and_is_within_a_factor_of_ten(rows, label, name):
    assert 1 < rows[f"{label} (ours) guarantee over {name}"].ours < 10
    assert rows[f"{label} (ours) layers over the guarantee"].ours == 0


def test_every_row_answers_a_claim(rows):
    claims = EXPERIMENTS["theorem31"].claims
    assert all(quantity.startswith(claims) for quantity in rows)
    assert all(row.spread is not None for row in rows.values())


def test_same_seed_same_numbers():
    first, second = (
        spread_layer(scaling.K, 8, 4, 36, 3, np.random.default_rng(5)).toarray() for _ in range(2)
    )
    assert (first == second).all()
