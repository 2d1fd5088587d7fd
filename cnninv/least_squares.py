"""Least squares by conjugate gradients: where iterating with a known support ends, sooner (§2.3, footnote 4).

With the support known Algorithm 1 has nothing left to project. It is then Landweber's iteration, x ← x + τ
Aᵀ(b − Ax), and conjugate gradients minimise the same ‖b − Ax‖ over the same vectors.
"""

from typing import Any

from cnninv.backend import array_namespace
from cnninv.validation import real_array, real_matrix, real_number, whole_number


def cgls(A: Any, b: Any, iterations: int, tol: float = 0.0) -> tuple[Any, dict[str, Any]]:
    """The x nearest to 0 with ‖b − Ax‖ least, by conjugate gradients on AᵀA x = Aᵀb from x = 0.

    Each iteration applies A and Aᵀ once. ‖x‖ grows and ‖b − Ax‖ falls with every iteration, and so does the
    distance to any solution of Ax = b: ‖x − x*‖² = ‖x*‖² − ‖x‖² − … for consistent b (Hestenes and Stiefel
    1952).

    Parameters
    ----------
    A : array, sparse array or operator with `@` and `.T`, shape (p, q)
    b : array, shape (p,)
    iterations : int
        At most so many.
    tol : float
        Stop when ‖Aᵀ(b − Ax)‖ ≤ tol · ‖Aᵀb‖.

    Returns
    -------
    x : array, shape (q,)
    history : dict
        ``residual``: ‖b − Ax_i‖/‖b‖ for i = 0, 1, …; ``size``: ‖x_i‖.

    Source: Björck 1996, *Numerical Methods for Least Squares Problems*, §7.4.

    Examples
    --------
    >>> import numpy as np
    >>> x, history = cgls(np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]), np.array([2.0, 4.0]), 5)
    >>> x.round(6), len(history["residual"])
    (array([1., 1., 2.]), 3)
    """
    A, b = real_matrix(A, "A"), real_array(b, "b", ndim=1)
    iterations, tol = whole_number(iterations, "iterations", low=0), real_number(tol, "tol", low=0)
    if A.shape[0] != len(b):
        raise ValueError(f"A has shape {A.shape} and b {b.shape}; expected A.shape[0] == len(b)")
    xp = array_namespace(A=A, b=b)
    x = xp.zeros(A.shape[1], b.dtype)
    r = b  # r = b − Ax
    s = A.T @ r  # the gradient
    direction, squared = s, float(s @ s)
    least, whole = tol**2 * squared, float(xp.linalg.norm(b)) or 1.0
    rounding = (float(xp.finfo(b.dtype).eps) * 4) ** 2 * squared
    residuals, sizes = [float(xp.linalg.norm(r)) / whole], [0.0]
    for _ in range(iterations):
        if squared <= max(least, rounding):
            break
        q = A @ direction
        step = squared / float(q @ q)
        x, r = x + step * direction, r - step * q
        s = A.T @ r
        before, squared = squared, float(s @ s)
        direction = s + squared / before * direction
        residuals.append(float(xp.linalg.norm(r)) / whole)
        sizes.append(float(xp.linalg.norm(x)))
    return x, {"residual": residuals, "size": sizes}
