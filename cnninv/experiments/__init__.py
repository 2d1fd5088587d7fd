"""One module per table or figure of the paper; `EXPERIMENTS` is what the command line runs."""

from cnninv.experiments import fig1, fig2, fig3, phase, photograph, scaling
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.phase import phase_diagram, recover

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (fig1, phase, scaling, fig2, fig3, photograph)
}

__all__ = [
    "EXPERIMENTS",
    "Context",
    "Experiment",
    "Outcome",
    "Row",
    "phase_diagram",
    "recover",
    "row",
]
