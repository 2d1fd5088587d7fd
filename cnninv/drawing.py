"""Matrices as pictures: W block by block, and a layer as in Figure 1 (Gilbert 2017, §2.2)."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from cnninv.conv import conv_matrix
from cnninv.filters import check_filters
from cnninv.validation import real_array


def draw_matrix(axes: Any, W: Any, K: int = 1, M: int = 1, limit: float | None = None) -> Any:
    """Draw a matrix, blue negative and red positive, with lines between its K × M blocks.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    W : array or sparse array
    K, M : int
        Blocks of rows and of columns.
    limit : float, optional
        Value of the darkest colour.

    Returns
    -------
    matplotlib.image.AxesImage
    """
    matrix = W.toarray() if hasattr(W, "toarray") else np.asarray(W)
    limit = limit or float(np.abs(matrix).max()) or 1.0
    image = axes.imshow(matrix, vmin=-limit, vmax=limit, cmap="RdBu_r", interpolation="nearest")
    rows, columns = matrix.shape
    for line in range(1, K):
        axes.axhline(line * rows / K - 0.5, color="black", linewidth=0.8)
    for line in range(1, M):
        axes.axvline(line * columns / M - 0.5, color="black", linewidth=0.8)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(True)
    return image


def draw_layer(
    axes: Any,
    filters: Any,
    x: Any,
    stride: int = 1,
    padding: int | str = 0,
    mark: tuple[int, int] | None = None,
) -> None:
    """Draw Figure 1: the filters of a 1-D layer, and h = W x with the blocks of W, cell by cell.

    Left to right: the K × M strips of l taps, each on the level of its block of W; h; W; x.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    filters : array-like, shape (K, M, l)
    x : array-like, shape (M*D,)
    stride, padding
        As in `conv_matrix`.
    mark : (i, j), optional
        Outline filter i at shift j: its strips, its row of W, what it sees of x, its entry of h.

    Raises
    ------
    ValueError
        For filters that are not 1-D, an x that does not fit, or a mark outside the layer.
    """
    filters, x = check_filters(filters), real_array(x, "x", ndim=1)
    if filters.ndim != 3:
        raise ValueError(f"filters has shape {filters.shape}; expected (K, M, l): Figure 1 is 1-D")
    K, M, l = filters.shape
    if len(x) % M:
        raise ValueError(f"x has {len(x)} entries; expected a multiple of M = {M}")
    D = len(x) // M
    W = conv_matrix(filters, D, stride, padding)
    n = W.shape[0] // K
    if mark is not None and not (0 <= mark[0] < K and 0 <= mark[1] < n):
        raise ValueError(f"mark = {mark} must be (i, j) with 0 ≤ i < {K} and 0 ≤ j < {n}")
    h = W @ x

    # one unit is one cell; the column where each part begins, and the row where x does
    at_h = M * (l + 1) + 1
    at_W = at_h + 3
    at_x = at_W + M * D + 3
    top = (K * n - M * D) / 2
    shade = float(np.abs(filters).max()) or 1.0
    entry = W.tocoo()
    for i, m in np.ndindex(K, M):
        where = m * (l + 1), i * n + (n - 1) / 2
        _cells(axes, np.zeros(l), np.arange(l), filters[i, m], where, (1, l), shade)
    _cells(axes, np.arange(K * n), np.zeros(K * n), h, (at_h, 0), (K * n, 1), None, K)
    _cells(axes, entry.row, entry.col, entry.data, (at_W, 0), W.shape, shade, K, M)
    _cells(axes, np.arange(M * D), np.zeros(M * D), x, (at_x, top), (M * D, 1), None, M)

    above, below = min(0, top) - 0.8, max(K * n, top + M * D) + 0.8
    words = {"ha": "center", "va": "bottom"}
    turned = {"ha": "center", "va": "center", "rotation": 90}
    for m in range(M):
        axes.text(m * (l + 1) + l / 2, above, f"$w_{{i,{m}}}$", **words)
        axes.text(at_W + (m + 0.5) * D, above, f"channel {m}", **words)
        axes.text(at_x + 1.8, top + (m + 0.5) * D, f"channel {m}", **turned)
    for i in range(K):
        axes.text(-0.9, (i + 0.5) * n, f"filter {i}", **turned)
        axes.text(at_W + M * D + 0.9, (i + 0.5) * n, f"$n$ = {n} shifts", **turned)
    axes.text(at_h + 0.5, above, "$h$", **words)
    axes.text(at_h + 2, K * n / 2, "=", ha="center", va="center", size="x-large")
    axes.text(at_W + M * D / 2, below, "$W$", ha="center", va="top")
    axes.text(at_x + 0.5, above, "$x$", **words)

    if mark is not None:
        row = mark[0] * n + mark[1]
        outlines = [(0, mark[0] * n + (n - 1) / 2, M * (l + 1) - 1, 1)]
        outlines += [(at_h, row, 1, 1), (at_W, row, M * D, 1)]
        columns = np.sort(entry.col[entry.row == row])
        for seen in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            outlines.append((at_x, top + seen[0], 1, len(seen)))
        for left, height, width, rows in outlines:
            box = Rectangle((left, height), width, rows, fill=False, linewidth=2, zorder=4)
            axes.add_patch(box)
    axes.set(xlim=(-1.8, at_x + 2.8), ylim=(below + 1.4, above - 1.4), aspect="equal")
    axes.axis("off")


def _cells(
    axes: Any,
    rows: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    where: tuple[float, float],
    shape: tuple[int, int],
    limit: float | None = None,
    K: int = 1,
    M: int = 1,
) -> None:
    """Coloured unit cells of a matrix of that shape at `where`, framed, with lines between K × M blocks."""
    limit = limit or float(np.abs(values).max()) or 1.0
    left, top = where
    cells = [Rectangle((left + c, top + r), 1, 1) for r, c in zip(rows, columns, strict=True)]
    colours = plt.get_cmap("RdBu_r")(0.5 + 0.5 * np.asarray(values) / limit)
    axes.add_collection(
        PatchCollection(cells, facecolors=colours, edgecolors="0.7", linewidths=0.3)
    )
    height, width = shape
    y, x = top + np.linspace(0, height, K + 1), left + np.linspace(0, width, M + 1)
    axes.hlines(y, left, left + width, color="black", linewidth=0.8)
    axes.vlines(x, top, top + height, color="black", linewidth=0.8)
