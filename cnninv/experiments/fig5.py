"""Figure 5: photographs brought back from every macro layer (Gilbert 2017, Appendix C.3)."""

from cnninv.experiments.base import Context, Experiment, Outcome
from cnninv.experiments.pictures import run as grid

LAYERS = ["pool1", "pool2", "pool3", "pool5"]
"""pool(4) has Figure 4; pool(5), which the paper leaves out, has no layer above, and so no IHT."""


def run(context: Context) -> Outcome:
    """The shipped network's other poolings."""
    return grid(context, "Figure 5", LAYERS)


EXPERIMENT = Experiment(
    name="fig5",
    paper_item="Figure 5",
    title="photographs brought back from the other macro layers",
    run=run,
    needs="the photograph that comes with matplotlib; scikit-image has more",
    gpu=True,
    claims=("Figure 5",),
)
