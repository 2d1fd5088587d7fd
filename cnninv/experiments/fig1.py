"""Figure 1: a one-dimensional layer and its matrix, drawn from the numbers (Gilbert 2017, §2.2)."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.conv import conv_matrix
from cnninv.experiments.base import Context, Experiment, Outcome, row
from cnninv.filters import random_filters
from cnninv.plots import draw_matrix

K, M, LENGTH, D = 3, 2, 4, 12
SHIFTS = D - LENGTH + 1


def run(context: Context) -> Outcome:
    """Draw the layer h = W x and count what Figure 1 counts."""
    rng = np.random.default_rng(context.seed)
    filters = random_filters(K, M, LENGTH, rng)
    W = conv_matrix(filters, D)
    x = rng.standard_normal(M * D)
    shape = f"K = {K}, M = {M}, ℓ = {LENGTH}, D = {D}"
    rows = [
        row("Figure 1 rows of W, Kn", shape, K * SHIFTS, W.shape[0]),
        row("Figure 1 columns of W, MD", shape, M * D, W.shape[1]),
        row("Figure 1 parameters, ℓMK", shape, LENGTH * M * K, filters.size),
        row("Figure 1 non-zeros of W", shape, None, W.nnz),
    ]
    return Outcome(rows, draw(filters, W, x))


def draw(filters: np.ndarray, W: Any, x: np.ndarray) -> Any:
    """Filters, h, W and x of a 1-D layer side by side, blocks separated by lines.

    Parameters
    ----------
    filters : ndarray, shape (K, M, l)
    W : sparse array, shape (K*n, M*D)
    x : ndarray, shape (M*D,)
    """
    K, M, length = filters.shape
    figure, axes = plt.subplots(
        1, 4, figsize=(9, 4.2), layout="constrained", width_ratios=[2 * length * M / 8, 0.7, 6, 0.7]
    )
    draw_matrix(axes[0], filters.reshape(K, -1), K, M)
    draw_matrix(axes[1], (W @ x)[:, None], K)
    image = draw_matrix(axes[2], W, K, M)
    draw_matrix(axes[3], x[:, None], M)
    n, D = W.shape[0] // K, W.shape[1] // M
    axes[0].set(title="filters $w_{i,m}$", xlabel="M channels × ℓ taps", ylabel="K filters")
    axes[0].set_aspect("auto")
    axes[1].set(title="h =", xlabel="Kn", ylabel="K blocks of n hidden units")
    axes[2].set(
        title="W", xlabel=f"M blocks of D = {D} columns", ylabel=f"K blocks of n = {n} rows"
    )
    axes[3].set(title="x", xlabel="MD", ylabel="M channels of D entries")
    for axis in (axes[1], axes[3]):
        axis.set_aspect("auto")
    figure.colorbar(image, ax=axes[3], shrink=0.6, label="value", fraction=0.6)
    return figure


EXPERIMENT = Experiment(
    name="fig1",
    paper_item="Figure 1",
    title="a one-dimensional layer and its matrix W (§2.2)",
    run=run,
)
