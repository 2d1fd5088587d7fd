"""Where a training run is, as a checkpoint holds it: what is learned, momentum, and how far it has come."""

import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cnninv.backend import array_namespace
from cnninv.training.checkpoint import read_checkpoint, write_checkpoint
from cnninv.training.plans import Plan
from cnninv.training.settings import Settings

WHERE, SPENT = ("epoch", "step"), ("seconds",)


class Holder(Protocol):
    """What has arrays that a checkpoint must hold."""

    @property
    def state(self) -> dict[str, Any]:
        """By name, by reference."""


class Run:
    """Where a run is: everything that a checkpoint holds.

    Parameters
    ----------
    trained : Holder
        What is learned, with `history` and `seconds`.
    optimiser : Holder
    facts : dict
        What must agree for a run to be resumed.
    path : Path or None
        Of the checkpoint.
    sums : tuple of str
        What is summed over the steps of an epoch.
    """

    def __init__(
        self,
        trained: Any,
        optimiser: Holder,
        facts: dict[str, Any],
        path: Path | None,
        sums: tuple[str, ...] = ("loss", "right"),
    ) -> None:
        self.trained, self.optimiser, self.facts, self.path = trained, optimiser, facts, path
        self.epoch, self.step = 0, 0
        self.sums: dict[str, float] = dict.fromkeys(sums, 0.0)

    def arrays(self) -> dict[str, Any]:
        """What is learned, fixed and its momentum; by reference."""
        return self.trained.state | self.optimiser.state

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        if self.path is None:
            return
        where = {name: getattr(self, name) for name in WHERE}
        told = {"history": self.trained.history, "seconds": self.trained.seconds}
        write_checkpoint(self.path, self.arrays(), self.facts | where | self.sums | told)

    def load(self) -> None:
        """Go on from the checkpoint.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, it is damaged, or it is of other settings or other images.
        """
        arrays = self.arrays()
        shapes = {name: array.shape for name, array in arrays.items()}
        values, facts = read_checkpoint(self.path, shapes)
        for name, expected in self.facts.items():
            if facts.get(name) != expected:
                raise ValueError(
                    f"{self.path} is of a run with {name} = {facts.get(name)}; this one has {expected}. "
                    f"Resume with the same settings, or choose another folder"
                )
        if not self._sound(facts):
            raise ValueError(f"{self.path} is damaged: it does not say how far the run was")
        for name, array in arrays.items():
            array[...] = array_namespace(array).asarray(values[name])
        for name in WHERE:
            setattr(self, name, facts[name])
        self.sums = {name: facts[name] for name in self.sums}
        self.trained.history, self.trained.seconds = facts["history"], facts["seconds"]

    def _sound(self, facts: dict[str, Any]) -> bool:
        """Whether a checkpoint has all that is needed to go on."""
        history, numbers = facts.get("history"), (*WHERE, *self.sums, *SPENT)
        return (
            all(type(facts.get(name)) in (int, float) and facts[name] >= 0 for name in numbers)
            and all(type(facts[name]) is int for name in WHERE)
            and isinstance(history, list)
            and all(isinstance(entry, dict) for entry in history)
            and len(history) == facts["epoch"]
        )


def facts_of(
    plan: Plan, settings: Settings, images: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """What must agree for a run to be resumed."""
    shapes = {name: list(shape) for name, shape in plan.architecture.shapes.items()}
    whole = {"network": plan.architecture.name, "filters": plan.filters, "shapes": shapes}
    checksum = zlib.crc32(labels.tobytes(), zlib.crc32(np.ascontiguousarray(images)))
    whole |= {"images": len(images)} | asdict(settings)
    return whole | {"checksum of the images": checksum}
