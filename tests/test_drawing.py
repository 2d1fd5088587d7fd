"""Figure 1 drawn by code."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PatchCollection

from cnninv import conv_matrix, plots


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.mark.parametrize("padding", [0, 1, "circular"])
def test_figure_1_has_a_cell_for_each_tap_of_each_row(axes, padding):
    filters, x = np.arange(1.0, 19.0).reshape(3, 2, 3), np.arange(16.0)
    plots.draw_layer(axes, filters, x, padding=padding, mark=(1, 0))
    W = conv_matrix(filters, 8, padding=padding)
    parts = [len(c.get_paths()) for c in axes.collections if isinstance(c, PatchCollection)]
    # K·M strips of l taps, then h, W, x
    assert parts == [3] * 6 + [W.shape[0], W.nnz, 16]


@pytest.mark.parametrize(
    ("shape", "length", "mark", "message"),
    [
        ((2, 1, 3, 3), 9, None, r"expected \(K, M, l\)"),
        ((2, 2, 3), 9, None, "x has 9 entries; expected a multiple of M = 2"),
        ((2, 1, 3), 5, (2, 0), r"mark = \(2, 0\) must be \(i, j\) with 0 ≤ i < 2 and 0 ≤ j < 3"),
    ],
)
def test_figure_1_refuses_what_is_no_layer_of_its_kind(axes, shape, length, mark, message):
    with pytest.raises(ValueError, match=message):
        plots.draw_layer(axes, np.ones(shape), np.ones(length), mark=mark)


def test_a_matrix_is_drawn_with_lines_between_its_blocks():
    figure, axes = plt.subplots()
    image = plots.draw_matrix(axes, np.arange(24.0).reshape(6, 4), K=3, M=2)
    assert image.get_clim() == (-23, 23)
    assert len(axes.lines) == 2 + 1
    plt.close(figure)
