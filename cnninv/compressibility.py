"""How fast the best approximations of an activation get better: is it sparse, compressible, or neither (§5)?

σ_k(z) = ‖z − M(z, k)‖. A vector is compressible with exponent s if σ_k ≤ G k^(−s) (Baraniuk et al. 2010, §V).
"""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace, to_host
from cnninv.blocks import block_labels
from cnninv.projection import model_support
from cnninv.validation import POSITIVE, real_array, real_number


def model_errors(z: Any, K: int, blocks: Any = None) -> np.ndarray:
    """σ_k(z)/‖z‖ for k = 0, 1, …, all blocks: the errors of the best model-k-sparse approximations.

    Parameters
    ----------
    z : array, shape (K*n,)
        Not zero.
    K : int
    blocks : array of int, optional
        One entry each for the classical k-sparse approximation.

    Returns
    -------
    ndarray, shape (number of blocks + 1,)
        In memory. Its last entry is not 0 where blocks have more than one non-zero.

    Examples
    --------
    >>> model_errors([3.0, 0.0, 0.0, 4.0], K=2)
    array([1. , 0.6, 0. ])
    """
    z = real_array(z, "z", ndim=1)
    xp = array_namespace(z=z, blocks=blocks)
    labels = block_labels(len(z), K, blocks, xp)
    count = len(xp.unique(labels))
    kept = to_host(z[model_support(z, K, count, blocks)]).astype(float)
    energy, total = np.sort(kept**2)[::-1], float((to_host(z).astype(float) ** 2).sum())
    if total == 0:
        raise ValueError("z is zero; expected a code with an entry that is not")
    return np.sqrt(np.clip(1 - np.concatenate([[0.0], np.cumsum(energy)]) / total, 0, None))


def decay_exponent(errors: Any, low: float = 0.01, high: float = 0.1) -> float:
    """s of σ_k ≈ G k^(−s), by a line through log σ_k over log k, for k from `low` to `high` of all blocks.

    Parameters
    ----------
    errors : array, shape (count + 1,)
        From `model_errors`.
    low, high : float
        Parts of the number of blocks.

    Examples
    --------
    >>> k = np.arange(1, 1001)
    >>> errors = np.concatenate([[2.0], k**-0.7])
    >>> round(decay_exponent(errors), 3)
    0.7
    """
    errors = real_array(errors, "errors", ndim=1)
    low, high = real_number(low, "low", POSITIVE, 1), real_number(high, "high", POSITIVE, 1)
    count = len(errors) - 1
    first, last = max(1, int(low * count)), int(high * count)
    if last <= first + 1:
        raise ValueError(
            f"low = {low} and high = {high} of {count} blocks leave k = {first} … {last}; expected 3 or more"
        )
    k = np.unique(np.geomspace(first, last, 30).astype(int))
    values = to_host(errors)[k]
    if (values <= 0).any():
        raise ValueError(f"errors has zeros up to k = {last}; a power law has none")
    return float(-np.polyfit(np.log(k), np.log(values), 1)[0])
