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


def test_a_few_cells_keep_their_colours_as_png():
    cells = np.zeros((40, 60))
    cells[[3, 10, 20, 30, 25], [4, 10, 30, 30, 40]] = 1, -0.5, 0.3, -0.2, 0.6
    figure, axes = plt.subplots()
    axes.imshow(cells, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.plot(np.random.default_rng(0).random(60) * 60)
    plain = io.BytesIO()
    figure.savefig(plain, format="png")
    plt.close(figure)
    exact, stored = (
        np.asarray(Image.open(data).convert("RGB"), dtype=int)
        for data in (plain, io.BytesIO(plots.encode(figure)))
    )
    assert np.abs(exact - stored).max() < 16  # the default quantisation is 95 off


def test_a_figure_needs_an_alternative_text():
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(plt.figure(), alt=" ")
    plt.close("all")


def test_a_stored_picture_is_shown_small_in_its_own_format(tmp_path, monkeypatch, rng):
    shown = []
    monkeypatch.setattr(plots, "_in_notebook", lambda: True)
    monkeypatch.setattr(plots, "_display", lambda *what: shown.append(what))
    picture = Image.fromarray(np.uint8(255 * rng.random((100, 1000, 3))))
    for kind, size in (("png", (1000, 100)), ("jpeg", (500, 50))):
        file = tmp_path / f"noise.{kind}"
        picture.save(file)
        plots.show_stored(file, "noise", width=500)
        data, found, alt = shown.pop()
        assert (found, alt) == (kind, "noise")
        assert Image.open(io.BytesIO(data)).size == size
        assert len(data) <= file.stat().st_size
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show_stored(file, " ")
