"""A sweep on one process and on two: the tasks of the phase diagram."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from measure import Measure, once

from cnninv.experiments.exact_recovery import cell_rate, diagram_cells
from cnninv.sweep import sweep
from cnninv.workers import workers

KS, CHANNELS = (1, 3, 10, 30, 96), (4, 8, 16, 32, 64)


def phase_diagram(rng: np.random.Generator) -> Iterator[Measure]:
    """The cells of the quick phase diagram, with --workers 2 beside --workers 1; processes run already."""
    cells, rates = diagram_cells(KS, CHANNELS, rng), {}
    task = partial(cell_rate, layers=3, codes=4)
    with workers(1) as one, workers(2) as two:
        for executor in (one, two):
            sweep(partial(cell_rate, layers=1, codes=1), cells[:4], executor)

        def run(number: int) -> None:
            rates[number] = sweep(task, cells, two if number == 2 else one)

        pair, single = once(lambda: run(2), lambda: run(1))
    if rates[1] != rates[2]:
        raise AssertionError("the number of workers changes the rates")
    facts = {"speed-up": single / pair, "tasks": len(cells)}
    yield Measure("a phase diagram, --workers 2", pair, "--workers 1", single, facts=facts)
