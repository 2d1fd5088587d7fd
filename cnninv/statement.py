"""What a statement of the paper becomes here: two numbers, and whether the first is at most the second."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

ROUNDING = 1e-9
"""Relative tolerance of `holds`: far above rounding, far below any slack of interest."""


@dataclass(frozen=True)
class Statement:
    """left ≤ right, for one instance of a statement.

    Examples
    --------
    >>> print(Statement("Lemma B.2", "‖W_Ω Wᵀz|Ωᶜ‖ ≤ δ_2k ‖z|Ωᶜ‖", 0.1, 0.25))
    Lemma B.2: ‖W_Ω Wᵀz|Ωᶜ‖ ≤ δ_2k ‖z|Ωᶜ‖: 0.1 ≤ 0.25, slack 0.15, holds
    """

    name: str
    """The paper's own label."""
    formula: str
    left: float
    right: float
    steps: "tuple[Statement, ...]" = ()
    """The inequalities of the proof, in its order, for the same instance."""
    scale: float = 1.0
    """Size of the vectors whose norms are compared: rounding is measured against it."""

    @property
    def slack(self) -> float:
        """right − left."""
        return self.right - self.left

    @property
    def holds(self) -> bool:
        """left ≤ right up to rounding."""
        return bool(self.left <= self.right + ROUNDING * max(self.scale, abs(self.right)))

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "VIOLATED"
        sides = f"{self.left:.4g} ≤ {self.right:.4g}, slack {self.slack:.4g}"
        return f"{self.name}: {self.formula}: {sides}, {verdict}"


@dataclass(frozen=True)
class Entry:
    """A statement, definition or algorithm of the paper, and the function that is it."""

    label: str
    title: str
    function: str
    module: str
    """Last part of the name of the module."""


REGISTRY: list[Entry] = []
F = TypeVar("F", bound=Callable)


def states(label: str, title: str) -> Callable[[F], F]:
    """Decorator: this function is the paper's item `label`. The statement table lists it."""

    def register(function: F) -> F:
        module = function.__module__.rpartition(".")[2]
        REGISTRY.append(Entry(label, title, function.__name__, module))
        return function

    return register
