"""Run an experiment and write its numbers and its figure, whole or not at all."""

import io
import platform
import time
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import scipy

import cnninv
from cnninv.experiments.base import SCALES, Context, Experiment
from cnninv.files import write_json, write_whole
from cnninv.plots import STYLE
from cnninv.validation import one_of, whole_number


def run_experiment(
    experiment: Experiment,
    out: Path,
    scale: str = "quick",
    seed: int = 0,
    device: str = "cpu",
    data: str | None = None,
) -> dict[str, Any]:
    """Run one experiment; writes `out/NAME.json` and `out/NAME.png` and returns the former's content.

    Parameters
    ----------
    experiment : Experiment
    out : pathlib.Path
        An existing folder.
    scale : "quick" or "paper"
    seed : int
        Same seed, same numbers.
    device : "cpu"
    data : path, optional
        Folder of weights and images that the book does not ship.

    Returns
    -------
    dict
        ``experiment``, ``paper_item``, ``scale``, ``seed``, ``device``, ``versions``, ``seconds``, ``rows``.
    """
    one_of(scale, "--scale", SCALES)
    context = Context(scale, whole_number(seed, "--seed", low=0), device, data)
    start = time.perf_counter()
    with matplotlib.rc_context(STYLE):
        outcome = experiment.run(context)
        picture = io.BytesIO()
        outcome.figure.savefig(picture, format="png", dpi=150)
        plt.close(outcome.figure)
    result = {
        "experiment": experiment.name,
        "paper_item": experiment.paper_item,
        "scale": scale,
        "seed": seed,
        "device": device,
        "versions": versions(),
        "seconds": round(time.perf_counter() - start, 2),
        "rows": [row.as_json() for row in outcome.rows],
    }
    if data is not None:
        result["data"] = True  # the command needs --data DIR
    write_whole(out / f"{experiment.name}.png", picture.getvalue())
    write_json(out / f"{experiment.name}.json", result)
    return result


def versions() -> dict[str, str]:
    """The versions that a number may depend on."""
    return {
        "cnninv": cnninv.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
