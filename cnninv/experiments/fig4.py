"""Figure 4: photographs brought back from pool(4) (Gilbert 2017, §4.5)."""

from cnninv.experiments.base import Context, Experiment, Outcome
from cnninv.experiments.pictures import run as grid


def run(context: Context) -> Outcome:
    """The shipped network's pool(4)."""
    return grid(context, "Figure 4", ["pool4"], plain=True)


EXPERIMENT = Experiment(
    name="fig4",
    paper_item="Figure 4",
    title="photographs brought back from pool(4)",
    run=run,
    needs="the photograph that comes with matplotlib; scikit-image has more",
    gpu=True,
    claims=("Figure 4",),
)
