import numpy as np
import pytest
from PIL import Image

from cnninv.architectures import ALEXNET, VGG16
from cnninv.experiments import EXPERIMENTS, Context, sparsities
from cnninv.images import read_image
from cnninv.random_networks import random_network


@pytest.fixture
def folder(tmp_path, rng):
    """20 small photographs, half of them noise, and a network of random filters."""
    sample = read_image("sample")[:, :230, :230]
    for i in range(20):
        pixels = sample if i % 2 else rng.random((3, 230, 230))
        picture = Image.fromarray(np.uint8(255 * np.moveaxis(pixels, 0, 2)))
        picture.save(tmp_path / f"{i:02}.png")
    random_network("alexnet", rng, last="conv2").save(tmp_path / "alexnet.npz")
    return tmp_path


def test_every_printed_number_has_its_layer():
    two, seven = (
        sparsities.layers_of(architecture, table)
        for architecture, table in ((VGG16, "Table 2"), (ALEXNET, "Table 7"))
    )
    assert list(two) == list(sparsities.printed("Table 2"))
    assert list(seven) == list(sparsities.printed("Table 7"))
    assert two["Table 2 c(5,2) non-zeros %"] == "relu5_2"
    assert two["Table 2 p(1) non-zeros %"] == "pool1"
    assert seven["Table 7 conv1 non-zeros %"] == "relu1"
    assert seven["Table 7 pool5 non-zeros %"] == "pool5"


def test_shares_are_those_counted_by_hand(folder):
    network = random_network("alexnet", np.random.default_rng(1), last="conv1")
    files = sparsities.photographs(str(folder))[:2]
    found = sparsities.shares(network, ["relu1", "pool1"], files)
    assert found.shape == (2, 2)
    h = network.activations(read_image(files[1]), ["conv1"])["conv1"]
    assert found[1, 0] == pytest.approx(100 * np.count_nonzero(h > 0) / h.size)
    assert (found[:, 1] > found[:, 0]).all()


def test_a_folder_gives_rows_for_the_layers_that_are_there(folder):
    outcome = EXPERIMENTS["table7"].run(Context("quick", 0, data=str(folder)))
    rows = {(row.quantity, row.convention): row for row in outcome.rows}
    conv1 = [row for (quantity, _), row in rows.items() if " conv1 " in quantity]
    assert len(conv1) == 2
    single, mean = conv1
    assert single.ours == pytest.approx(mean.ours, abs=2)
    assert mean.spread[1] - mean.spread[0] < single.spread[1] - single.spread[0]
    assert rows["Table 7 conv3 non-zeros %", ""].verdict == "not run"


def test_without_a_folder_nothing_is_run():
    for name in ("table2", "table7"):
        outcome = EXPERIMENTS[name].run(Context("quick", 0))
        assert {row.verdict for row in outcome.rows} == {"not run"}
        assert all("--data DIR" in row.reason for row in outcome.rows)


def test_too_few_photographs_are_not_run(folder):
    (folder / "00.png").unlink()
    outcome = EXPERIMENTS["table7"].run(Context("quick", 0, data=str(folder)))
    assert {row.verdict for row in outcome.rows} == {"not run"}


@pytest.mark.shared
def test_vggs_first_layers_are_as_sparse_as_printed(shared_data):
    network = sparsities.load(str(shared_data), "vgg16")
    files = sparsities.photographs(str(shared_data))[::100]
    layers = ["relu1_1", "relu1_2", "pool1"]
    found = sparsities.shares(network, layers, files).mean(axis=0)
    np.testing.assert_allclose(found, [49.1, 69.7, 80.8], atol=8)
