"""Networks: the forward pass against SciPy, PyTorch and the explicit matrix, and the real weights."""

import dataclasses

import numpy as np
import pytest
from scipy.signal import correlate

from cnninv import coherence, load_network, max_pool, random_network
from cnninv.architectures import ALEXNET, Architecture, Conv, MaxPool, Normalization, ReLU
from cnninv.images import read_image
from cnninv.layers import max_pool_windows, normalize_channels
from cnninv.networks import Network
from cnninv.patches import PATCH_BYTES
from cnninv.preprocessing import Preprocessing
from cnninv.weights import Weights

SMALL = Architecture(
    "small",
    "Small",
    (
        Conv("conv1", 6, 3, stride=2, padding=1),
        ReLU("relu1"),
        Normalization("norm1", alpha=0.5),
        MaxPool("pool1", 3, 2),
        Conv("conv2", 4, 3, padding=1, groups=2),
        ReLU("relu2"),
        MaxPool("pool2", 2, 2),
    ),
    crop=13,
)


@pytest.fixture
def small(rng):
    filters = {name: rng.standard_normal(shape) for name, shape in SMALL.shapes.items()}
    biases = {name: rng.standard_normal(len(values)) for name, values in filters.items()}
    preprocessing = Preprocessing(13, np.full(3, 120.0))
    return Network(Weights(SMALL, filters, biases, preprocessing, "small"))


def by_hand(network, x):
    """The forward pass in loops, with SciPy's correlation."""
    out, h = {}, x
    for layer in network.architecture.layers:
        if isinstance(layer, Conv):
            w, p = network.filters(layer.name), layer.padding
            padded, M = np.pad(h, ((0, 0), (p, p), (p, p))), w.shape[1]
            h = np.stack(
                [
                    correlate(padded[g * M : g * M + M], w[i], mode="valid")[0]
                    + network.bias(layer.name)[i]
                    for i in range(layer.K)
                    for g in [i // (layer.K // layer.groups)]
                ]
            )[:, :: layer.stride, :: layer.stride]
        elif isinstance(layer, ReLU):
            h = np.maximum(h, 0)
        elif isinstance(layer, MaxPool):
            n = [max(1, -(-(d - layer.size) // layer.stride) + 1) for d in h.shape[1:]]
            corner = np.array(list(np.ndindex(*n))) * layer.stride
            windows = [h[:, a : a + layer.size, b : b + layer.size] for a, b in corner]
            h = np.stack([w.max(axis=(1, 2)) for w in windows], axis=1).reshape(len(h), *n)
        else:
            reach = layer.size // 2
            sums = [(h[max(0, i - reach) : i + reach + 1] ** 2).sum(axis=0) for i in range(len(h))]
            h = h / (layer.k + layer.alpha / layer.size * np.array(sums)) ** layer.beta
        out[layer.name] = h
    return out


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def test_every_layer_is_what_its_definition_says(small, rng):
    x = rng.standard_normal((3, 13, 15))
    expected, found = by_hand(small, x), small.forward(x)
    assert list(found) == list(expected) == small.layers
    for name, h in expected.items():
        assert found[name].shape == h.shape
        assert np.allclose(found[name], h), name


def test_a_convolution_is_the_explicit_matrix_plus_the_bias(small, rng):
    x = rng.standard_normal((3, 13, 13))
    kept = small.forward(x, ["conv1", "pool1", "conv2"])
    for layer, before in (("conv1", x), ("conv2", kept["pool1"])):
        W = small.operator(layer, before.shape[1:]).to_matrix()
        h = (W @ before.ravel()).reshape(kept[layer].shape)
        assert np.allclose(h + small.bias(layer)[:, None, None], kept[layer])


def test_a_batch_is_its_images_one_by_one(small, rng):
    x = rng.standard_normal((4, 3, 13, 13))
    together = small.forward(x)
    for i in range(4):
        alone = small.forward(x[i])
        assert all(np.allclose(together[name][i], alone[name]) for name in small.layers)


def test_asking_for_fewer_layers_changes_none_of_them(small, rng):
    x = rng.standard_normal((3, 13, 13))
    everything = small.forward(x)
    for name in small.layers:
        assert np.array_equal(small.forward(x, name)[name], everything[name])
    two = small.forward(x, ["relu2", "conv1"])
    assert list(two) == ["relu2", "conv1"]
    assert np.array_equal(two["relu2"], everything["relu2"])


def test_the_input_is_left_as_it_was(small, rng):
    x = rng.standard_normal((3, 13, 13))
    before = x.copy()
    small.forward(x)
    assert np.array_equal(x, before)


def test_activations_are_those_of_the_preprocessed_image(small, rng):
    image = rng.random((3, 20, 17))
    x = small.preprocessing(image)
    assert np.array_equal(small.activations(image, "pool2")["pool2"], small.forward(x)["pool2"])


def test_pooling_over_windows_that_do_not_overlap_is_max_pool(rng):
    h = rng.standard_normal((3, 7, 5))
    values, _ = max_pool(h.ravel(), h.shape, 2, by="value")
    assert np.array_equal(max_pool_windows(h[..., None], 2, 2).ravel(), values)


@pytest.mark.parametrize("shape", [(3, 13, 13), (5, 2, 7), (4, 6, 6)])
@pytest.mark.parametrize("name", ["vgg16", "alexnet"])
def test_random_networks_agree_with_pytorch(name, shape, rng):
    torch = pytest.importorskip("torch")
    network = random_network(name, rng)
    size = {"vgg16": 64, "alexnet": 11 + 4 * 16}[name] + 4 * shape[1]
    x = rng.standard_normal((3, size, size)).astype(np.float32)
    compare(torch, network, x)


def compare(torch, network, x):
    """Every layer within 1e-5 of PyTorch in float32."""
    functional = torch.nn.functional
    h, found = torch.from_numpy(x)[None], network.forward(x)
    for layer in network.architecture.layers:
        if isinstance(layer, Conv):
            filters, bias = (
                torch.from_numpy(part(layer.name)) for part in (network.filters, network.bias)
            )
            options = (layer.stride, layer.padding, 1, layer.groups)
            h = functional.conv2d(h, filters, bias, *options)
        elif isinstance(layer, ReLU):
            h = functional.relu(h)
        elif isinstance(layer, MaxPool):
            h = functional.max_pool2d(h, layer.size, layer.stride, ceil_mode=True)
        else:
            h = functional.local_response_norm(h, layer.size, layer.alpha, layer.beta, layer.k)
        assert found[layer.name].shape == h.shape[1:]
        assert relative(found[layer.name], h[0].numpy()) < 1e-5, layer.name


def test_normalisation_and_overlapping_pools_agree_with_pytorch(rng):
    torch = pytest.importorskip("torch")
    h = 50 * rng.standard_normal((2, 96, 11, 14)).astype(np.float32)
    ours, theirs = np.moveaxis(h, 0, -1), torch.from_numpy(h)
    layer = ALEXNET.layers[2]
    normal = torch.nn.functional.local_response_norm(theirs, 5, 1e-4, 0.75, 1.0).numpy()
    assert relative(np.moveaxis(normalize_channels(ours, layer), -1, 0), normal) < 1e-6
    for size, stride in ((3, 2), (2, 2), (3, 3), (3, 1)):
        pooled = torch.nn.functional.max_pool2d(theirs, size, stride, ceil_mode=True).numpy()
        assert np.array_equal(np.moveaxis(max_pool_windows(ours, size, stride), -1, 0), pooled)


def test_memory_is_near_what_the_largest_layer_needs(rng, tracemalloc_peak):
    network = random_network("vgg16", rng, last="conv2_1")
    x = rng.standard_normal((3, 224, 224)).astype(np.float32)
    largest = 2 * 64 * 224 * 224 * 4  # input and output of conv1_2
    assert tracemalloc_peak(lambda: network.forward(x, "relu2_1")) < largest + 1.5 * PATCH_BYTES


def test_what_it_is_can_be_read(small):
    assert repr(small).splitlines() == [
        "Small: all 2 convolutions, from small",
        "  input: 13 × 13 middle pixels, RGB in 0 … 255, minus (120, 120, 120)",
        "  conv1: 6 filters of 3 × 3 × 3, stride 2; normalisation over 5 channels; "
        "pool1 3 × 3, stride 2",
        "  conv2: 4 filters of 3 × 3 × 3, 2 groups; pool2 2 × 2, stride 2",
    ]


def test_a_network_with_fewer_layers_says_so(rng):
    network = random_network("vgg16", rng, last="conv1_2")
    assert "the first 2 of 13 convolutions, to conv1_2" in repr(network)
    assert network.convolutions == ["conv1_1", "conv1_2"]
    assert network.layers == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    with pytest.raises(ValueError, match=r"layer = 'conv2_1' must be one of 'conv1_1', 'conv1_2'"):
        network.filters("conv2_1")


def test_the_papers_labels(rng):
    network = random_network("vgg16", rng, last="conv1_2")
    assert network.filters("c(1,2)") is network.filters("conv(1,2)") is network.filters("conv1_2")
    x = rng.standard_normal((3, 4, 4))
    assert np.array_equal(network.forward(x, "p(1)")["p(1)"], network.forward(x)["pool1"])
    with pytest.raises(ValueError, match=r"'c\(1,1\)', which may be 'conv1_1', .* or 'relu1_1'"):
        network.forward(x, "c(1,1)")


@pytest.mark.parametrize(
    ("x", "layers", "words"),
    [
        (np.zeros((1, 8, 8)), None, r"x has shape \(1, 8, 8\); expected \(3, height, width\)"),
        (np.zeros((3, 8)), None, r"x has shape \(3, 8\), 2 axes; expected 3 or 4 axes"),
        (np.full((3, 8, 8), np.inf), None, "x has 192 entries that are NaN or infinite"),
        (np.zeros((3, 8, 8)), [], "layers is empty; expected at least one name"),
        (np.zeros((3, 8, 8)), ["relu9"], r"layers = 'relu9' must be one of 'conv1', 'relu1'"),
        (np.zeros((3, 8, 8)), None, r"D \+ 2\*padding - l\)/stride"),
    ],
)
def test_what_does_not_fit_is_refused(small, x, layers, words):
    with pytest.raises(ValueError, match=words):
        small.forward(x, layers)


def test_same_seed_same_network():
    one, other = (random_network("alexnet", np.random.default_rng(3)) for _ in range(2))
    assert all(np.array_equal(one.filters(c), other.filters(c)) for c in one.convolutions)
    assert one.dtype == np.float32


def test_a_network_survives_a_file(small, rng, tmp_path):
    network = random_network("vgg16", rng, last="conv2_1")
    network.save(tmp_path / "n.npz")
    again = load_network(tmp_path / "n.npz")
    assert repr(again) == repr(network).replace("random filters", "n.npz")
    x = rng.standard_normal((3, 8, 8))
    found, expected = (n.forward(x, "relu2_1")["relu2_1"] for n in (again, network))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("vgg19.npz",), FileNotFoundError, r"path = 'vgg19.npz': no such file"),
        (("vgg19",), ValueError, r"path = 'vgg19' ends in ''; expected one of .mat, .npz, .saf"),
        (
            (3,),
            TypeError,
            r"name_or_path = 3 must be one of vgg16, alexnet, vgg16-quarter, or a path",
        ),
        (
            ("x.npz", "vgg19"),
            ValueError,
            r"architecture = 'vgg19' must be one of 'vgg16', 'alexnet'",
        ),
        (("x.npz", None, "GRB"), ValueError, r"channels = 'GRB' must be one of 'RGB', 'BGR'"),
    ],
)
def test_what_cannot_be_loaded_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        load_network(*arguments)


# ---- real weights, if they are there -------------------------------------------------------------------

# mean, standard deviation and share of non-zeros of matplotlib's sample photograph: they guard channel
# order, mean and crop
CHECKSUMS = {
    "vgg16_conv1_1-conv3_3.npz": {
        "conv1_1": (-2.6629, 80.18, 1.0),
        "relu1_1": (26.557, 48.603, 0.5040),
        "relu1_2": (141.96, 217.51, 0.6819),
        "pool1": (182.54, 235.73, 0.8125),
        "relu2_1": (215.68, 278.62, 0.6685),
        "relu2_2": (240.46, 470.15, 0.4864),
        "pool2": (412.03, 605.87, 0.7045),
        "relu3_1": (316.84, 560.87, 0.5170),
        "relu3_2": (351.92, 576.65, 0.5093),
        "relu3_3": (230.38, 549.87, 0.3016),
        "pool3": (421.47, 741.88, 0.4777),
    },
    "alexnet_conv1-conv5.npz": {
        "relu1": (25.903, 74.480, 0.4693),
        "norm1": (16.253, 30.145, 0.4693),
        "pool1": (41.272, 40.333, 0.8590),
        "relu2": (14.646, 42.537, 0.2414),
        "pool2": (27.243, 37.898, 0.5193),
        "relu3": (35.811, 56.017, 0.5033),
        "relu4": (45.280, 68.559, 0.4978),
        "relu5": (13.355, 46.466, 0.1416),
        "pool5": (41.256, 81.381, 0.3572),
    },
}


def checksum(h):
    return float(h.mean()), float(h.std()), float(np.count_nonzero(h) / h.size)


@pytest.mark.shared
@pytest.mark.parametrize("file", CHECKSUMS)
def test_activations_of_the_sample_photograph(shared_data, file):
    network, image = load_network(shared_data / file), read_image("sample")
    expected = CHECKSUMS[file]
    found = network.activations(image, expected)
    for layer, values in expected.items():
        assert checksum(found[layer]) == pytest.approx(values, rel=5e-3), layer
    swapped = network.activations(image[::-1], "pool2")["pool2"]
    assert checksum(swapped) != pytest.approx(expected["pool2"], rel=5e-3)


@pytest.mark.shared
@pytest.mark.parametrize("file", CHECKSUMS)
def test_real_networks_agree_with_pytorch(shared_data, file):
    torch = pytest.importorskip("torch")
    network = load_network(shared_data / file)
    compare(torch, network, network.preprocessing(read_image("sample")))


@pytest.mark.shared
def test_coherence_of_the_real_filters(shared_data):
    network = load_network(shared_data / "vgg16_conv1_1-conv3_3.npz")
    assert "the first 7 of 13 convolutions, to conv3_3" in repr(network)
    found = [coherence(network.filters(layer)) for layer in network.convolutions]
    expected = (0.994, 0.943, 0.897, 0.800, 0.752, 0.584, 0.537)
    assert found == pytest.approx(expected, abs=5.1e-4)


@pytest.mark.shared
def test_sparsity_of_a_few_photographs_is_that_of_table_2(shared_data):
    network = load_network(shared_data / "vgg16_conv1_1-conv3_3.npz")
    files = sorted((shared_data / "imagenet_256").iterdir())[::150]
    images = np.stack([read_image(file) for file in files])
    # means over 100 other photographs
    known = {"relu1_1": 53, "relu1_2": 68, "pool1": 81, "relu2_1": 66, "relu2_2": 48, "pool2": 69}
    found = network.activations(images, known)
    for layer, percent in known.items():
        assert 100 * np.mean(found[layer] != 0) == pytest.approx(percent, abs=5), layer


def test_preprocessing_can_be_replaced(small, rng):
    other = dataclasses.replace(small.weights, preprocessing=Preprocessing(13, np.zeros(3)))
    image = rng.random((3, 13, 13))
    found = Network(other).activations(image, "conv1")["conv1"]
    assert np.allclose(found, small.forward(255 * image, "conv1")["conv1"], rtol=1e-4, atol=1e-3)
