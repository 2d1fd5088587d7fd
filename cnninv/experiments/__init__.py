"""One module per table or figure of the paper; `EXPERIMENTS` is what the command line runs."""

from cnninv.experiments import fig1, fig2
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT for module in (fig1, fig2)
}

__all__ = ["EXPERIMENTS", "Context", "Experiment", "Outcome", "Row", "row"]
