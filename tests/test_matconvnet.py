"""MatConvNet's files: what they say of themselves is compared with the architecture."""

import numpy as np
import pytest
import scipy.io
from weightfiles import ALEXNET, arrays, save_mat, simple_nn

from cnninv.weights import read_weights

NAMED = arrays()


def altered(place, architecture=None, **fields):
    """The layers of a small network with one of them changed."""
    named = arrays(ALEXNET, "conv2") if architecture else NAMED
    layers = simple_nn(named, ALEXNET, "conv2") if architecture else simple_nn(NAMED)
    layers[place] = {
        name: value for name, value in (layers[place] | fields).items() if value is not None
    }
    return layers


FILTERS = NAMED["conv1_1_W"]
WRONG = {
    "renamed": (
        altered(2, name="conv1_3"),
        r"belongs to no layer|layers\{3\} is 'conv1_3' of type 'conv'; expected 'conv1_2'",
    ),
    "order": (
        [simple_nn(NAMED)[i] for i in (2, 1, 0, 3, 4)],
        r"layers\{1\} is 'conv1_2' of type 'conv'; expected 'conv1_1' of type 'conv'",
    ),
    "a layer left out": (
        [simple_nn(NAMED)[i] for i in (0, 2, 3, 4)],
        r"layers\{2\} is 'conv1_2' of type 'conv'; expected 'relu1_1' of type 'relu'",
    ),
    "twice": (simple_nn(NAMED) + simple_nn(NAMED), r"has two layers named 'conv1_1'"),
    "stride": (altered(0, stride=2.0), r"conv1_1 has stride = \[2.0\]; expected 1"),
    "padding": (altered(2, pad=[0.0, 1.0]), r"conv1_2 has pad = \[0.0, 1.0\]; expected 1"),
    "window": (altered(4, pool=[3.0, 3.0]), r"pool1 has pool = \[3.0, 3.0\]; expected 2"),
    "pool before norm": (
        altered(2, ALEXNET, type="pool", name="pool1"),
        r"layers\{3\} is 'pool1' of type 'pool'; expected 'norm1' of type 'normalize'",
    ),
    "norm": (
        altered(2, ALEXNET, param=[5.0, 1.0, 1e-4, 0.75]),
        r"norm1 has param = \[5.0, 1.0, 0.0001, 0.75\]; expected \[5, 1.0, 2",
    ),
    "no weights": (altered(0, weights=None), r"conv1_1 has neither weights nor filters and biases"),
    "one weight": (
        altered(0, weights=FILTERS),
        r"conv1_1 has a float32 of size 64 × 3 × 3 × 3 as weights; expected a cell of two",
    ),
    "text for weights": (
        altered(0, weights=None, filters="run me", biases="run me"),
        r"'conv1_1_W' has dtype text; expected one of float16",
    ),
    "no name": (
        altered(0, name=None),
        r"has a layer without 'name'; it has type, stride, pad, weights",
    ),
    "shape": (
        altered(0, weights=None, filters=FILTERS, biases=NAMED["conv1_1_b"]),
        r"'conv1_1_W' has shape \(3, 3, 64, 3\).*; expected .* \(64, 3, 3, 3\)",
    ),
}


@pytest.mark.parametrize(("layers", "words"), WRONG.values(), ids=WRONG)
def test_wrong_networks(tmp_path, layers, words):
    save_mat(tmp_path / "wrong.mat", layers, mean=None)
    with pytest.raises(ValueError, match=rf"path = '.*wrong\.mat': .*({words})"):
        read_weights(tmp_path / "wrong.mat")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"x": 1.0},
            "holds no variable 'layers'; expected a network of MatConvNet in SimpleNN form",
        ),
        ({"params": [1.0]}, "holds no variable 'layers', but 'params', as a DagNN does"),
        (
            {"layers": np.ones((1, 3))},
            "is no SimpleNN .*: a float64 of size 1 × 3; expected a cell",
        ),
        ({"layers": "conv"}, "is no SimpleNN .*: a text of size 1 × 4; expected a cell array"),
        ({"net": 3.0}, "is no sound .mat file: a float64 of size 1 × 1; expected a single struct"),
    ],
)
def test_other_mat_files(tmp_path, content, words):
    scipy.io.savemat(tmp_path / "other.mat", content)
    with pytest.raises(ValueError, match=rf"path = '.*other\.mat': {words}"):
        read_weights(tmp_path / "other.mat")


def test_a_mean_that_is_none(tmp_path):
    save_mat(tmp_path / "x.mat", simple_nn(NAMED), mean=np.full((10, 10, 3), 100.0))
    with pytest.raises(ValueError, match=r"the mean has shape \(3, 10, 10\).*at least 224 × 224"):
        read_weights(tmp_path / "x.mat")
