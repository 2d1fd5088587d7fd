import pytest

from cnninv.experiments import EXPERIMENTS, Context, inverting, pictures
from cnninv.invert_network import LEARNED, ORIGINAL, RANDOM_FILTERS, RANDOM_VALUES
from cnninv.photographs import installed_photographs


@pytest.fixture(autouse=True)
def _only_the_sample(monkeypatch):
    inverting.subject.cache_clear()
    monkeypatch.setattr(
        pictures, "installed_photographs", lambda: {"sample": installed_photographs()["sample"]}
    )


def drawn(name):
    outcome = EXPERIMENTS[name].run(Context("quick", 0))
    labels = [axis.get_ylabel() for axis in outcome.figure.axes]
    return outcome.rows, [label for label in labels if label]


def test_figure_4_has_the_papers_five_lines():
    rows, labels = drawn("fig4")
    lines = [
        "original",
        *(f"pool(4)\n{w}" for w in (ORIGINAL, LEARNED, RANDOM_FILTERS, RANDOM_VALUES)),
    ]
    assert labels[:5] == lines
    assert [row.quantity[:12] for row in rows[::4]][:4] == [f"Figure 4 ({x})" for x in "bcde"]
    assert {row.verdict for row in rows} == {"measured"}


def test_figure_5_has_the_other_layers_and_no_iht_on_the_last():
    _, labels = drawn("fig5")
    for i in (1, 2, 3):
        assert f"pool({i})\n{LEARNED}" in labels
    assert [label for label in labels if "pool(5)" in label] == [
        f"pool(5)\n{ORIGINAL}",
        f"pool(5)\n{RANDOM_VALUES}",
    ]


def test_every_picture_has_its_numbers():
    rows, _ = drawn("fig4")
    of_one = [row for row in rows if row.quantity.startswith("Figure 4 (c)")]
    assert [row.quantity.rpartition(", ")[2] for row in of_one] == [
        "‖f̂−f‖/‖f‖",
        "‖x̂−x‖/‖x‖",
        "PSNR dB",
        "SSIM",
    ]
