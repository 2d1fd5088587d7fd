"""The factors of Theorem 3.3: as printed, not rounded, and sharper (Gilbert 2017, §3.3, Appendix B)."""

from typing import Any

import numpy as np
from scipy.optimize import brentq

from cnninv.validation import real_number


def reconstruction_bound(delta_k: float, delta_2k: float) -> float:
    """The factor of Theorem 3.3, 5δ_2k/(1−δ_k) · √((1+δ_2k)/(1−δ_2k)); inf iff a constant is ≥ 1.

    Examples
    --------
    >>> round(reconstruction_bound(0.1, 0.1), 3)
    0.614
    """
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    if delta_k >= 1 or delta_2k >= 1:
        return float("inf")
    return float(5 * delta_2k / (1 - delta_k) * np.sqrt((1 + delta_2k) / (1 - delta_2k)))


def reconstruction_bound_unrounded(delta_k: float, delta_2k: float) -> float:
    """The factor that the printed chain gives before it is rounded up to 5δ_2k/(1−δ_k) (Lemma B.4)."""
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    if delta_k >= 1 or delta_2k >= 1:
        return float("inf")
    # ((1+δ_2k)·2δ_2k/(1−δ_k) + δ_k) √((1+δ_2k)/(1−δ_2k))
    return float(estimation_factor(delta_k, delta_2k) * np.sqrt((1 + delta_2k) / (1 - delta_2k)))


def reconstruction_bound_sharp(delta_k: float, delta_2k: float) -> float:
    """The factor of our sharper bound, 2δ_2k √((1+δ_2k)/(1−δ_k)); inf iff δ_k ≥ 1."""
    delta_k, delta_2k = checked_delta(delta_k, "delta_k"), checked_delta(delta_2k, "delta_2k")
    if delta_k >= 1:
        return float("inf")
    return float(2 * delta_2k * np.sqrt((1 + delta_2k) / (1 - delta_k)))


def largest_useful_delta(bound: Any) -> float:
    """The δ = δ_k = δ_2k up to which a bound is below 1, that is, says more than x̂ = 0 does.

    Examples
    --------
    >>> round(largest_useful_delta(reconstruction_bound), 3)
    0.147
    """
    if not callable(bound):
        raise TypeError(f"bound = {bound!r} must be a callable of delta_k and delta_2k")
    if not bound(0.0, 0.0) < 1:
        raise ValueError(f"bound(0, 0) = {bound(0.0, 0.0)} must be below 1")
    if not bound(0.9, 0.9) >= 1:
        raise ValueError(f"bound(0.9, 0.9) = {bound(0.9, 0.9)} must be at least 1")
    return float(brentq(lambda delta: bound(delta, delta) - 1, 0.0, 0.9))


def estimation_factor(delta_k: float, delta_2k: float) -> float:
    """(1+δ_2k)·2δ_2k/(1−δ_k) + δ_k, what the proof of Lemma B.4 gives before rounding up."""
    if delta_k >= 1:
        return float("inf")
    return (1 + delta_2k) * 2 * delta_2k / (1 - delta_k) + delta_k


def checked_delta(value: float, name: str) -> float:
    """A model-RIP constant: a finite number, at least 0."""
    return real_number(value, name, low=0)
