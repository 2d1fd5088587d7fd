"""Weights from files: every form gives the same network, and what is wrong gets one clear error."""

import io
import zipfile

import numpy as np
import pytest
from weightfiles import ALEXNET, VGG16, arrays, save_mat, simple_nn, torchvision

from cnninv.safetensors import read_array, read_header, write_safetensors
from cnninv.weights import read_weights, write_weights

NAMED = arrays()


def save_npz(path, **named):
    np.savez(path, **named)
    return path


def save_safetensors(path, named):
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file({name: np.ascontiguousarray(array) for name, array in named.items()}, path)
    return path


def same(weights, named):
    found = {f"{layer}_W": array for layer, array in weights.filters.items()}
    found |= {f"{layer}_b": array for layer, array in weights.biases.items()}
    assert set(found) == set(named)
    for name, array in named.items():
        assert found[name].dtype == np.float32
        assert found[name].flags.c_contiguous
        assert np.array_equal(found[name], array), name


# ---- every form gives the same ---------------------------------------------------------------------------


def test_npz(tmp_path):
    weights = read_weights(save_npz(tmp_path / "vgg.npz", **NAMED))
    same(weights, NAMED)
    assert list(weights.architecture.shapes) == ["conv1_1", "conv1_2"]
    assert weights.origin == "vgg.npz"
    assert np.allclose(weights.preprocessing.mean, [123.68, 116.779, 103.939])


def test_npz_compressed_and_in_other_precisions_and_orders(tmp_path):
    other = {
        name: np.asfortranarray(array.astype(dtype))
        for (name, array), dtype in zip(NAMED.items(), (">f4", "f8", "f2", ">f8"), strict=True)
    }
    np.savez_compressed(tmp_path / "vgg.npz", **other)
    same(read_weights(tmp_path / "vgg.npz"), {n: a.astype(np.float32) for n, a in other.items()})


def test_alexnet_with_groups_and_a_mean_image(tmp_path, rng):
    named, mean = arrays(ALEXNET, "conv2"), 255 * rng.random((3, 256, 256))
    weights = read_weights(save_npz(tmp_path / "alex.npz", **named, mean_RGB=mean))
    same(weights, named)
    assert weights.architecture == ALEXNET.upto("conv2")
    assert np.allclose(weights.preprocessing.mean, mean)
    assert weights.preprocessing.crop == 227


def test_torchvision_and_timm(tmp_path, rng):
    head = {
        name: rng.standard_normal((2, 2)).astype(np.float32)
        for name in ("classifier.0.weight", "pre_logits.fc1.weight", "head.fc.bias")
    }
    path = save_safetensors(tmp_path / "vgg.safetensors", torchvision(NAMED) | head)
    weights = read_weights(path)
    same(weights, NAMED)
    # what those networks were trained on, in 0 … 255
    assert np.allclose(weights.preprocessing.mean / 255, (0.485, 0.456, 0.406))
    assert np.allclose(weights.preprocessing.deviation / 255, (0.229, 0.224, 0.225))


def test_safetensors_with_plain_names(tmp_path):
    weights = read_weights(save_safetensors(tmp_path / "vgg.safetensors", NAMED))
    same(weights, NAMED)
    assert weights.preprocessing.deviation is None


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("wrap", [False, True])
def test_matconvnet(tmp_path, old, compress, wrap):
    save_mat(tmp_path / "vgg.mat", simple_nn(NAMED, old=old), compress=compress, wrap=wrap)
    weights = read_weights(tmp_path / "vgg.mat")
    same(weights, NAMED)
    mean = weights.preprocessing.mean
    assert mean.shape == (3, 224, 224)
    assert np.allclose(mean[:, 7, 9], [123.68, 116.779, 103.939])


def test_matconvnet_has_the_older_place_of_the_mean_and_fully_connected_layers(tmp_path):
    fc6 = {"name": "fc6", "type": "conv", "filters": np.zeros((7, 7, 2, 3)), "biases": np.zeros(3)}
    layers = [*simple_nn(NAMED, last="conv1_2", old=True), fc6, {"name": "prob", "type": "softmax"}]
    normalization = {"averageImage": np.array([[123.0], [116.0], [103.0]])}
    save_mat(tmp_path / "vgg.mat", layers, mean=None, normalization=normalization)
    weights = read_weights(tmp_path / "vgg.mat")
    same(weights, NAMED)
    assert np.array_equal(weights.preprocessing.mean, [123, 116, 103])


def test_matconvnet_alexnet(tmp_path):
    named = arrays(ALEXNET, "conv3")
    layers = simple_nn(named, ALEXNET, "conv3")
    save_mat(tmp_path / "alex.mat", layers, mean=np.full((227, 227, 3), 120.0))
    weights = read_weights(tmp_path / "alex.mat")
    same(weights, named)
    assert weights.architecture == ALEXNET.upto("conv3")


def test_blue_green_red_is_turned_round_once(tmp_path):
    turned = NAMED | {"conv1_1_W": NAMED["conv1_1_W"][:, ::-1]}
    weights = read_weights(save_npz(tmp_path / "bgr.npz", **turned), channels="BGR")
    same(weights, NAMED)


def test_what_is_written_is_read_again(tmp_path, rng):
    named = arrays(ALEXNET, "conv1")
    mean, deviation = 255 * rng.random((3, 227, 227)), np.array([58.0, 57.0, 56.0])
    save_npz(tmp_path / "a.npz", **named, mean_RGB=mean, deviation_RGB=deviation)
    write_weights(tmp_path / "b.npz", read_weights(tmp_path / "a.npz"))
    again = read_weights(tmp_path / "b.npz")
    same(again, named)
    assert np.allclose(again.preprocessing.mean, mean)
    assert np.array_equal(again.preprocessing.deviation, deviation)


# ---- what is wrong -----------------------------------------------------------------------------------------


def renamed(old, new):
    return {new if name == old else name: array for name, array in NAMED.items()}


def without(*names):
    return {name: array for name, array in NAMED.items() if name not in names}


def changed(**arrays):
    return NAMED | arrays


W = NAMED["conv1_2_W"]
INFINITE = np.where(np.arange(W.size).reshape(W.shape) == 7, np.inf, W)
LONGER = arrays(last="conv2_2")
WRONG = {
    "renamed": (
        renamed("conv1_2_W", "conv12_W"),
        r"array 'conv12_W' belongs to no layer of VGG-16 .*; expected conv1_1_W, conv1_1_b, … conv5_3_b",
    ),
    "no bias": (without("conv1_1_b"), r"the bias of conv1_1 are missing, but conv1_2 is there"),
    "no last bias": (without("conv1_2_b"), r"the bias of conv1_2 are missing"),
    "gap": (
        {name: array for name, array in LONGER.items() if not name.startswith("conv2_1")},
        r"the filters of conv2_1 are missing, but conv2_2 is there",
    ),
    "axes swapped": (
        changed(conv1_1_W=NAMED["conv1_1_W"].swapaxes(0, 1)),
        r"'conv1_1_W' has shape \(3, 64, 3, 3\); expected \(K, M/groups, l1, l2\) = \(64, 3, 3, 3\)",
    ),
    "channels last": (
        changed(conv1_2_W=W.transpose(2, 3, 1, 0)),
        r"'conv1_2_W' has shape \(3, 3, 64, 64\); expected .* \(64, 64, 3, 3\) for conv1_2",
    ),
    "layers swapped": (
        changed(conv1_1_W=W, conv1_2_W=NAMED["conv1_1_W"]),
        r"'conv1_1_W' has shape \(64, 64, 3, 3\)",
    ),
    "bias misshapen": (
        changed(conv1_1_b=np.zeros(63)),
        r"'conv1_1_b' has shape \(63,\); expected \(64,\)",
    ),
    "integers": (
        changed(conv1_2_W=W.astype(np.int32)),
        r"'conv1_2_W' has dtype (int32|I32); expected one of",
    ),
    "complex": (changed(conv1_2_W=W + 0j), r"'conv1_2_W' has dtype complex"),
    "infinite": (
        changed(conv1_2_W=INFINITE),
        r"'conv1_2_W' has 1 entries that are NaN or infinite",
    ),
    "not a number": (
        changed(conv1_1_b=np.full(64, np.nan)),
        r"'conv1_1_b' has 64 entries that are NaN",
    ),
    "too large for float32": (
        changed(conv1_1_b=np.full(64, 1e300)),
        r"'conv1_1_b' has 64 entries that are NaN or infinite in float32",
    ),
    "another network": (
        {"layer4.0.conv1.weight": W, "fc.bias": W},
        r"holds '(layer4|fc).*, '(layer4|fc).*'; expected names like conv1_1_W",
    ),
    "nothing": ({}, r"holds no arrays; expected names like"),
}


@pytest.mark.parametrize(("named", "words"), WRONG.values(), ids=WRONG)
def test_wrong_npz(tmp_path, named, words):
    path = save_npz(tmp_path / "wrong.npz", **named)
    with pytest.raises(ValueError, match=rf"path = '.*wrong\.npz': .*{words}"):
        read_weights(path)


@pytest.mark.parametrize(
    ("named", "words"),
    [value for name, value in WRONG.items() if name not in ("complex", "nothing")],
)
def test_wrong_safetensors(tmp_path, named, words):
    path = save_safetensors(tmp_path / "wrong.safetensors", named)
    with pytest.raises(ValueError, match=rf"path = '.*wrong\.safetensors': .*{words}"):
        read_weights(path)


def test_a_layer_under_two_names(tmp_path):
    both = NAMED | torchvision(NAMED)
    with pytest.raises(
        ValueError, match=r"'conv1_1_W' and 'features.0.weight' are of the same layer"
    ):
        read_weights(save_npz(tmp_path / "both.npz", **both))


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (np.zeros(4), r"the mean has shape \(4,\)"),
        (np.zeros((224, 224, 3)), r"the mean has shape \(224, 224, 3\)"),
        (np.zeros((3, 100, 100)), r"the mean has .* or an image of at least 224 × 224 pixels"),
        (np.full(3, np.nan), r"the mean must be finite and in 0 … 255"),
        (np.full(3, 300.0), r"the mean must be finite and in 0 … 255"),
        (np.array(["a", "b", "c"]), r"mean_RGB or deviation_RGB has shape \(3,\), dtype str"),
    ],
)
def test_wrong_mean(tmp_path, mean, words):
    with pytest.raises(ValueError, match=words):
        read_weights(save_npz(tmp_path / "wrong.npz", **NAMED, mean_RGB=mean))


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".pkl", ".h5", ""])
def test_files_of_pickles_are_not_read(tmp_path, suffix):
    path = tmp_path / f"vgg16{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'echo hello'\ntR.")
    with pytest.raises(ValueError, match=r"expected one of \.mat, \.npz, .*pickles .*can run code"):
        read_weights(path)


class Hostile:
    """Would leave a file behind when unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_is_unpickled(tmp_path):
    mark = tmp_path / "executed"
    hostile = np.array([Hostile(mark)], dtype=object)
    np.savez(tmp_path / "hostile.npz", allow_pickle=True, **changed(conv1_1_W=hostile))
    with pytest.raises(ValueError, match=r"'conv1_1_W' .*"):
        read_weights(tmp_path / "hostile.npz")
    assert not mark.exists()


def test_shapes_are_checked_before_anything_large_is_read(tmp_path, tracemalloc_peak):
    path = tmp_path / "large.npz"
    np.savez_compressed(path, **changed(conv1_2_W=np.zeros((64, 64, 3, 3000), np.float32)))

    def read():
        with pytest.raises(ValueError, match=r"'conv1_2_W' has shape \(64, 64, 3, 3000\)"):
            read_weights(path)

    assert tracemalloc_peak(read) < 2**20


def test_a_header_that_promises_more_than_there_is(tmp_path):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": "<f4", "fortran_order": False, "shape": (64, 10**9)}
    )
    path = save_npz(tmp_path / "vgg.npz", **without("conv1_2_W"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("conv1_2_W.npy", content.getvalue() + b"0" * 100)
    with pytest.raises(ValueError, match="array 'conv1_2_W' is not as long as its header says"):
        read_weights(path)


@pytest.mark.parametrize("suffix", ["npz", "mat", "safetensors"])
def test_a_truncated_file_gets_one_error(tmp_path, suffix):
    whole = tmp_path / f"whole.{suffix}"
    if suffix == "npz":
        save_npz(whole, **NAMED)
    elif suffix == "mat":
        save_mat(whole, simple_nn(NAMED), mean=None)
    else:
        save_safetensors(whole, NAMED)
    content, part = whole.read_bytes(), tmp_path / f"part.{suffix}"
    for share in (0.0, 1e-4, 0.001, 0.01, 0.3, 0.7, 0.99, 0.9999):
        part.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=rf"path = '.*part\.{suffix}': (is no|holds|array)"):
            read_weights(part)


@pytest.mark.parametrize("suffix", ["npz", "mat"])
def test_a_damaged_file_gets_one_error(tmp_path, suffix, rng):
    """Both have checksums, so a flipped byte never goes unnoticed where it matters."""
    whole = tmp_path / f"whole.{suffix}"
    if suffix == "npz":
        np.savez_compressed(whole, **NAMED)
    else:
        save_mat(whole, simple_nn(NAMED), mean=None)
    content = bytearray(whole.read_bytes())
    messages, part = [], tmp_path / f"part.{suffix}"
    for place in rng.integers(0, len(content), 30):
        damaged = content.copy()
        damaged[place] ^= 0xFF
        part.write_bytes(damaged)
        try:
            same(read_weights(part), NAMED)
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) >= 28
    assert all(message.startswith(f"path = {str(part)!r}: ") for message in messages)


@pytest.mark.parametrize("suffix", ["npz", "mat", "safetensors"])
def test_any_bytes_get_one_error(tmp_path, rng, suffix):
    if suffix == "safetensors":
        pytest.importorskip("safetensors")
    for length in (0, 1, 200, 5000):
        path = tmp_path / f"noise.{suffix}"
        path.write_bytes(rng.bytes(length))
        with pytest.raises(ValueError, match=rf"path = '.*noise\.{suffix}': is no "):
            read_weights(path)


HEADERS = {
    "no JSON": b"{",
    "no object": b"[]",
    "an array that is none": b'{"conv1_1_W": 3}',
    "no offsets": b'{"conv1_1_W": {"dtype": "F32", "shape": [1]}}',
    "offsets that are no integers": b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0.0, 4.0]}}',
    "a negative shape": b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
    "a huge shape": b'{"a": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4]}}',
    "an unknown dtype": b'{"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}',
    "bytes of nobody": b'{"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}',
    "bytes of two": b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
    b'"b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
    "a gap": b'{"a": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]}}',
    "a name twice": b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
    b'"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
    "deep nesting": b"[" * 100_000,
    "bad metadata": b'{"__metadata__": {"x": 1}}',
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_safetensors_header_that_lies_is_refused(tmp_path, what):
    path, text = tmp_path / "x.safetensors", HEADERS[what]
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 4)
    with pytest.raises(ValueError, match=rf"path = {str(path)!r}: is no sound .safetensors file"):
        read_weights(path)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_safetensors_are_those_of_the_package(tmp_path, rng, dtype):
    numpy = pytest.importorskip("safetensors.numpy")
    arrays = {"a": rng.standard_normal((3, 4)).astype(dtype), "Φ": np.zeros((0, 2), dtype)}
    write_safetensors(tmp_path / "ours", arrays, {"k": "v"})
    numpy.save_file(arrays, tmp_path / "theirs", {"k": "v"})
    header, start, metadata = read_header(tmp_path / "theirs")
    assert metadata == {"k": "v"}
    read = {name: read_array(tmp_path / "theirs", start, header[name]) for name in header}
    for found in (numpy.load_file(tmp_path / "ours"), read):
        assert found.keys() == arrays.keys()
        assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
        assert all(found[name].dtype == dtype for name in arrays)


@pytest.mark.shared
def test_what_is_beside_the_project_is_read(shared_data):
    vgg = read_weights(shared_data / "vgg16_conv1_1-conv3_3.npz")
    assert vgg.architecture == VGG16.upto("conv3_3")
    alexnet = read_weights(shared_data / "alexnet_conv1-conv5.npz")
    assert alexnet.architecture == ALEXNET
    assert alexnet.preprocessing.mean.shape == (3, 256, 256)


@pytest.mark.shared
def test_the_original_weights_with_something_exchanged_are_noticed(shared_data, tmp_path):
    original = dict(np.load(shared_data / "vgg16_conv1_1-conv3_3.npz"))
    colours = original | {"conv1_1_W": original["conv1_1_W"][:, ::-1]}
    path = save_npz(tmp_path / "bgr.npz", **colours)
    with pytest.raises(
        ValueError, match=r"red and blue exchanged; expected channels = 'BGR' for th"
    ):
        read_weights(path)
    same(read_weights(path, channels="BGR"), original)
    with pytest.raises(
        ValueError, match=r"red and blue exchanged; expected channels = 'RGB' for th"
    ):
        read_weights(save_npz(tmp_path / "rgb.npz", **original), channels="BGR")
    layers = original | {
        "conv3_2_W": original["conv3_3_W"],
        "conv3_3_W": original["conv3_2_W"],
    }
    with pytest.raises(
        ValueError, match=r"conv3_2 has the filters that the original .* in conv3_3"
    ):
        read_weights(save_npz(tmp_path / "exchanged.npz", **layers))
