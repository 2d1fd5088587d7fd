"""One run of the layer: what the lemmas and theorems speak of (Gilbert 2017, §3.3, Appendix B)."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.model import in_model
from cnninv.projection import model_support
from cnninv.statement import Statement
from cnninv.validation import real_array, real_matrix


@dataclass(frozen=True)
class Instance:
    """One run of the layer: z, x = Wᵀz, h = Wx, ẑ = M(h, k), and the supports Π and Ω."""

    W: Any
    z: Any
    x: Any
    h: Any
    z_hat: Any
    pi: Any
    omega: Any
    norm: float
    """‖z‖"""

    def synthesize(self, code: Any) -> Any:
        """Wᵀ code."""
        return self.W.T @ code

    def hidden(self, code: Any, places: Any) -> Any:
        """W_places Wᵀ code."""
        return (self.W @ self.synthesize(code))[places]

    @cached_property
    def code_error(self) -> float:
        """‖z − ẑ‖."""
        return norm(self.z - self.z_hat)

    @cached_property
    def error(self) -> float:
        """‖x̂ − x‖, x̂ = Wᵀẑ."""
        return norm(self.synthesize(self.z_hat) - self.x)

    def claim(
        self,
        name: str,
        formula: str,
        left: float,
        right: float,
        steps: tuple[Statement, ...] = (),
    ) -> Statement:
        """left ≤ right, rounding measured against ‖z‖."""
        return Statement(name, formula, left, right, steps, scale=self.norm)

    def from_code_to_input(
        self, delta_2k: float, delta: float, symbol: str
    ) -> tuple[Statement, Statement]:
        """The last two steps of Theorem 3.3: ‖x̂−x‖ ≤ √(1+δ_2k) ‖z−ẑ‖, and √(1−δ) ‖z‖ ≤ ‖x‖."""
        wide, narrow = np.sqrt(1 + delta_2k), np.sqrt(max(0.0, 1 - delta))
        return (
            self.claim(
                "model-RIP on M_k²",
                "‖x̂−x‖ ≤ √(1+δ_2k) ‖z−ẑ‖",
                self.error,
                wide * self.code_error,
            ),
            self.claim("model-RIP", f"√(1−{symbol}) ‖z‖ ≤ ‖x‖", narrow * self.norm, norm(self.x)),
        )


def restrict(z: Any, places: Any) -> Any:
    """z|_places: z there, zero elsewhere, of the same length."""
    restricted = np.zeros_like(z)
    restricted[places] = z[places]
    return restricted


def layer_instance(W: Any, z: Any, K: int, k: int, blocks: Any = None) -> Instance:
    """Push z through the layer: x = Wᵀz, h = Wx, ẑ = M(h, k).

    Raises
    ------
    ValueError
        If z does not fit W or is not model-k-sparse.
    """
    W = real_matrix(W, "W")
    array_namespace(W=W, z=z, blocks=blocks)
    z = code_in_model(z, "z", W, K, k, blocks)
    x = W.T @ z
    h = W @ x
    omega = model_support(h, K, k, blocks)
    return Instance(W, z, x, h, restrict(h, omega), np.flatnonzero(z), omega, norm(z))


def code_in_model(code: Any, name: str, W: Any, K: int, k: int, blocks: Any) -> Any:
    """`code`, once it is one for W and in M_k."""
    code = fitting(code, name, W, axis=0)
    if not in_model(code, K, k, blocks=blocks):
        raise ValueError(f"{name} is not in M_k for K = {K}, k = {k}; sample_code draws such codes")
    return code


def fitting(vector: Any, name: str, W: Any, axis: int) -> Any:
    """`vector`, once it is a code for W, shape (K*n,), axis 0 of W; or an input, shape (M*D,), axis 1.

    Raises
    ------
    ValueError
        If it has another number of entries.
    """
    vector, size = real_array(vector, name, ndim=1), W.shape[axis]
    if len(vector) != size:
        raise ValueError(f"{name} has {len(vector)} entries; W of shape {W.shape} expects {size}")
    return vector


def norm(v: Any) -> float:
    """‖v‖, as a Python float wherever v is."""
    return float(np.linalg.norm(v))


def times(factor: float, size: float) -> float:
    """factor · size, 0 of a size 0 even where the factor is infinite."""
    return factor * size if size else 0.0
