from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cnninv import conv_matrix, encode, load_network, model_project, pooling_regions, random_network
from cnninv.experiments import EXPERIMENTS, Context, inverting, table4
from cnninv.experiments import reconstruction_errors as errors
from cnninv.experiments.coherences import printed
from cnninv.experiments.inverting import TRANSPOSED
from cnninv.experiments.reconstruction_errors import ACTIVATION, LEARNED, RANDOM_FILTERS, Cell
from cnninv.images import read_image
from cnninv.one_step import LITERAL, NEAREST, RANDOM, Convention, conventions
from cnninv.training.photographs import read_photographs


@pytest.fixture(autouse=True)
def _forget():
    inverting.subject.cache_clear()
    yield
    inverting.subject.cache_clear()


@pytest.fixture(scope="module")
def scene():
    return inverting.Scene("sample", 64, 32, np.random.default_rng(0), drawn=True)


@pytest.fixture(scope="module")
def found(scene):
    """The shipped network on one small crop."""
    measured = errors.measure(
        replace(scene, rng=np.random.default_rng(0)), "vgg16-quarter", None, "cpu"
    )
    return {measured.cell: measured.value for measured in measured}


def test_every_printed_number_has_cells_of_its_label(found):
    quantities = {cell.quantity for cell in found}
    assert set(printed("Table 4")) <= quantities


def test_every_reading_has_a_cell_at_every_layer(found):
    for i in range(1, 5):
        for column, readings in (
            (LEARNED, conventions()),
            (RANDOM_FILTERS, conventions(bias=False)),
        ):
            cells = {
                c.convention
                for c in found
                if (c.layer, c.space, c.column) == (i, ACTIVATION, column)
            }
            assert cells == set(map(str, readings))


def test_a_cell_is_wt_m_of_wf_with_the_explicit_matrix(found):
    x = inverting.Scene("sample", 64, 32, np.random.default_rng(0), drawn=True).picture()
    network = load_network("vgg16-quarter")
    f = encode(network, x, "pool2").values[0].astype(float)
    W = conv_matrix(network.filters("conv3_1").astype(float), f.shape[1:], padding="same")
    h = W @ f.ravel()
    blocks = pooling_regions((64, *f.shape[1:]), 2)
    k = min(blocks.max() + 1, errors.active_entries(network, np.float32(f), "conv3_1"))
    f_hat = W.T @ model_project(h, 64, k, blocks=blocks)
    f_hat *= np.linalg.norm(f) / np.linalg.norm(f_hat)
    by_hand = np.linalg.norm(f_hat - f.ravel()) / np.linalg.norm(f)
    assert found[Cell(2, ACTIVATION, LEARNED, str(Convention()))] == pytest.approx(
        by_hand, rel=1e-4
    )


def test_k_is_how_many_hidden_units_are_active_or_table_2s_share():
    network = load_network("vgg16-quarter")
    x = read_image("sample")[:, 100:164, 200:264]
    f = encode(network, x, "pool1").values[0]
    W = network.operator("conv2_1", f.shape[1:])
    h = W @ f.ravel() + np.repeat(network.bias("conv2_1"), f.shape[1] * f.shape[2])
    assert errors.active_entries(network, f, "conv2_1") == np.count_nonzero(h > 0)
    vgg = random_network("vgg16", np.random.default_rng(0), last="conv1_2")
    f = np.ones((64, 10, 10), np.float32)
    assert errors.active_entries(vgg, f, "conv2_1") == round(0.674 * 128 * 100)


def test_random_activations_err_by_the_root_of_two(found):
    for i in range(1, 5):
        assert found[Cell(i, ACTIVATION, "random activations", RANDOM[0])] == pytest.approx(
            2**0.5, abs=0.15
        )


def test_original_activations_come_back_better_than_random_ones(found):
    similar = {c.column: v for c, v in found.items() if c.layer == 1 and c.column.endswith("SSIM")}
    assert similar["original activations, SSIM"] > similar["random activations, SSIM"]


def test_the_ranking_is_by_root_mean_square_deviation():
    paper, spread = printed("Table 4"), {}
    for i in (1, 2):
        for column in (LEARNED, RANDOM_FILTERS):
            for convention in conventions(column == LEARNED):
                cell = Cell(i, ACTIVATION, column, str(convention))
                gap = 0.03 * i if convention == NEAREST else 0.5
                spread[cell] = [paper[cell.quantity] + gap, paper[cell.quantity] + gap]
    (first, count, convention), (second, *_), *_ = table4.ranking(spread)
    assert convention == NEAREST
    assert count == 4
    assert first == pytest.approx(np.sqrt((0.03**2 + 0.06**2) / 2))
    assert second == pytest.approx(0.5)


def test_quick_scale_measures_the_shipped_network_and_does_not_run_the_papers(monkeypatch):
    monkeypatch.setattr(inverting, "SMALL", 32)
    outcome = EXPERIMENTS["table4"].run(Context("quick", 0))
    missing = [row for row in outcome.rows if row.verdict == "not run"]
    assert {row.quantity for row in missing} == set(printed("Table 4"))
    assert all("--data DIR" in row.reason for row in missing)
    rest = [row for row in outcome.rows if row.verdict != "not run"]
    # another network than the paper's is measured: it neither reproduces nor differs
    assert {row.verdict for row in rest} == {"measured"}
    assert {row.paper for row in rest} == {None}
    assert any(TRANSPOSED in row.convention for row in rest)


def test_a_printed_number_has_the_nearest_and_the_literal_reading_and_others_have_their_own_label(
    monkeypatch,
):
    monkeypatch.setattr(inverting, "SMALL", 32)
    rows = EXPERIMENTS["table4"].run(Context("quick", 0)).rows
    printed_label = "Table 4 layer 1, activation space, learned filters"
    readings = {
        label: {row.convention.split("; ")[0] for row in rows if row.quantity == label}
        for label in (printed_label, printed_label.replace("4 ", "4, other readings: "))
    }
    assert readings.pop(printed_label) - {""} == {str(NEAREST), str(LITERAL)}
    [others] = readings.values()
    assert others == set(map(str, conventions())) - {str(NEAREST), str(LITERAL)}


def test_with_the_papers_weights_its_layers_have_verdicts_and_the_others_are_not_run(
    tmp_path, monkeypatch
):
    random_network("vgg16", np.random.default_rng(0), last="conv2_1").save(tmp_path / "vgg16.npz")
    monkeypatch.setattr(inverting, "SMALL", 16)
    monkeypatch.setattr(table4, "NETWORKS", ("vgg16",))
    rows = EXPERIMENTS["table4"].run(Context("quick", 0, data=str(tmp_path))).rows
    verdicts = {}
    for row in rows:
        verdicts.setdefault(row.quantity, set()).add(row.verdict)
    assert verdicts["Table 4 layer 1, activation space, random activations"] <= {
        "reproduced",
        "differs",
    }
    # Wᵀ is no trained decoder: what it gives is measured, and the printed number not run
    assert verdicts["Table 4 layer 1, image space, random filters"] == {"measured", "not run"}
    assert verdicts["Table 4 layer 2, activation space, learned filters"] == {"not run"}
    assert verdicts["Table 4 layer 4, image space, random filters"] == {"not run"}


def test_photographs_that_no_decoder_was_trained_on_are_used_at_paper_scale(tmp_path):
    for i in range(180):
        Image.new("RGB", (8, 8), (i, i, i)).save(tmp_path / f"{i:03}.png")
    scenes, where = inverting.scenes(Context("paper", 0, data=str(tmp_path)), "vgg16-quarter")
    greys = {round(255 * read_image(scene.source)[0, 0, 0]) for scene in scenes}
    assert greys == set(read_photographs(tmp_path, 8).held_out[:, 0, 0, 0])
    assert len(scenes) == 20
    assert "20 photographs held out" in where


@pytest.mark.shared
def test_one_reading_is_nearest_to_all_that_is_printed_for_vgg(shared_data):
    subject = inverting.subject("vgg16", str(shared_data), "cpu")
    assert subject.layers == ["pool1", "pool2", "pool3"]
    file = inverting.held_out(str(shared_data))[0]
    scene = inverting.Scene(str(file), 256, 96, np.random.default_rng(0))
    table = errors.gather([errors.measure(scene, "vgg16", str(shared_data), "cpu")])
    (deviation, count, convention), *_ = table4.ranking(table)
    assert convention == NEAREST
    assert count == 5
    assert deviation < 0.1
