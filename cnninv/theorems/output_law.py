"""The law of y = Wᵀz for one code z and random filters: its covariance, ‖y‖², and Lemma A.1.

For fixed z and Gaussian filters, y is a Gaussian vector. Everything follows from its covariance Σ, the same for
each channel (Gilbert 2017, Appendix A).
"""

from math import prod
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, to_host
from cnninv.conv import conv_matrix
from cnninv.filters import random_filters
from cnninv.statement import Statement, states
from cnninv.validation import filter_size, generator, real_array, whole_number


def output_covariance(
    z: Any, K: int, size: Any, input_shape: Any, stride: Any = 1, padding: Any = 0
) -> np.ndarray:
    """Covariance of one channel of y = Wᵀz over random filters, times M.

    Σ = (1/(Mℓ)) Σ_b A_b A_bᵀ with A_b the D × ℓ matrix that turns filter b into its part of y. The channels
    are independent and alike, so Σ of all of y is M such blocks.

    Parameters
    ----------
    z : array, shape (K*n,)
    K : int
    size : int or (int, int)
        l, or (l1, l2).
    input_shape, stride, padding
        As in `conv_matrix`.

    Returns
    -------
    ndarray, shape (D, D)
        Σ_b A_b A_bᵀ/ℓ: divide by M for the covariance. Its trace is ‖z‖² when no tap is cut off.
    """
    z = real_array(z, "z", ndim=1)
    K = whole_number(K, "K", low=1)
    size = filter_size(size)
    taps = prod(size)
    # row τ·n + j of E selects the position that tap τ covers at shift j
    unit = array_namespace(z).eye(taps).reshape(taps, 1, *size)
    E = conv_matrix(unit, input_shape, stride, padding)
    n = E.shape[0] // taps
    if len(z) != K * n:
        raise ValueError(f"z has {len(z)} entries; expected K*n = {K}*{n}")
    by_tap = E.toarray().reshape(taps, n, -1)
    A = np.einsum("tjp,bj->bpt", by_tap, z.reshape(K, n))
    return np.einsum("bpt,bqt->pq", A, A) / taps


def squared_ratios(
    z: Any,
    K: int,
    M: int,
    size: Any,
    input_shape: Any,
    rng: np.random.Generator,
    trials: int = 1000,
    stride: Any = 1,
    padding: Any = 0,
) -> np.ndarray:
    """‖Wᵀz‖²/‖z‖² for fixed z over random W, shape (trials,).

    Drawn from the law of y = Wᵀz, a Gaussian vector with the covariance `output_covariance`, so that
    no W need be built: ‖y‖² = Σ_p λ_p χ²_M with λ the eigenvalues.
    """
    M, trials = whole_number(M, "M", low=1), whole_number(trials, "trials", low=1)
    z = real_array(z, "z", ndim=1)
    if not z.any():
        raise ValueError("z is zero; the ratio ‖Wᵀz‖²/‖z‖² needs a non-zero code")
    covariance = output_covariance(z, K, size, input_shape, stride, padding) / M
    values = np.clip(to_host(np.linalg.eigvalsh(covariance)), 0, None)
    return generator(rng).chisquare(M, (trials, len(values))) @ values / float(z @ z)


@states("Lemma A.1", "E‖Wᵀz‖² = ‖z‖²")
def lemma_a1(
    z: Any,
    K: int,
    M: int,
    size: Any,
    input_shape: Any,
    rng: np.random.Generator,
    trials: int = 200,
    stride: Any = 1,
    padding: Any = 0,
) -> Statement:
    """Lemma A.1: E‖Wᵀz‖² = ‖z‖² for random filters, tested on drawn W.

    It needs E‖row‖² = 1 (the paper's proof has the norm not squared) and no tap cut off: with zero padding
    the expectation is smaller, trace(`output_covariance`).

    Returns
    -------
    Statement
        |mean over the trials − ‖z‖²| ≤ 4 standard errors.
    """
    z, trials = real_array(z, "z", ndim=1), whole_number(trials, "trials", low=2)
    energies = np.empty(trials)
    for trial in range(trials):
        filters = array_namespace(z).asarray(random_filters(K, M, size, rng))
        W = conv_matrix(filters, input_shape, stride, padding)
        energies[trial] = float(np.sum((W.T @ z) ** 2))
    error = energies.std(ddof=1) / np.sqrt(trials)
    return Statement(
        "Lemma A.1",
        "|mean ‖Wᵀz‖² − ‖z‖²| ≤ 4 s.e.",
        float(abs(energies.mean() - float(z @ z))),
        float(4 * error),
    )
