"""One module per table or figure of the paper; `EXPERIMENTS` is what the command line runs."""

from cnninv.experiments import (
    alike,
    coherences,
    fig1,
    fig2,
    fig3,
    fig4,
    fig5,
    layers,
    maps,
    phase,
    photograph,
    proxy,
    scaling,
    sparsities,
    switches,
    table1,
    table4,
    variants,
)
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.exact_recovery import phase_diagram, recover

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        fig1.EXPERIMENT,
        phase.EXPERIMENT,
        scaling.EXPERIMENT,
        table1.EXPERIMENT,
        fig2.EXPERIMENT,
        sparsities.TABLE_2,
        coherences.TABLE_3,
        proxy.EXPERIMENT,
        alike.EXPERIMENT,
        coherences.TABLE_6,
        sparsities.TABLE_7,
        variants.EXPERIMENT,
        maps.EXPERIMENT,
        fig3.EXPERIMENT,
        photograph.EXPERIMENT,
        table4.EXPERIMENT,
        fig4.EXPERIMENT,
        fig5.EXPERIMENT,
        layers.EXPERIMENT,
        switches.EXPERIMENT,
    )
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
