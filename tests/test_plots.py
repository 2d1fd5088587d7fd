import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from cnninv import plots


def test_a_figure_is_small_as_png_and_as_jpeg(rng):
    figure, axes = plt.subplots()
    axes.hist(rng.standard_normal(1000), bins=50)
    plain = io.BytesIO()
    figure.savefig(plain, format="png")
    png, jpeg = plots.encode(figure), plots.encode(figure, photo=True)
    assert Image.open(io.BytesIO(png)).format == "PNG"
    assert Image.open(io.BytesIO(jpeg)).format == "JPEG"
    assert len(png) < len(plain.getvalue())
    plt.close(figure)


def test_a_figure_needs_an_alternative_text():
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(plt.figure(), alt=" ")
    plt.close("all")


def test_a_matrix_is_drawn_with_lines_between_its_blocks():
    figure, axes = plt.subplots()
    image = plots.draw_matrix(axes, np.arange(24.0).reshape(6, 4), K=3, M=2)
    assert image.get_clim() == (-23, 23)
    assert len(axes.lines) == 2 + 1
    plt.close(figure)
