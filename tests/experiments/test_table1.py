import json
from dataclasses import replace

import numpy as np
import pytest

from cnninv.experiments import EXPERIMENTS, Context, classifiers, table1
from cnninv.experiments.runner import run_experiment
from cnninv.imagesets import ImageSet
from cnninv.training import Settings, paper_plan

TINY = Settings(epochs=1, batch=20, rate=0.05, validation=20, shift=2, flip=False)


@pytest.fixture
def tiny(monkeypatch):
    """Networks of two or three filters on noise, in the place of textures and of CIFAR-10."""
    rng = np.random.default_rng(0)

    def noise(side, origin, parts):
        images = rng.integers(0, 256, (80, 3, side, side), dtype=np.uint8)
        labels = (np.arange(80) % 10).astype(np.uint8)
        return ImageSet(tuple("abcdefghij"), images, labels, images, labels, parts, origin)

    both = {"original": slice(0, 30), "JPEG quality": slice(30, 80)}
    made = {
        True: noise(8, "ten textures", {"original": slice(0, 80)}),
        False: noise(32, "CIFAR-10", both),
    }
    for module in (classifiers, table1):
        monkeypatch.setattr(module, "image_set", lambda data, images=None: made[data is None])
    for scale in ("QUICK", "PART", "CORES", "CARD"):
        small = replace(
            getattr(table1, scale),
            widths=(2, 3),
            search=3,
            sizes=(3, 5),
            settings=TINY,
            whole={},
        )
        monkeypatch.setattr(table1, scale, small)


def test_every_cell_has_a_row_and_none_stands_in_for_the_paper(tiny):
    outcome = EXPERIMENTS["table1"].run(Context("quick", 0))
    paper = [row for row in outcome.rows if row.quantity.startswith("Table 1")]
    assert [row.paper for row in paper] == [66.5, 74.6, 74.8, 68.1, 83.3, 89.3]
    assert {(row.verdict, row.ours) for row in paper} == {("not run", None)}
    assert all("--device cuda" in row.reason for row in paper)
    assert not any("the widest" in row.reason for row in paper)  # textures say nothing of CIFAR-10
    at = [row for row in outcome.rows if row.quantity.startswith("At width")]
    assert len(at) == 2 * 6
    assert {(row.verdict, row.paper) for row in at} == {("measured", None)}
    assert all("ten textures, 1 epochs" in row.convention for row in at)
    searched = [row for row in outcome.rows if row.quantity.startswith("Validation")]
    assert len(searched) == 2 * 6


def test_cifar10_on_the_cpu_gives_both_parts_of_the_test_images(tiny):
    rows = EXPERIMENTS["table1"].run(Context("paper", 0, data="somewhere")).rows
    missing = [row.reason for row in rows if row.verdict == "not run"]
    assert len(missing) == 6
    assert missing[2].startswith("the widest that was trained has 3-3-1 filters; the whole takes")
    at = [row.convention for row in rows if row.quantity.startswith("At width")]
    assert len(at) == 2 * 2 * 6
    assert sum("test images: original" in convention for convention in at) == 12
    assert sum("test images: JPEG quality" in convention for convention in at) == 12


def test_at_quick_scale_cifar10_is_used_where_it_is(tiny, tmp_path):
    def origins():
        rows = EXPERIMENTS["table1"].run(Context("quick", 0, data=str(tmp_path))).rows
        return {row.convention.split(",")[0] for row in rows if row.quantity.startswith("At width")}

    assert origins() == {"ten textures"}
    (tmp_path / "data_batch_1.bin").touch()
    assert origins() == {"CIFAR-10"}


def test_a_part_of_cifar10_is_called_one(monkeypatch):
    images = np.zeros((1500, 3, 32, 32), np.uint8)
    labels, parts = (
        np.arange(1500) % 10,
        {"original": slice(1000), "JPEG quality": slice(1000, 1500)},
    )
    whole = ImageSet(tuple("abcdefghij"), images, labels, images, labels, parts, "CIFAR-10")
    monkeypatch.setattr(classifiers, "read_cifar10", lambda data: whole)
    classifiers.image_set.cache_clear()
    part = classifiers.image_set("somewhere", 1200)
    assert (len(part.images), len(part.labels), len(part.test_images)) == (1200, 1200, 1000)
    assert part.test_parts == {"original": slice(1000)}
    assert part.origin == "CIFAR-10, 1200 images"
    assert part.images.base is None  # the rest is not kept in memory
    assert classifiers.image_set("somewhere").origin == "CIFAR-10"
    classifiers.image_set.cache_clear()


def test_paper_scale_without_cifar10_says_so():
    with pytest.raises(ValueError, match="needs CIFAR-10: --data DIR"):
        EXPERIMENTS["table1"].run(Context("paper", 0))


def found(cell, validation=50.0, **test):
    return classifiers.Found(cell, validation, test or {"original": 60.0}, 1.0)


def test_the_size_is_chosen_on_validation_images():
    three, five, seven = (
        found(classifiers.Cell(1, "random", 8, size), validation, original=test)
        for size, validation, test in ((3, 50, 99), (5, 60, 10), (7, 55, 98))
    )
    assert classifiers.best([three, five, seven]) == [five]


def test_the_widths_of_table_5_are_the_papers_own_rows():
    cell = classifiers.Cell(3, "random", 0, 3)
    whole = [found(cell, 70.0, original=74.8, JPEG=73.0)]
    narrow = [found(replace(one, width=8)) for one in classifiers.cells(classifiers.CARD)]
    counts = {"original": 1000, "JPEG": 9000}
    rows = table1._paper_rows(narrow, whole, classifiers.CARD, counts)
    ours = [row for row in rows if row.ours is not None]
    assert [row.quantity for row in ours] == ["Table 1 random filters, 3 layers, accuracy %"] * 2
    assert [row.verdict for row in ours] == ["reproduced", "differs"]
    assert "± 0.5 by the number of test images" in ours[1].reason  # √(0.73 · 0.27/9000)
    assert ours[0].convention == (
        "2048-2048-1024 filters, 3 × 3, test images: original; CIFAR-10, 40 epochs"
    )
    assert len(rows) == 7


def trained(monkeypatch, device):
    """Rows of the paper's cells at paper scale, and the settings with which each was trained."""
    settings = {}

    def train_cell(cell, scale, device):
        settings[cell] = scale.settings if cell.width else scale.whole[cell.filters]
        return found(cell, 50.0 + cell.size)

    monkeypatch.setattr(table1, "train_cell", train_cell)
    rows = EXPERIMENTS["table1"].run(Context("paper", 7, device, "somewhere")).rows
    return rows, settings


BOTH = {"random": TINY, "learned": TINY}


def test_one_layer_of_table_5_is_trained_on_cores_too_with_both_sizes_that_it_may_have(
    tiny, monkeypatch
):
    monkeypatch.setattr(table1, "CORES", replace(table1.CORES, whole=BOTH))
    rows, settings = trained(monkeypatch, "cpu")
    assert {one.seed for one in settings.values()} == {7}
    ours = [row for row in rows if row.paper is not None and row.ours is not None]
    kinds = [row.quantity.removesuffix(" filters, 1 layer, accuracy %") for row in ours]
    assert kinds == ["Table 1 random"] * 2 + ["Table 1 learned"] * 2
    assert [row.convention for row in ours[:2]] == [
        "2048 filters, 3 × 3, test images: original; CIFAR-10, 1 epochs, worse on validation images",
        "2048 filters, 5 × 5, test images: original; CIFAR-10, 1 epochs, better on validation images",
    ]
    compared = [row.convention for row in rows if row.quantity.startswith("Validation, random")]
    assert "CIFAR-10, width 2048, 3 × 3" in compared
    assert "CIFAR-10, width 2048, 5 × 5" in compared


def test_a_gpu_trains_all_of_table_5_with_its_sizes(tiny, monkeypatch):
    monkeypatch.setattr(table1, "CARD", replace(table1.CARD, whole=BOTH))
    rows, _ = trained(monkeypatch, "cuda")
    rows = [row for row in rows if row.paper is not None]
    assert {row.verdict for row in rows} == {"differs"}
    sizes = [row.convention.split(" filters, ")[1][:5] for row in rows]
    assert sizes == ["3 × 3", "5 × 5", "3 × 3", "3 × 3"] * 2


def test_cores_train_no_network_beyond_their_limit():
    chosen = [found(one) for one in classifiers.cells(replace(classifiers.CORES, sizes=(7,)))]
    wider = classifiers.wider_cells(chosen, classifiers.CORES)
    widest = {(c.layers, c.filters): c.width for c in sorted(wider, key=lambda cell: cell.width)}
    # 7 × 7: two layers of 128 take 224 million multiply-adds for an image, and the limit is 160
    assert widest == {
        (1, "random"): 128,
        (1, "learned"): 128,
        (2, "random"): 64,
        (2, "learned"): 64,
        (3, "random"): 64,
        (3, "learned"): 64,
    }
    assert {cell.layers for cell in classifiers.whole_cells(classifiers.CORES)} == {1}
    assert len(classifiers.whole_cells(classifiers.CARD)) == 8


def test_a_wide_layer_is_trained_in_one_pass(tiny, monkeypatch):
    """The real scale, but for the data and the time."""
    scale = replace(classifiers.CORES, data="somewhere")
    seen = []

    def train(plan, images, labels, settings, **options):
        seen.append((plan.architecture.convolutions[0].K, settings.fused))
        return original(paper_plan(1, "random", 2), images, labels, TINY, **options)

    original = classifiers.train
    monkeypatch.setattr(classifiers, "train", train)
    for cell in (*classifiers.whole_cells(scale)[::2], classifiers.Cell(1, "random", 64, 3)):
        classifiers.train_cell(cell, scale)
    assert seen == [(2048, True), (1024, True), (64, False)]


def test_a_cell_is_trained_once_and_for_all(tiny, tmp_path, monkeypatch):
    """What was trained before an interruption is not trained again, and the numbers are the same."""
    whole = run_experiment(EXPERIMENTS["table1"], tmp_path)
    trained, original = [], classifiers.train

    def interrupted(*arguments, **options):
        trained.append(1)
        if len(trained) == 7:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(classifiers, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENTS["table1"], tmp_path)
    resumed = run_experiment(EXPERIMENTS["table1"], tmp_path)
    assert len(trained) == 7 + (12 - 6) + 6
    assert json.dumps(resumed["rows"]) == json.dumps(whole["rows"])
