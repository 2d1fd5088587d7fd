"""Model-based iterative hard thresholding (Gilbert 2017, Algorithm 1; Blumensath and Davies 2009)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from cnninv.backend import array_namespace
from cnninv.statement import states
from cnninv.validation import POSITIVE, real_array, real_matrix, real_number, whole_number


@states("Algorithm 1", "model-based iterative hard thresholding")
def iht(
    Phi: Any,
    x: Any,
    project: Callable[[Any], Any],
    iterations: int,
    step: float | str = 1.0,
    tol: float | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Algorithm 1: ẑ ← M(ẑ + step · Φᵀ(x − Φ ẑ), k), from ẑ = 0.

    With Φ = Wᵀ and step 1, the first iteration is the layer: ẑ = M(W x, k).

    Parameters
    ----------
    Phi : array, sparse array or operator with `@` and `.T`, shape (M*D, K*n)
    x : array, shape (M*D,) or (M*D, batch)
        Measurement, ideally Φ z.
    project : callable
        The structured approximation, for example ``lambda b: model_project(b, K, k)``.
    iterations : int
        At most so many.
    step : float or "norm"
        "norm" is 1/‖Φ‖², with which the residual never grows; a step of 1 may diverge
        when ‖Φ‖² > 2.
    tol : float, optional
        Stop when ‖x − Φ ẑ‖ ≤ tol · ‖x‖ (in every column).

    Returns
    -------
    z_hat : array, shape (K*n,) or (K*n, batch)
    history : dict
        ``residual``: ‖x − Φ ẑ_i‖/‖x‖ for i = 0, 1, …, per column if there is a batch (0 where x = 0);
        ``step``: the number used; ``stopped``: "iterations", "tolerance" or "diverged" (the
        residual overflowed).

    Examples
    --------
    >>> from cnninv.projection import model_project
    >>> Phi = np.array([[1.0, 0.0, 0.0, 0.1], [0.0, 1.0, 1.0, 0.0]])
    >>> x = Phi @ np.array([2.0, 0.0, 0.0, 0.0])
    >>> z_hat, history = iht(Phi, x, lambda b: model_project(b, K=2, k=1), iterations=3)
    >>> z_hat, history["residual"]
    (array([2., 0., 0., 0.]), array([1., 0., 0., 0.]))
    """
    x = real_array(x, "x", ndim=(1, 2))
    Phi = real_matrix(Phi, "Phi")
    if Phi.shape[0] != x.shape[0]:
        raise ValueError(
            f"Phi has shape {Phi.shape} and x {x.shape}; expected Phi.shape[0] == len(x)"
        )
    if not callable(project):
        raise TypeError(
            f"project = {project!r} must be a callable, for example lambda b: model_project(b, K, k)"
        )
    iterations = whole_number(iterations, "iterations", low=0)
    tol = None if tol is None else real_number(tol, "tol", low=0)
    step = _step(Phi, step)
    xp = array_namespace(Phi=Phi, x=x)

    z_hat = xp.zeros((Phi.shape[1], *x.shape[1:]), dtype=x.dtype)
    d = x
    residual, stopped = [_ratio(d, x, xp)], "iterations"
    for iteration in range(iterations + 1):
        if tol is not None and bool((residual[-1] <= tol).all()):
            stopped = "tolerance"
            break
        if iteration == iterations:
            break
        with np.errstate(over="ignore", invalid="ignore"):
            b = z_hat + step * (Phi.T @ d)  # line 4:  b ← ẑ + Φᵀ d
            if not bool(xp.isfinite(b).all()):
                stopped = "diverged"
                break
            z_hat = _projected(project, b)  # line 5:  ẑ ← M(b, k)
            d = x - Phi @ z_hat  # line 6:  d ← x − Φ ẑ
            residual.append(_ratio(d, x, xp))
    return z_hat, {"residual": xp.stack(residual), "step": step, "stopped": stopped}


def operator_norm(Phi: Any, iterations: int = 300, tol: float = 1e-5) -> float:
    """‖Φ‖, the largest singular value, by Lanczos on ΦᵀΦ or ΦΦᵀ from a fixed start.

    Parameters
    ----------
    Phi : array, sparse array or operator with `@` and `.T`
    iterations : int
        At most so many; each applies Φ and Φᵀ once.
    tol : float
        Stop when an iteration raises ‖Φ‖² by less than this fraction.

    Returns
    -------
    float
        The square root of a Rayleigh quotient, so never above ‖Φ‖ but for rounding; below it by a
        few times `tol`, relatively (the top of a convolution's spectrum is crowded).

    Source: Lanczos 1950; Golub and Van Loan, *Matrix Computations*, chapter 10.

    Examples
    --------
    >>> round(operator_norm(np.diag([3.0, 1.0])), 6)
    3.0
    """
    Phi, iterations = real_matrix(Phi, "Phi"), whole_number(iterations, "iterations", low=1)
    tol, dtype = real_number(tol, "tol", low=0), getattr(Phi, "dtype", None)
    dtype = dtype if getattr(dtype, "kind", None) == "f" else np.float64
    xp, wide = array_namespace(Phi), Phi.shape[1] > Phi.shape[0]
    A, size = (Phi.T, Phi.shape[0]) if wide else (Phi, Phi.shape[1])
    # any start that is not orthogonal to the leading vector does; a fixed one gives the same bits
    start = np.random.default_rng(0).standard_normal(size)
    v, previous = xp.asarray(start / np.linalg.norm(start), dtype=dtype), 0
    alphas, betas, squared = [], [], 0.0
    for _ in range(min(iterations, size)):
        # three-term recurrence: β v₊ = AᵀA v − α v − β₋ v₋
        u = A.T @ (A @ v)
        alphas.append(float(v @ u))
        u = u - alphas[-1] * v - previous
        # the largest eigenvalue of the tridiagonal matrix converges first
        ritz = float(scipy.linalg.eigvalsh_tridiagonal(alphas, betas)[-1])
        beta = float(xp.linalg.norm(u))
        if ritz - squared <= tol * ritz or beta <= tol * ritz:
            squared = max(ritz, squared)
            break
        squared = ritz
        betas.append(beta)
        previous, v = beta * v, u / beta
    return float(np.sqrt(squared))


def _step(Phi: Any, step: float | str) -> float:
    if isinstance(step, str):
        if step != "norm":
            raise ValueError(f"step = {step!r} must be a positive number or 'norm'")
        norm = operator_norm(Phi)
        if norm == 0:
            raise ValueError("Phi is zero; step = 'norm' needs a non-zero operator")
        return 1 / norm**2
    return real_number(step, "step", low=POSITIVE)


def _projected(project: Callable[[Any], Any], b: Any) -> Any:
    z_hat = project(b)
    if getattr(z_hat, "shape", None) != b.shape:
        raise ValueError(
            f"project returned {getattr(z_hat, 'shape', type(z_hat).__name__)} for b of shape "
            f"{b.shape}; expected an array of the same shape"
        )
    return z_hat


def _ratio(d: Any, x: Any, xp: Any) -> Any:
    """‖d‖/‖x‖ for each column; 0 where x is zero."""
    norm = xp.linalg.norm(x, axis=0)
    return xp.linalg.norm(d, axis=0) / xp.where(norm == 0, 1, norm)
