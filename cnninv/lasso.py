"""ℓ1-regularised least squares for Wᵀ (Gilbert 2017, Algorithm 2, lines 1 and 3).

The problem is the paper's, squared and without the usual ½:

    F(z) = ‖x − Wᵀz‖² + λ‖z‖₁.

Its dual maximises G(θ) = 2θᵀx − ‖θ‖² = ‖x‖² − ‖x − θ‖² over 2‖Wθ‖_∞ ≤ λ: minimise ‖r‖² + λ‖z‖₁ under
r = x − Wᵀz with multipliers 2θ, over r first (r = θ), then over z (bounded below only if |2Wθ| ≤ λ in each
entry). So F(z) − G(θ) bounds how far F(z) is from the minimum, for any feasible θ.
"""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.fista import Fista, dot
from cnninv.iht import operator_norm
from cnninv.validation import POSITIVE, real_array, real_matrix, real_number, whole_number


def lasso(
    W: Any,
    x: Any,
    lam: Any,
    allowed: Any = None,
    start: Any = None,
    tol: float = 1e-6,
    iterations: int = 10_000,
    norm: float | None = None,
) -> tuple[Any, dict[str, Any]]:
    """z = argmin ‖x − Wᵀz‖² + λ‖z‖₁ by FISTA with restarts, stopped by the duality gap.

    Parameters
    ----------
    W : array, sparse array or operator with `@` and `.T`, shape (K*n, M*D)
    x : array, shape (M*D,) or (M*D, batch)
        Columns are solved side by side, each with its own momentum, restarts and stop.
    lam : float, or one per column
        λ > 0. From `lambda_max` on, z = 0 is optimal.
    allowed : boolean array, shape (K*n,) or (K*n, batch), optional
        z is 0 elsewhere (Algorithm 2, line 3); the gap is then that of the restricted problem.
    start : array, shape of z, optional
        Where to start; 0 if not given.
    tol : float
        Stop a column when its gap is at most tol · ‖x‖².
    iterations : int
        At most so many; each applies W and Wᵀ once.
    norm : float, optional
        ‖W‖, if known: saves computing it.

    Returns
    -------
    z : array, shape (K*n,) or (K*n, batch)
    history : dict
        ``gap``: F(z_i) − G(θ) ≥ F(z_i) − min F for i = 0, 1, …, the θ the best so far, per column if
        there is a batch (a column that has stopped keeps its value); ``objective``: F(z), ``iterations``
        and ``restarts`` per column; ``stopped``: "gap", or "iterations" if some column has not reached
        `tol`.

    In float32 the gap itself is known to about 1e-6 · ‖x‖²; a smaller `tol` may never be met.

    The momentum is not FISTA's growing (t − 1)/t₊ but all of the last move, until the step and the
    momentum disagree: then it starts anew. This took 0.6 times the iterations to a gap of 1e-3 for VGG-16's
    conv(3,2).

    Sources: Beck and Teboulle 2009 (FISTA); O'Donoghue and Candès 2015 (restart where the step and the
    momentum disagree); Liang, Luo and Schönlieb 2022 ("greedy FISTA": the momentum, longer steps, and
    their safeguard).

    Examples
    --------
    >>> z, history = lasso(np.eye(2), [3.0, 0.5], lam=2.0, tol=1e-9)
    >>> z.round(3), history["stopped"]
    (array([2., 0.]), 'gap')
    """
    W, x = real_matrix(W, "W"), real_array(x, "x", ndim=(1, 2))
    xp = array_namespace(W=W, x=x, lam=lam, allowed=allowed, start=start)
    lam, tol = xp.asarray(_penalty(lam, x)), real_number(tol, "tol", low=0)
    iterations = whole_number(iterations, "iterations", low=0)
    check_shapes(W, x)
    shape = (W.shape[0], *x.shape[1:])
    dtype = np.result_type(getattr(W, "dtype", None) or x.dtype, x.dtype)
    norm = operator_norm(W) if norm is None else real_number(norm, "norm", low=0)
    z = xp.zeros(shape, dtype)
    if start is not None:
        z = xp.asarray(_like_code(start, "start", shape, dtype))
    if allowed is not None:
        allowed = xp.asarray(_like_code(allowed, "allowed", shape, None)).reshape(len(z), -1)
    columns = x.astype(dtype, copy=False).reshape(len(x), -1)
    run = Fista(W, columns, lam, allowed, z.reshape(len(z), -1), norm)

    z, left = xp.array(run.z), xp.arange(columns.shape[1])
    gap, objective = xp.zeros(len(left)), xp.zeros(len(left))
    count, restarts, gaps = xp.zeros(len(left), int), xp.zeros(len(left), int), []
    target = tol * dot(columns, columns)
    for iteration in range(iterations + 1):
        c = run.correlate()
        objective[left], gap[left], restarts[left] = run.objective, run.gap(c), run.restarts
        count[left] = iteration
        gaps.append(gap.copy())
        going = gap[left] > target[left]
        if iteration == iterations or not bool(going.all()):
            z[:, left] = run.z
            left = left[going]
            if iteration == iterations or not len(left):
                break
            run.keep(going)
            c = c[:, going]
        run.step(c)
    per_column = {"objective": objective, "iterations": count, "restarts": restarts}
    history = {"gap": xp.stack(gaps).reshape(len(gaps), *x.shape[1:])}
    history |= {name: values.reshape(x.shape[1:])[()] for name, values in per_column.items()}
    return z.reshape(shape), history | {"stopped": "iterations" if len(left) else "gap"}


def lambda_max(W: Any, x: Any) -> Any:
    """The least λ for which z = 0 is optimal, 2‖Wx‖_∞; one per column if there is a batch.

    Examples
    --------
    >>> lambda_max(np.eye(2), [3.0, 0.5])
    6.0
    """
    W, x = real_matrix(W, "W"), real_array(x, "x", ndim=(1, 2))
    check_shapes(W, x)
    most = (2 * abs(W @ x).max(axis=0)).astype(float)
    return most if x.ndim == 2 else float(most)


def lasso_path(
    W: Any,
    x: Any,
    fractions: Any,
    tol: float = 1e-6,
    iterations: int = 10_000,
    norm: float | None = None,
) -> list[tuple[Any, Any, dict[str, Any]]]:
    """`lasso` for each λ = fraction · `lambda_max`, started from the code before.

    Parameters
    ----------
    W, x, tol, iterations, norm
        As in `lasso`.
    fractions : sequence of float
        In the order wanted; from large to small, each start is near the next minimum.

    Returns
    -------
    list of (lam, z, history)
        λ (per column if there is a batch), and what `lasso` returns.

    Examples
    --------
    >>> for lam, z, _ in lasso_path(np.eye(2), [3.0, 0.5], [1.0, 0.5], tol=1e-9):
    ...     print(lam, z.round(3))
    6.0 [0. 0.]
    3.0 [1.5 0. ]
    """
    fractions = real_array(fractions, "fractions", ndim=1)
    if not bool((fractions > 0).all()):
        raise ValueError(
            f"fractions has the entry {float(fractions.min())}; expected positive ones"
        )
    W, most, z, path = real_matrix(W, "W"), lambda_max(W, x), None, []
    norm = operator_norm(W) if norm is None else norm
    for fraction in fractions:
        # where x is 0, any λ will do
        lam = np.maximum(float(fraction) * most, POSITIVE)
        z, history = lasso(W, x, lam, None, z, tol, iterations, norm)
        path.append((lam, z, history))
    return path


def check_shapes(W: Any, x: Any) -> None:
    """Refuse an x that does not fit W, or is elsewhere."""
    array_namespace(W=W, x=x)
    if W.shape[1] != x.shape[0]:
        raise ValueError(f"W has shape {W.shape} and x {x.shape}; expected W.shape[1] == len(x)")


def _penalty(lam: Any, x: Any) -> Any:
    """λ as one positive number per column of x."""
    xp, columns = array_namespace(x), x.size // len(x)
    if getattr(lam, "ndim", 0) == 0 and not isinstance(lam, (list, tuple)):
        return xp.full(columns, real_number(lam, "lam", low=POSITIVE))
    lam = real_array(lam, "lam", ndim=1)
    if len(lam) != columns:
        raise ValueError(f"lam has {len(lam)} entries; expected one for each of {columns} columns")
    if not bool((lam > 0).all()):
        raise ValueError(f"lam has the entry {float(lam.min())}; expected positive numbers")
    return lam.astype(float)


def _like_code(value: Any, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """`value` in the shape of the code: floats of that dtype, or booleans if there is none."""
    xp = array_namespace(value)
    array = xp.asarray(value) if dtype is None else real_array(value, name, ndim=len(shape))
    if dtype is None and array.dtype.kind != "b":
        raise TypeError(f"{name} has dtype {array.dtype}; expected booleans")
    if array.shape != shape and not (dtype is None and array.shape == shape[:1]):
        raise ValueError(f"{name} has shape {array.shape}; expected that of the code, {shape}")
    return array if dtype is None else array.astype(dtype)
