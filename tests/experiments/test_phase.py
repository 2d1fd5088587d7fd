"""Footnote 4 as an experiment: what it draws and says."""

import matplotlib.pyplot as plt
import numpy as np

from cnninv.experiments import EXPERIMENTS, Context, phase
from cnninv.experiments.phase import draw


def test_phase_diagram_can_be_drawn():
    figure = draw([1, 4, 16], [5, 20, 80], {"step 1": np.eye(3)})
    assert figure.axes[0].get_xlabel().startswith("Mℓ")
    plt.close(figure)


def test_phase_is_registered_and_says_that_iterations_help(monkeypatch):
    experiment = EXPERIMENTS["phase"]
    assert experiment.paper_item == "Footnote 4"
    steps = {name: (step, 25) for name, (step, _) in phase.STEPS.items()}
    monkeypatch.setattr(phase, "STEPS", steps)
    monkeypatch.setitem(phase.SIZES, "quick", phase.Size((1,), (4,), 1, 2, 1, tuple(steps)))
    rows = experiment.run(Context("quick", 0)).rows
    assert {row.verdict for row in rows if row.paper is not None} == {"reproduced"}
    assert [row.quantity for row in rows if row.quantity.startswith("phase")] == [
        "phase k = 1, Mℓ = 20, codes recovered"
    ] * 2
    plt.close("all")
