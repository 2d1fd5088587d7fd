"""Where a training run is, as a checkpoint holds it: what is learned, momentum, and how far it has come."""

import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.training.checkpoint import read_checkpoint, write_checkpoint
from cnninv.training.parts import Parts
from cnninv.training.plans import Plan, Settings
from cnninv.training.sgd import Nesterov
from cnninv.training.trained import Trained

WHERE, SPENT = ("epoch", "step", "loss", "right"), ("seconds",)


class Run:
    """Where a run is: everything that a checkpoint holds."""

    def __init__(
        self,
        trained: Trained,
        parts: Parts,
        optimiser: Nesterov,
        facts: dict[str, Any],
        path: Path | None,
    ) -> None:
        self.parts = parts
        self.trained, self.optimiser, self.facts, self.path = trained, optimiser, facts, path
        self.epoch, self.step, self.loss, self.right = 0, 0, 0.0, 0

    def arrays(self) -> dict[str, Any]:
        """What is learned, fixed and its momentum; by reference."""
        momentum = {f"momentum.{name}": v for name, v in self.optimiser.velocity.items()}
        colours = {"mean_RGB": self.trained.mean, "deviation_RGB": self.trained.deviation}
        return self.trained.model.state | momentum | colours

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        if self.path is None:
            return
        where = {name: getattr(self, name) for name in WHERE}
        told = {"history": self.trained.history, "seconds": self.trained.seconds}
        write_checkpoint(self.path, self.arrays(), self.facts | where | told)

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
        if not _sound(facts):
            raise ValueError(f"{self.path} is damaged: it does not say how far the run was")
        for name, array in arrays.items():
            array[...] = array_namespace(array).asarray(values[name])
        for name in WHERE:
            setattr(self, name, facts[name])
        self.trained.history, self.trained.seconds = facts["history"], facts["seconds"]


def facts_of(
    plan: Plan, settings: Settings, images: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """What must agree for a run to be resumed."""
    shapes = {name: list(shape) for name, shape in plan.architecture.shapes.items()}
    whole = {"network": plan.architecture.name, "filters": plan.filters, "shapes": shapes}
    checksum = zlib.crc32(labels.tobytes(), zlib.crc32(np.ascontiguousarray(images)))
    whole |= {"images": len(images)} | asdict(settings)
    return whole | {"checksum of the images": checksum}


def _sound(facts: dict[str, Any]) -> bool:
    """Whether a checkpoint has all that is needed to go on."""
    history = facts.get("history")
    return (
        all(type(facts.get(name)) in (int, float) and facts[name] >= 0 for name in WHERE + SPENT)
        and all(type(facts[name]) is int for name in ("epoch", "step"))
        and isinstance(history, list)
        and all(isinstance(entry, dict) for entry in history)
        and len(history) == facts["epoch"]
    )
