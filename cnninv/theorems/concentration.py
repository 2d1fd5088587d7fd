"""How ‖Wᵀz‖² concentrates for one code z: Theorem A.2, inequality (3), and our tail bound.

The law that they bound is that of `output_law` (Gilbert 2017, Appendix A).
"""

from typing import Any

import numpy as np

from cnninv.statement import states
from cnninv.validation import POSITIVE, real_array, real_number, whole_number


@states("Theorem A.2", "sums of squares of sub-Gaussian variables concentrate")
def theorem_a2(a: Any, t: Any, C: float, T: float = 1.0, as_printed: bool = False) -> np.ndarray:
    """Theorem A.2: the bound 2 exp(−C min(t²/(T⁴‖a‖₂²), t/(T²‖a‖_∞))) of P(|Σ a_i(Y_i² − EY_i²)| ≥ t).

    The paper prints T² and T where homogeneity (Y → cY, t → c²t) wants T⁴ and T².

    Parameters
    ----------
    a : array, shape (p,)
        Weights.
    t : float or array
        Deviations, at least 0.
    C : float
        The constant that the theorem leaves open; `fit_constant` measures it.
    T : float
        max ‖Y_i‖_ψ2.
    as_printed : bool
        With the paper's powers of T.

    Returns
    -------
    ndarray, of the shape of t
        The bound, which may exceed 1.
    """
    return 2 * np.exp(-real_number(C, "C", low=0) * _exponent_a2(a, t, T, as_printed))


@states("Inequality (3)", "the tail of ‖Wᵀz‖² for one code")
def inequality_3(delta: Any, M: int, length: int, D: int, C: float) -> np.ndarray:
    """Inequality (3), ‖w‖_ψ2 absorbed into C: P(|‖y‖²−‖z‖²| > δ‖z‖²) ≤ 2 exp(−C min(δ²Mℓ²/D, δMℓ)).

    Parameters
    ----------
    delta : float or array
    M, length, D : int
        Channels, ℓ, input length.
    C : float
    """
    exponent = exponent_3(delta, M, length, D)
    return 2 * np.exp(-real_number(C, "C", low=0) * exponent)


def exponent_3(delta: Any, M: int, length: int, D: int) -> np.ndarray:
    """min(δ²Mℓ²/D, δMℓ), the exponent of inequality (3) without its constant."""
    delta = _deviations(delta, "delta")
    M, length, D = _sizes(M=M, length=length, D=D)
    return np.minimum(delta**2 * M * length**2 / D, delta * M * length)


def fit_constant(deviations: Any, thresholds: Any, exponent: Any, least: int = 20) -> float:
    """The largest C with P(deviation > t) ≤ 2 exp(−C · exponent(t)) for the measured deviations.

    Parameters
    ----------
    deviations : array
        Draws of the deviation.
    thresholds, exponent : arrays of one shape
        The t at which the tail is read, and the exponent there.
    least : int
        Thresholds that fewer draws exceed are left out: their tail is not measured.

    Returns
    -------
    float
    """
    deviations = np.sort(real_array(deviations, "deviations", ndim=1))
    thresholds = real_array(thresholds, "thresholds", ndim=1)
    exponent, least = real_array(exponent, "exponent", ndim=1), whole_number(least, "least", low=1)
    if exponent.shape != thresholds.shape:
        raise ValueError(
            f"exponent has {len(exponent)} entries; expected one for each of "
            f"{len(thresholds)} thresholds"
        )
    exceed = len(deviations) - np.searchsorted(deviations, thresholds, side="right")
    measured = (exceed >= least) & (exponent > 0)
    if not measured.any():
        raise ValueError(f"no threshold is exceeded by {least} deviations or more")
    tail = exceed[measured] / len(deviations)
    return float(np.min(-np.log(tail / 2) / exponent[measured]))


@states("Tail of ‖Wᵀz‖², repaired (ours)", "inequality (3) in Mℓ, with constants")
def tail_bound(delta: Any, M: int, length: int, sums: int = 1) -> np.ndarray:
    """Ours: P(|‖Wᵀz‖² − ‖z‖²| > δ‖z‖²) ≤ 2e^(−u) with 2√(su) + 2su = δ and s = sums/(Mℓ).

    y = Wᵀz has tr Σ = ‖z‖² and, if no filter carries more than `sums` entries of z, ‖Σ‖ ≤ s‖z‖²: the rest is
    Laurent and Massart 2000, Lemma 1. Needs Gaussian filters and no tap cut off by padding.

    Parameters
    ----------
    delta : float or array
    M, length : int
        Channels, ℓ (all taps of a filter, l1·l2 in 2-D).
    sums : int
        Entries of z that one filter carries at most: 1 on M_k, 2 on M_k². With pooling over smaller
        regions it is the number of regions, and ℓ in its place if that is less.
    """
    delta = _deviations(delta, "delta")
    M, length, sums = _sizes(M=M, length=length, sums=sums)
    s = sums / (M * length)
    root = (np.sqrt(1 + 2 * delta) - 1) / 2  # √(su)
    return 2 * np.exp(-(root**2) / s)


def _exponent_a2(a: Any, t: Any, T: float, as_printed: bool) -> np.ndarray:
    a, t = real_array(a, "a", ndim=1), _deviations(t, "t")
    T = real_number(T, "T", low=POSITIVE)
    if not a.any():
        raise ValueError("a is zero; expected at least one non-zero weight")
    powers = (T**2, T) if as_printed else (T**4, T**2)
    return np.minimum(t**2 / (powers[0] * (a @ a)), t / (powers[1] * np.abs(a).max()))


def _deviations(value: Any, name: str) -> np.ndarray:
    array = real_array(value, name)
    if array.min() < 0:
        raise ValueError(
            f"{name} has the entry {float(array.min())}; expected deviations of at least 0"
        )
    return array


def _sizes(**sizes: Any) -> list[int]:
    return [whole_number(size, name, low=1) for name, size in sizes.items()]
