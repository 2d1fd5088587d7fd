"""How figures look, and how a chapter shows one: small, legible in print, safe for colour-blind readers."""

import io
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

# Okabe and Ito 2008, without yellow
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE = {
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "font.size": 10,
    "image.cmap": "RdBu_r",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


def use_style() -> None:
    """Give every figure from here on the book's style."""
    plt.rcParams.update(STYLE)


def show(figure: Any, alt: str, photo: bool = False) -> None:
    """Show a figure in a notebook with an alternative text, as a small file, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the figure says, for a reader who cannot see it.
    photo : bool
        Store as JPEG, for photographs.

    Outside a notebook it is `matplotlib.pyplot.show`.
    """
    if not alt.strip():
        raise ValueError("alt is empty; expected what the figure says, in words")
    try:
        from IPython import get_ipython
    except ImportError:
        get_ipython = None
    if get_ipython is None or not hasattr(get_ipython(), "kernel"):
        plt.show()
        return
    from IPython.display import Image as Picture
    from IPython.display import display

    data = encode(figure, photo)
    plt.close(figure)
    display(Picture(data=data, format="jpeg" if photo else "png", alt=alt))


def encode(figure: Any, photo: bool = False) -> bytes:
    """The figure as JPEG bytes, or as PNG bytes with a palette: a quarter of the size."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png")
    picture = Image.open(raw).convert("RGB")
    small = io.BytesIO()
    if photo:
        picture.save(small, format="jpeg", quality=85, optimize=True)
    else:
        picture.quantize(128).save(small, format="png", optimize=True)
    return small.getvalue()


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
