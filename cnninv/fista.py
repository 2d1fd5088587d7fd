"""FISTA on the columns of F(z) = ‖x − Wᵀz‖² + λ‖z‖₁, one iteration at a time (Gilbert 2017, Algorithm 2).

Its dual and its sources are those of `cnninv.lasso.lasso`.
"""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.validation import POSITIVE

SAFETY = 1.01
"""`operator_norm` errs downwards by a few times 1e-5; the step is made for a norm one per cent larger."""
STEP, SHORTER = 1.3, 0.96
"""Steps of 1.3/L, and what they are multiplied by, down to 1/L, where a move is longer than the first."""


class Fista:
    """The columns still running: z, its extrapolation y, and what Wᵀ makes of both."""

    def __init__(self, W: Any, x: Any, lam: Any, allowed: Any, z: Any, norm: float) -> None:
        xp = self.xp = array_namespace(x)
        self.W, self.x, self.lam, self.allowed = W, x, xp.asarray(lam), allowed
        self.z = z if allowed is None else z * allowed
        self.fit = W.T @ self.z  # Wᵀz
        self.y, self.r = self.z, x - self.fit  # r = x − Wᵀy
        columns = x.shape[1]
        # the gradient −2W(x − Wᵀz) has the Lipschitz constant L = 2‖W‖²
        self.L = xp.full(columns, 2 * (SAFETY * norm) ** 2 or 1.0)
        self.longer, self.first = xp.full(columns, STEP), xp.full(columns, np.inf)
        self.restarts = xp.zeros(columns, int)
        self.dual, self.energy = xp.full(columns, -np.inf), dot(x, x)
        self.objective = self._objective(self.z, self.fit)

    def correlate(self) -> Any:
        """W(x − Wᵀy), on the entries allowed."""
        c = self.W @ self.r
        return c if self.allowed is None else c * self.allowed

    def gap(self, c: Any) -> Any:
        """F(z) − G(θ) for the best θ so far; the newest is the residual, scaled until it is feasible."""
        xp, peak = self.xp, abs(c).max(axis=0).astype(float)
        rx, rr = dot(self.r, self.x), dot(self.r, self.r)
        # θ = s r: G is largest at s = rᵀx/‖r‖²; feasible is |s| ≤ λ/(2‖W r‖_∞)
        with np.errstate(over="ignore"):  # where W r is 0, any s is feasible
            most = self.lam / xp.maximum(2 * peak, POSITIVE)
        s = xp.clip(rx / xp.maximum(rr, POSITIVE), -most, most)
        self.dual = xp.maximum(self.dual, 2 * s * rx - s**2 * rr)
        return xp.maximum(self.objective - self.dual, 0)

    def step(self, c: Any) -> None:
        """One iteration from c = W(x − Wᵀy)."""
        xp, dtype = self.xp, self.x.dtype
        # z₊ ← soft(y + 2γ W(x − Wᵀy), λγ), the step γ between 1/L and 1.3/L
        forward = self.y + (2 * self.longer / self.L).astype(dtype) * c
        threshold = (self.lam * self.longer / self.L).astype(dtype)
        z = forward - xp.clip(forward, -threshold, threshold)
        fit = self.W.T @ z
        # L is too small where 2‖Wᵀ(z₊ − y)‖² > L‖z₊ − y‖², but for rounding
        move, seen = z - self.y, fit - (self.x - self.r)
        rounding = 32 * np.finfo(dtype).eps * xp.sqrt(self.energy + dot(fit, fit))
        long = xp.sqrt(2 * dot(seen, seen)) > xp.sqrt(self.L * dot(move, move)) + rounding
        if bool(long.any()):
            self.L = xp.where(long, 2 * self.L, self.L)
            z, fit = xp.where(long, self.z, z), xp.where(long, self.fit, fit)
        # restart where momentum and step disagree: (y − z₊)ᵀ(z₊ − z) > 0
        gain = z - self.z
        restart = long | (dot(move, gain) < 0)
        beta = xp.where(restart, 0, 1).astype(dtype)
        self.r = self.x - fit - beta * (fit - self.fit)  # y ← z₊ + β(z₊ − z)
        self.y, self.z, self.fit = z + beta * gain, z, fit
        # safeguard: no move may be longer than the first
        length = dot(gain, gain)
        self.first = xp.where(xp.isinf(self.first) & ~long, length, self.first)
        shorter = xp.maximum(SHORTER * self.longer, 1)
        self.longer = xp.where(length > self.first, shorter, self.longer)
        self.restarts = self.restarts + restart
        self.objective = self._objective(z, fit)

    def keep(self, going: Any) -> None:
        """Go on with some columns only."""
        for name in ("x", "z", "y", "r", "fit", "allowed"):
            value = getattr(self, name)
            if value is not None and (name != "allowed" or value.shape[1] > 1):
                setattr(self, name, value[:, going])
        for name in ("lam", "L", "longer", "first", "restarts", "dual", "energy", "objective"):
            setattr(self, name, getattr(self, name)[going])

    def _objective(self, z: Any, fit: Any) -> Any:
        d = self.x - fit
        return dot(d, d) + self.lam * abs(z).sum(axis=0, dtype=float)


def dot(a: Any, b: Any) -> Any:
    """aᵀb for each column, summed in float64."""
    return array_namespace(a).einsum("ij,ij->j", a, b, dtype=float)
