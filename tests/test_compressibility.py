"""Approximation errors against the projection itself, and exponents of laws that are known."""

import numpy as np
import pytest

from cnninv import model_project, pooling_regions
from cnninv.compressibility import decay_exponent, model_errors


@pytest.mark.parametrize("regions", [False, True])
def test_model_errors_are_those_of_the_projection(regions, rng):
    z = rng.standard_normal(3 * 16) * rng.random(48) ** 4
    blocks = pooling_regions((3, 4, 4), 2) if regions else None
    count = 12 if regions else 3
    errors = model_errors(z, 3, blocks)
    assert len(errors) == count + 1
    for k in range(count + 1):
        left = np.linalg.norm(z - model_project(z, 3, k, blocks)) / np.linalg.norm(z)
        assert errors[k] == pytest.approx(left, abs=1e-9)


@pytest.mark.parametrize("s", [0.2, 0.5, 1.5])
def test_decay_exponent_of_a_power_law(s, rng):
    # entries i^(−s−1/2) have σ_k near k^(−s)/√(2s)
    z = np.arange(1, 200_001) ** (-s - 0.5)
    errors = model_errors(rng.permutation(z), len(z))
    assert decay_exponent(errors, 0.0005, 0.005) == pytest.approx(s, abs=0.15 if s < 0.5 else 0.05)


def test_compressibility_bad_input():
    with pytest.raises(ValueError, match="z is zero"):
        model_errors(np.zeros(4), 2)
    with pytest.raises(ValueError, match="of 4 blocks leave k = 1 … 0; expected 3 or more"):
        decay_exponent(np.ones(5))
    with pytest.raises(ValueError, match="errors has zeros up to k = 10"):
        decay_exponent(np.zeros(101))
