"""Stochastic gradient descent with Nesterov's momentum and weight decay, and the learning rate of one cycle."""

import math
from typing import Any

DECAYED = ("filters", "weights")
"""Parameters that weight decay pulls to zero; scales and biases are left alone."""


class Nesterov:
    """v ← μ v + g,  p ← p − η (g + μ v).

    Parameters
    ----------
    parameters : dict of arrays
        Changed in place.
    momentum : float
        μ.
    decay : float
        Added to g, times p, for filters and weights.
    """

    def __init__(self, parameters: dict[str, Any], momentum: float, decay: float) -> None:
        self.parameters, self.momentum, self.decay = parameters, momentum, decay
        self.velocity = {name: value * 0 for name, value in parameters.items()}

    @property
    def state(self) -> dict[str, Any]:
        """All that the next step depends on, beside the parameters; by reference."""
        return {f"momentum.{name}": value for name, value in self.velocity.items()}

    def step(self, gradients: dict[str, Any], rate: float) -> None:
        """One step with learning rate η = `rate`."""
        for name, p in self.parameters.items():
            g, v = gradients[name], self.velocity[name]
            if name.rpartition(".")[2] in DECAYED:
                g = g + p.dtype.type(self.decay) * p
            v *= p.dtype.type(self.momentum)
            v += g
            p -= p.dtype.type(rate) * (g + p.dtype.type(self.momentum) * v)


def one_cycle(step: int, steps: int, highest: float, warm: float = 0.25) -> float:
    """The learning rate at a step: up in a line over the first part, then down to zero along a cosine.

    Examples
    --------
    >>> [round(one_cycle(step, 100, 1.0), 3) for step in (0, 12, 24, 61, 99)]
    [0.04, 0.52, 1.0, 0.51, 0.0]
    """
    rising = max(1, round(warm * steps))
    if step < rising:
        return highest * (step + 1) / rising
    done = (step + 1 - rising) / (steps - rising)
    return highest * 0.5 * (1 + math.cos(math.pi * done))
