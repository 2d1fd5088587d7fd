"""A photograph through one layer and back: what fails and what works (Gilbert 2017, §4.5)."""

from functools import partial

import numpy as np

from cnninv.backend import to_device
from cnninv.experiments.base import Context, Experiment, Outcome, row
from cnninv.filters import random_filters
from cnninv.images import center_crop, read_image
from cnninv.invert import Inversion, draw, invert

COUNT, SIZE, ITERATIONS = 64, 3, 30


def run(context: Context) -> Outcome:
    """Invert the installed sample photograph through layers of random filters, one a seed."""
    photograph = read_image("sample")
    crop, drawn = context.pick((48, 48), (96, 256))
    image = center_crop(photograph, crop)
    drawing = context.streams(20)
    filters = [random_filters(COUNT, len(image), (SIZE, SIZE), rng) for rng in drawing]
    task = partial(_invert, image=image, device=context.device)
    results = context.sweep(task, filters, "photograph")
    layer = f"{COUNT} random {SIZE}×{SIZE}×3 filters on {crop}×{crop}"
    errors = {
        way.name: [result.reconstructions[i].error for result in results]
        for i, way in enumerate(results[0].reconstructions)
    }
    rows = [row(f"§4.5 ‖x̂−x‖/‖x‖, {name}", layer, None, values) for name, values in errors.items()]
    second = [result.unit_residual[2] for result in results]
    rows += [
        row("§4.5 ‖x̂−x‖/‖x‖, IHT with steps of 1, after 2", layer, None, second),
        row("§4.5 ‖W‖²", layer, None, np.array([result.norm_squared for result in results])),
    ]
    shown = results[0]
    if drawn != crop:
        shown = _invert(filters[0], center_crop(photograph, drawn), context.device)
    return Outcome(rows, draw(shown))


def _invert(filters: np.ndarray, image: np.ndarray, device: str) -> Inversion:
    return invert(to_device(image, device), to_device(filters, device), iterations=ITERATIONS)


EXPERIMENT = Experiment(
    name="photograph",
    paper_item="§4.5",
    title="a photograph through one layer of random filters and back",
    run=run,
    needs="the photograph that comes with matplotlib",
    gpu=True,
)
