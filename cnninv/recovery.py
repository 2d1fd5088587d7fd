"""A code recovered from an input, one non-zero a pooling region (Gilbert 2017, Algorithm 2)."""

from typing import Any

from cnninv.backend import array_namespace
from cnninv.iht import operator_norm
from cnninv.lasso import check_shapes, lasso
from cnninv.pooling import max_pool, pooling_regions, unpool
from cnninv.statement import states
from cnninv.validation import real_array, real_matrix


@states("Algorithm 2", "a code with one non-zero a region that reconstructs the input")
def recover_code(
    W: Any,
    x: Any,
    lam: Any,
    shape: tuple[int, ...],
    window: int | tuple[int, ...],
    tol: float = 1e-6,
    iterations: int = 10_000,
    norm: float | None = None,
    start: Any = None,
) -> tuple[Any, dict[str, Any]]:
    """Algorithm 2: a code with at most one non-zero per pooling region that reconstructs x as Wᵀz.

        1: z_init = argmin ‖x − Wᵀz‖² + λ‖z‖₁
        2: z_model = upsample(max-pool(z_init), s),  s the switches
        3: z = argmin ‖x − Wᵀz‖² + λ‖z‖₁  with z_i = 0 where z_model is 0

    Line 2 prints s = pool-switch(z), of a z that is not there yet: s comes from z_init here. The largest
    |z| of a region is kept, as the model's projection does.

    Parameters
    ----------
    W, x, lam, tol, iterations, norm
        As in `lasso`.
    shape : tuple of int
        (K, *positions), with K*n entries in all.
    window : int or one per axis
        Size of a pooling region.
    start : array, shape of z, optional
        Where line 1 starts, such as ``z_init`` for a larger λ.

    Returns
    -------
    z : array, shape (K*n,) or (K*n, batch)
    history : dict
        ``init`` and ``final``: what `lasso` tells of lines 1 and 3, the gaps certified in both;
        ``z_init``, ``z_model``.

    Examples
    --------
    >>> import numpy as np
    >>> z, history = recover_code(np.eye(4), [3.0, 2.0, 0.0, 4.0], 2.0, shape=(2, 2), window=2)
    >>> history["z_init"].round(3), z.round(3)
    (array([2., 1., 0., 3.]), array([2., 0., 0., 3.]))
    """
    W, regions = real_matrix(W, "W"), pooling_regions(shape, window)
    if len(regions) != W.shape[0]:
        raise ValueError(f"shape = {shape} has {len(regions)} entries; W has {W.shape[0]} rows")
    check_shapes(W, real_array(x, "x", ndim=(1, 2)))
    norm = operator_norm(W) if norm is None else norm
    options = {"tol": tol, "iterations": iterations, "norm": norm}
    # line 1
    z_init, first = lasso(W, x, lam, start=start, **options)
    # line 2
    z_model = _pooled(z_init, shape, window)
    # line 3
    z, last = lasso(W, x, lam, allowed=z_model != 0, start=z_model, **options)
    return z, {"init": first, "final": last, "z_init": z_init, "z_model": z_model}


def _pooled(z: Any, shape: tuple[int, ...], window: Any) -> Any:
    """upsample(max-pool(z), s) for each column."""
    if z.ndim == 1:
        return unpool(*max_pool(z, shape, window), shape, window)
    return array_namespace(z).stack([_pooled(column, shape, window) for column in z.T], axis=1)
