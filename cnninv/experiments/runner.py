"""Run an experiment and write its numbers and its figure, whole or not at all."""

import hashlib
import io
import platform
import time
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import scipy

import cnninv
from cnninv.backend import device_versions, select
from cnninv.experiments.base import SCALES, Context, Experiment
from cnninv.files import write_json, write_whole
from cnninv.parts import parts_beside
from cnninv.plots import STYLE
from cnninv.validation import one_of, whole_number


def run_experiment(
    experiment: Experiment,
    out: Path,
    scale: str = "quick",
    seed: int = 0,
    device: str = "cpu",
    data: str | None = None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Run one experiment; writes `out/NAME.json` and `out/NAME.png` and returns the former's content.

    What is finished of a run that is interrupted stays in `out/NAME.parts`, and the same run begun anew goes
    on from there.

    Parameters
    ----------
    experiment : Experiment
    out : pathlib.Path
        An existing folder.
    scale : "quick" or "paper"
    seed : int
        Same seed, same numbers.
    device : "auto", "cpu" or "cuda"
        As in `cnninv.backend.select`; the result names the one that ran: "cpu" where the experiment has
        nothing for a GPU.
    data : path, optional
        Folder of weights and images that the book does not ship.
    executor : concurrent.futures.Executor, optional
        Where sweeps run, for example `cnninv.workers.workers(4)`: the numbers are the same.

    Returns
    -------
    dict
        ``experiment``, ``paper_item``, ``scale``, ``seed``, ``device``, ``versions``, ``seconds``, ``rows``.
    """
    one_of(scale, "--scale", SCALES)
    if data is not None and not Path(data).exists():
        raise FileNotFoundError(f"--data = {data!r}: no such folder")
    seed, device = whole_number(seed, "--seed", low=0), select(device)
    device = device if experiment.gpu else "cpu"
    settings = {
        "experiment": experiment.name,
        "paper_item": experiment.paper_item,
        "scale": scale,
        "seed": seed,
        "device": device,
        "versions": versions() | device_versions(device),
    }
    parts = parts_beside(out, experiment.name, {**settings, "data": _listing(data)})
    context = Context(scale, seed, device, data, executor, parts)
    start = time.perf_counter()
    with matplotlib.rc_context(STYLE):
        outcome = experiment.run(context)
        picture = io.BytesIO()
        outcome.figure.savefig(picture, format="png", dpi=150)
        plt.close(outcome.figure)
    result = {
        **settings,
        "seconds": round(time.perf_counter() - start, 2),
        "rows": [row.as_json() for row in outcome.rows],
    }
    if data is not None:
        result["data"] = True  # the command needs --data DIR
    if executor is not None:
        result["workers"] = getattr(executor, "number", None)  # the seconds depend on it
    write_whole(out / f"{experiment.name}.png", picture.getvalue())
    write_json(out / f"{experiment.name}.json", result)
    parts.drop()
    return result


def _listing(data: str | None) -> str | None:
    """A hash of names, sizes and times of the files in a folder."""
    if data is None:
        return None
    files = sorted(path for path in Path(data).rglob("*") if path.is_file())
    facts = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions that a number may depend on."""
    return {
        "cnninv": cnninv.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
