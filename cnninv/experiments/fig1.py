"""Figure 1: a one-dimensional layer and its matrix, drawn from the numbers (Gilbert 2017, §2.2)."""

import matplotlib.pyplot as plt
import numpy as np

from cnninv.conv import conv_matrix
from cnninv.drawing import draw_layer
from cnninv.experiments.base import Context, Experiment, Outcome, row
from cnninv.filters import random_filters

K, M, LENGTH, D = 3, 2, 4, 12
SHIFTS = D - LENGTH + 1


def run(context: Context) -> Outcome:
    """Draw the layer h = W x and count what Figure 1 counts."""
    rng = np.random.default_rng(context.seed)
    filters = random_filters(K, M, LENGTH, rng)
    W = conv_matrix(filters, D)
    x = rng.standard_normal(M * D)
    shape = f"§2.2 at K = {K}, M = {M}, ℓ = {LENGTH}, D = {D}"
    rows = [
        row("Figure 1 rows of W, Kn", shape, K * SHIFTS, W.shape[0]),
        row("Figure 1 columns of W, MD", shape, M * D, W.shape[1]),
        row("Figure 1 parameters, ℓMK", shape, LENGTH * M * K, filters.size),
        row("Figure 1 non-zeros of W", shape, None, W.nnz),
    ]
    figure, axes = plt.subplots(figsize=(9, 5))
    draw_layer(axes, filters, x, mark=(1, 3))
    return Outcome(rows, figure)


EXPERIMENT = Experiment(
    name="fig1",
    paper_item="Figure 1",
    title="a one-dimensional layer and its matrix W (§2.2)",
    run=run,
)
