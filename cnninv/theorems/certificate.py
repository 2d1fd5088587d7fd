"""What whoever decodes knows of the error, without the input. Ours."""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.statement import states
from cnninv.theorems.instance import norm
from cnninv.validation import real_array, real_matrix, real_number


@states("Certificate (ours)", "whoever decodes knows the error from ‖x‖ alone")
def error_certificate(A: Any, code: Any, y: Any, size: float) -> float:
    """Ours: ‖Aᵀy − x‖ = √(‖x‖² − 2⟨code, y⟩ + ‖Aᵀy‖²) for every x with Ax = code: only ‖x‖ need be known.

    A is any linear encoder: a layer on its switches, or a whole network with switches and ReLU masks held fixed
    (`Linearization`; take its offset from the code). No bound, an equality: ⟨x, Aᵀy⟩ = ⟨Ax, y⟩.

    Parameters
    ----------
    A : array, sparse array or operator, shape (p, q)
    code : array, shape (p,)
        Ax.
    y : array, shape (p,)
        The decoder's input: the code for x̂ = Aᵀ code, or whatever least squares makes of it.
    size : float
        ‖x‖.

    Returns
    -------
    float

    Examples
    --------
    >>> A, x = np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([1.0, 2.0])
    >>> y = np.array([0.5, 1.5])
    >>> bool(np.isclose(error_certificate(A, A @ x, y, np.linalg.norm(x)), np.linalg.norm(A.T @ y - x)))
    True
    """
    A, code, y = real_matrix(A, "A"), real_array(code, "code", ndim=1), real_array(y, "y", ndim=1)
    array_namespace(A=A, code=code, y=y)
    size = real_number(size, "size", low=0)
    for name, value in (("code", code), ("y", y)):
        if len(value) != A.shape[0]:
            raise ValueError(
                f"{name} has {len(value)} entries; A of shape {A.shape} has {A.shape[0]} rows"
            )
    squared = size**2 - 2 * float(code @ y) + norm(A.T @ y) ** 2
    return float(np.sqrt(max(0.0, squared)))
