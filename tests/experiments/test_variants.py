import numpy as np
import pytest
from PIL import Image

from cnninv.architectures import ALEXNET
from cnninv.experiments import EXPERIMENTS, Context, sparsities, variants
from cnninv.images import read_image
from cnninv.random_networks import random_network


@pytest.fixture
def network(rng):
    return random_network("alexnet", rng)


def test_pooling_and_normalisation_change_places():
    names = [layer.name for layer in variants.pooled_first(ALEXNET.layers)]
    assert names[2:4] == ["pool1", "norm1"]
    assert names[6:8] == ["pool2", "norm2"]
    assert sorted(names) == sorted(layer.name for layer in ALEXNET.layers)


def test_each_reading_changes_what_it_says(network):
    image = read_image("sample")
    found = variants.readings(network)
    x = {name: preprocess(image) for name, (_, preprocess, _) in found.items()}
    own = x["as the book has it"]
    np.testing.assert_array_equal(x["colours in the order BGR"], own[::-1])
    assert x["no mean subtracted"].min() >= -1e-3
    # the mean of random_network is a colour: nothing changes
    np.testing.assert_allclose(x["mean colour in place of the mean image"], own, atol=1e-3)
    assert x["223 pixels, as many as 224 allow"].shape == (3, 223, 223)
    other, *_ = found["filters flipped"]
    np.testing.assert_array_equal(other.filters("conv1")[..., ::-1, ::-1], network.filters("conv1"))
    other, *_ = found["normalisation with k = 2"]
    assert other.architecture.layers[2].k == 2


def test_the_first_reading_is_table_7s(network, tmp_path, rng):
    Image.fromarray(np.uint8(255 * rng.random((227, 227, 3)))).save(tmp_path / "0.png")
    files = sparsities.photographs(str(tmp_path))
    found = variants.shares(variants.readings(network)["as the book has it"], files)
    expected = sparsities.shares(network, list(variants.LAYERS.values()), files)
    np.testing.assert_allclose(found, expected)


def test_without_photographs_nothing_is_run():
    rows = EXPERIMENTS["variants"].run(Context("quick", 0)).rows
    assert [row.verdict for row in rows] == ["not run"] * 4


@pytest.mark.shared
def test_no_reading_makes_conv3_and_conv4_as_sparse_as_printed(shared_data):
    network = variants.loaded(str(shared_data), "alexnet")
    files = sparsities.photographs(str(shared_data))[::450]
    for name, reading in variants.readings(network).items():
        conv3, conv4 = variants.shares(reading, files).mean(axis=0)[1:3]
        assert conv3 > 37, name
        assert conv4 > 37, name
