"""What `cnninv train` does: train a network on CIFAR-10, keep checkpoints, say how good it is."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import cnninv
from cnninv.backend import array_module, device_versions
from cnninv.cifar10 import read_cifar10
from cnninv.files import output_folder, sha256, write_json, write_whole
from cnninv.imagesets import ImageSet
from cnninv.training.card import card, machine
from cnninv.training.checkpoint import checkpoint_path
from cnninv.training.fold import export
from cnninv.training.loop import train
from cnninv.training.plans import Plan, plan
from cnninv.training.settings import Settings
from cnninv.training.trained import Trained

DEFAULTS = {
    "vgg16-quarter": Settings(epochs=60, parts=2),
    "paper-1": Settings(epochs=20, rate=0.05, fused=True),
    "paper-2": Settings(epochs=20, rate=0.05, fused=True),
    "paper-3": Settings(epochs=30, rate=0.05, fused=True),
}


def label(what: Plan) -> str:
    """The name of what a run writes: the network, and what of it was chosen.

    Examples
    --------
    >>> label(plan("vgg16-quarter")), label(plan("paper-2", "random", 256, 5))
    ('vgg16-quarter', 'paper-2-random-256-5')
    """
    first = what.architecture.convolutions[0]
    if what.architecture.name.startswith("paper"):
        return f"{what.architecture.name}-{what.filters}-{first.K}-{first.size}"
    return what.architecture.name + ("" if what.filters == "learned" else f"-{what.filters}")


def train_network(
    name: str,
    data: str | Path | None,
    out: str | Path,
    filters: str = "learned",
    width: int | None = None,
    size: int | None = None,
    resume: bool = False,
    xp: Any = np,
    **settings: Any,
) -> dict[str, Any]:
    """Train, or go on training, and write OUT/LABEL.json beside OUT/LABEL.checkpoint.npz.

    Parameters
    ----------
    name, filters, width, size
        See `cnninv.training.plans.plan`.
    data : path or None
        Where CIFAR-10 is; None for what `cnninv data fetch cifar10` has fetched.
    out : path
    resume : bool
    xp : module
        numpy or cupy.
    **settings
        Instead of the defaults of that network; see `Settings`.

    Returns
    -------
    dict
        Settings, history, seconds, accuracies.

    Raises
    ------
    ValueError, OSError
        Before anything is trained, if an option is wrong or a file is missing.
    """
    what = plan(name, filters, width, size)
    chosen = replace(DEFAULTS[name], **{k: v for k, v in settings.items() if v is not None})
    folder = output_folder(out)
    checkpoint = checkpoint_path(folder, label(what), resume)
    images = read_cifar10(data)
    trained = train(what, images.images, images.labels, chosen, checkpoint, resume, xp)
    result = {
        "network": label(what),
        "title": what.architecture.title,
        "command": _command(name, filters, width, size, settings),
        "settings": asdict(chosen),
        "device": machine() if xp is np else device_versions("cuda")["gpu"],
        "versions": {"cnninv": cnninv.__version__, "numpy": np.__version__},
        "data": images.origin,
    } | summary(trained, images)
    _write(folder, result, trained)
    return result


def _write(folder: Path, result: dict[str, Any], trained: Trained) -> None:
    """OUT/LABEL.json; of learned filters also OUT/LABEL.safetensors; of the book's network also its card."""
    name = result["network"]
    if trained.model.plan.filters == "learned":
        result["file"] = f"{name}.safetensors"
        export(trained, folder / result["file"])
        result["sha256"] = sha256(folder / result["file"])
    if name == "vgg16-quarter":
        write_whole(folder / f"{name}.md", card(result))
    write_json(folder / f"{name}.json", result)


def _command(
    name: str, filters: str, width: int | None, size: int | None, settings: dict[str, Any]
) -> str:
    """What to type for the same run."""
    options = {"filters": filters if filters != "learned" else None, "width": width, "size": size}
    options |= {"epochs": settings.get("epochs"), "seed": settings.get("seed") or None}
    given = [f"--{option} {value}" for option, value in options.items() if value is not None]
    return " ".join(["cnninv train", name, *given])


def summary(trained: Trained, images: ImageSet) -> dict[str, Any]:
    """Accuracies with standard errors, on each part of the test images, and the history of the run."""
    tests = {}
    for part, where in images.test_parts.items():
        right = trained.accuracy(images.test_images[where], images.test_labels[where])
        count = len(images.test_labels[where])
        error = float(np.sqrt(right * (1 - right) / count))
        tests[part] = {"images": count, "accuracy": right, "standard_error": error}
    return {
        "parameters": sum(array.size for array in trained.model.parameters.values()),
        "mean": [round(float(value), 3) for value in trained.mean],
        "deviation": [round(float(value), 3) for value in trained.deviation],
        "validation": trained.history[-1].get("validation"),
        "test": tests,
        "seconds": round(trained.seconds, 1),
        "history": trained.history,
    }


def report(result: dict[str, Any]) -> str:
    """The result in a few lines."""
    lines = [f"{result['network']}: {result['seconds']:.0f} s of training"]
    if result["validation"] is not None:
        lines.append(f"  validation: {result['validation']:.2%}")
    for part, test in result["test"].items():
        lines.append(
            f"  test, {test['images']} images ({part}): {test['accuracy']:.2%} "
            f"± {test['standard_error']:.2%}"
        )
    return "\n".join(lines)


def run(options: Any) -> None:
    """The command."""
    result = train_network(
        options.name,
        options.data,
        options.out,
        options.filters,
        options.width,
        options.size,
        options.resume,
        array_module(options.device),
        epochs=options.epochs,
        seed=options.seed,
    )
    print(report(result))
    print(f"written: {Path(options.out) / result['network']}.json")
