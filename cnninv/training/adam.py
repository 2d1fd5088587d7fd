"""Adam: steps in units of the gradient's own running size (Kingma and Ba 2015)."""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace


class Adam:
    """m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  p ← p − η m̂/(√v̂ + ε).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) at step t: means of g and g² that do not remember their zero start.

    Parameters
    ----------
    parameters : dict of arrays
        Changed in place.
    beta1, beta2, eps : float

    Examples
    --------
    >>> p = {"p": np.array([1.0, 1.0])}
    >>> Adam(p).step({"p": np.array([0.001, -100.0])}, rate=0.1)
    >>> p["p"].round(3)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        parameters: dict[str, Any],
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        self.parameters, self.beta1, self.beta2, self.eps = parameters, beta1, beta2, eps
        self.first = {name: value * 0 for name, value in parameters.items()}
        self.second = {name: value * 0 for name, value in parameters.items()}
        self.steps = np.zeros(())

    @property
    def state(self) -> dict[str, Any]:
        """All that the next step depends on, beside the parameters; by reference."""
        first = {f"first.{name}": value for name, value in self.first.items()}
        second = {f"second.{name}": value for name, value in self.second.items()}
        return first | second | {"steps": self.steps}

    def step(self, gradients: dict[str, Any], rate: float) -> None:
        """One step with learning rate η = `rate`."""
        self.steps += 1
        t = float(self.steps)
        for name, p in self.parameters.items():
            g, m, v, xp = gradients[name], self.first[name], self.second[name], array_namespace(p)
            number = p.dtype.type
            m += number(1 - self.beta1) * (g - m)
            v += number(1 - self.beta2) * (g * g - v)
            size = xp.sqrt(v / number(1 - self.beta2**t)) + number(self.eps)
            p -= number(rate / (1 - self.beta1**t)) * m / size
