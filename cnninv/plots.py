"""How figures look, and how a chapter shows one: small, legible in print, safe for colour-blind readers."""

import io
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from PIL import Image

from cnninv.drawing import draw_layer, draw_matrix

__all__ = [
    "COLOURS",
    "STYLE",
    "draw_layer",
    "draw_matrix",
    "encode",
    "show",
    "show_stored",
    "use_style",
]

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
    if not _in_notebook():
        plt.show()
        return
    data = encode(figure, photo)
    plt.close(figure)
    _display(data, "jpeg" if photo else "png", alt)


def show_stored(path: str | Path, alt: str, width: int = 850) -> None:
    """Show a stored picture in a notebook with an alternative text, as a small file.

    A PNG keeps its size and gets a palette; any other picture becomes a JPEG.

    Parameters
    ----------
    path : path
        A file that Pillow reads.
    alt : str
        What the picture says, for a reader who cannot see it.
    width : int
        Of the JPEG, in pixels; a picture that is less wide stays so.

    Outside a notebook nothing is shown.
    """
    if not alt.strip():
        raise ValueError("alt is empty; expected what the picture says, in words")
    with Image.open(path) as opened:
        kind, picture = opened.format, opened.convert("RGB")
    small = io.BytesIO()
    if kind == "PNG":
        picture.quantize(256, kmeans=1).save(small, format="png", optimize=True)
    else:
        height = round(picture.height * width / picture.width)
        if picture.width > width:
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        picture.save(small, format="jpeg", quality=75, optimize=True)
    if _in_notebook():
        _display(small.getvalue(), "png" if kind == "PNG" else "jpeg", alt)


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def _display(data: bytes, kind: str, alt: str) -> None:
    from IPython.display import Image as Picture
    from IPython.display import display

    display(Picture(data=data, format=kind, alt=alt))


def encode(figure: Any, photo: bool = False) -> bytes:
    """The figure as JPEG bytes, or as PNG bytes with a palette: a quarter of the size."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png")
    picture = Image.open(raw).convert("RGB")
    small = io.BytesIO()
    if photo:
        picture.save(small, format="jpeg", quality=85, optimize=True)
    else:
        # median cut, the default, turns the colour of a few cells into another one
        few = picture.quantize(128, Image.Quantize.MAXCOVERAGE, kmeans=1)
        few.save(small, format="png", optimize=True)
    return small.getvalue()
