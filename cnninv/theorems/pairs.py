"""Proposition 1: positive and negative pairs of filters (Gilbert 2017, §3.1)."""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.crelu import psi_matrix, relu
from cnninv.rip import gram
from cnninv.statement import Statement, states
from cnninv.theorems.instance import fitting, norm
from cnninv.validation import real_matrix


@states("Proposition 1", "positive and negative pairs reconstruct perfectly")
def proposition_1(W: Any, x: Any) -> Statement:
    """Proposition 1: Ψ ReLU(Ψᵀx) = x if W is orthonormal, Ψ = [Wᵀ −Wᵀ].

    Stated for any W, so that the reader sees what orthonormality is for:

        ‖Ψ ReLU(Ψᵀx) − x‖ ≤ ‖WᵀW − I‖ ‖x‖

    because Ψ ReLU(Ψᵀx) = WᵀWx always. The right side vanishes exactly for orthonormal W and for Parseval
    frames, WᵀW = I: the proposition does not need Kn = MD.

    Parameters
    ----------
    W : array or sparse array, shape (K*n, M*D)
    x : array, shape (M*D,)

    Returns
    -------
    Statement

    Examples
    --------
    >>> from cnninv.conv import conv_matrix
    >>> from cnninv.filterbanks import dct_filters
    >>> W = conv_matrix(dct_filters(4), 12, stride=4)
    >>> bool(proposition_1(W, np.arange(12.0)).left < 1e-14)
    True
    """
    W = real_matrix(W, "W", explicit=True)
    array_namespace(W=W, x=x)
    x = fitting(x, "x", W, axis=1)
    Psi = psi_matrix(W)
    x_hat = Psi @ relu(Psi.T @ x)  # Ψ ReLU(Ψᵀx)
    return Statement(
        "Proposition 1",
        "‖Ψ ReLU(Ψᵀx) − x‖ ≤ ‖WᵀW − I‖ ‖x‖",
        norm(x_hat - x),
        _defect(W) * norm(x),
        scale=norm(x),
    )


def _defect(W: Any) -> float:
    """‖WᵀW − I‖, from the smaller of WᵀW and W Wᵀ: they share their non-zero eigenvalues."""
    wide = W.shape[0] < W.shape[1]
    G = gram(W if wide else W.T)
    defect = float(abs(np.linalg.eigvalsh(G - array_namespace(G).eye(len(G)))).max())
    return max(defect, 1.0) if wide else defect  # W has a null space if it is wide
