"""The smoothness prior: symmetric, positive, the spectrum it says; and least squares under it."""

import numpy as np
import pytest

from cnninv.least_squares import cgls
from cnninv.smooth import Chain, Smooth


def explicit(S):
    return np.array([S @ unit for unit in np.eye(S.shape[0])]).T


def test_smooth_is_symmetric_and_positive_definite():
    M = explicit(Smooth((3, 4, 6), 1.0))
    assert np.allclose(M, M.T)
    assert np.linalg.eigvalsh(M).min() > 0


@pytest.mark.parametrize(("f", "power"), [((0, 1), 1.0), ((2, 1), 1.0), ((3, 0), 1.5)])
def test_smooth_weighs_waves_by_their_frequency(f, power):
    rows, columns = np.mgrid[:8, :8] / 8
    wave = np.cos(2 * np.pi * (f[0] * rows + f[1] * columns)).ravel()
    assert Smooth((1, 8, 8), power) @ wave == pytest.approx(np.hypot(*f) ** -power * wave)


def test_smooth_solution_is_the_conditional_mean(rng):
    S, A = Smooth((1, 3, 4)), rng.standard_normal((5, 12))
    M, b = explicit(S), rng.standard_normal(5)
    y, _ = cgls(Chain(A, S), b, 60)
    C = M @ M.T  # covariance
    assert S @ y == pytest.approx(C @ A.T @ np.linalg.solve(A @ C @ A.T, b), abs=1e-7)


def test_chain_is_the_product(rng):
    A, B = rng.standard_normal((3, 4)), rng.standard_normal((4, 5))
    x, y = rng.standard_normal(5), rng.standard_normal(3)
    C = Chain(A, B)
    assert C.shape == (3, 5)
    assert C @ x == pytest.approx(A @ B @ x)
    assert C.T @ y == pytest.approx(y @ A @ B)
    assert C.T.T @ x == pytest.approx(A @ B @ x)


def test_smooth_bad_input():
    with pytest.raises(ValueError, match=r"x has 3 entries; S of \(1, 2, 2\) expects 4"):
        Smooth((1, 2, 2)) @ np.ones(3)
    with pytest.raises(ValueError, match=r"power = -1.0 must be a finite number, at least 0"):
        Smooth((1, 2, 2), -1.0)
    with pytest.raises(ValueError, match=r"A has shape \(2, 2\) and B \(3, 3\)"):
        Chain(np.eye(2), np.eye(3))
