"""W against its definition, SciPy, PyTorch, PyLops, and the Fourier formula for circular layers."""

from itertools import product
from math import prod

import numpy as np
import pytest
import scipy.signal
import scipy.sparse
from hypothesis import given
from strategies import circular_layers, layers

import cnninv
from cnninv import conv_matrix, conv_shape, geometry


def by_definition(layer):
    """h[i, j] = Σ_m Σ_τ filters[i, m, τ] x[m, j·stride + τ − padding], one entry at a time."""
    filters, D, groups = layer.filters, layer.input_shape, layer.groups
    K, M = filters.shape[:2]
    circular = layer.padding == "circular"
    offset = [(l - 1) // 2 for l in filters.shape[2:]] if circular else layer.padding
    W = np.zeros((K, *layer.positions, M * groups, *D))
    for i, m in product(range(K), range(M)):
        channel = (i // (K // groups)) * M + m
        for j in product(*map(range, layer.positions)):
            for tap in product(*map(range, filters.shape[2:])):
                place = [
                    a * s + t - o for a, s, t, o in zip(j, layer.stride, tap, offset, strict=True)
                ]
                if circular:
                    place = [p % d for p, d in zip(place, D, strict=True)]
                if all(0 <= p < d for p, d in zip(place, D, strict=True)):
                    W[(i, *j, channel, *place)] += filters[(i, m, *tap)]
    return W.reshape(K * prod(layer.positions), -1)


def test_a_row_of_w_is_the_filter_unflipped_at_its_shift():
    W = conv_matrix([[[1, 2, 3]], [[4, 5, 6]]], 5)
    np.testing.assert_array_equal(W.toarray()[1], [0, 1, 2, 3, 0])
    np.testing.assert_array_equal(W.toarray()[5], [0, 0, 4, 5, 6])


def test_a_row_of_a_two_dimensional_w_is_the_filter_on_the_image():
    filters = np.arange(1.0, 5).reshape(1, 1, 2, 2)
    row = conv_matrix(filters, (3, 4)).toarray()[4].reshape(3, 4)
    np.testing.assert_array_equal(row, [[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0]])


def test_row_i_n_plus_j_is_filter_i_and_column_m_d_plus_p_is_channel_m():
    filters = np.zeros((3, 2, 1))
    filters[2, 1] = 7
    W = conv_matrix(filters, 4).toarray()
    np.testing.assert_array_equal(np.argwhere(W), [[8 + j, 4 + j] for j in range(4)])


@given(layers(groups=True))
def test_w_is_its_definition(layer):
    np.testing.assert_array_equal(layer.W.toarray(), by_definition(layer))


@given(circular_layers())
def test_circular_w_is_its_definition(layer):
    np.testing.assert_array_equal(layer.W.toarray(), by_definition(layer))


@given(layers())
def test_w_x_is_scipy_correlation(layer):
    x = layer.random()
    correlate = scipy.signal.correlate if x.ndim == 2 else scipy.signal.correlate2d
    padded = np.pad(x, [(0, 0), *((p, p) for p in layer.padding)])
    every = tuple(slice(None, None, s) for s in layer.stride)
    h = [
        sum(correlate(c, w, mode="valid") for c, w in zip(padded, bank, strict=True))[every]
        for bank in layer.filters
        if all(c >= w for c, w in zip(padded.shape[1:], bank.shape[1:], strict=True))
    ]
    np.testing.assert_allclose(layer.W @ x.ravel(), np.ravel(h), atol=1e-12)


@given(layers(unit_stride=True))
def test_w_transposed_is_full_convolution_cropped(layer):
    h = layer.random(rows=True)
    convolve = scipy.signal.convolve if h.ndim == 2 else scipy.signal.convolve2d
    crop = tuple(slice(p, p + D) for p, D in zip(layer.padding, layer.input_shape, strict=True))
    x = [
        sum(convolve(c, w) for c, w in zip(h, layer.filters[:, m], strict=True))[crop]
        for m in range(layer.M)
    ]
    np.testing.assert_allclose(layer.W.T @ h.ravel(), np.ravel(x), atol=1e-12)


@given(layers(groups=True))
def test_w_x_is_torch_convolution(layer):
    torch = pytest.importorskip("torch")
    conv = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d}[len(layer.stride)]
    x = layer.random()
    h = conv(
        torch.tensor(x)[None],
        torch.tensor(layer.filters),
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
    )
    assert tuple(h.shape[1:]) == (len(layer.filters), *layer.positions)
    np.testing.assert_allclose(layer.W @ x.ravel(), h.numpy().ravel(), atol=1e-12)


@given(layers(groups=True))
def test_w_transposed_is_torch_transposed_convolution(layer):
    torch = pytest.importorskip("torch")
    name = f"conv_transpose{len(layer.stride)}d"
    h = layer.random(rows=True)
    x = getattr(torch.nn.functional, name)(
        torch.tensor(h)[None],
        torch.tensor(layer.filters),
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
    )
    np.testing.assert_allclose(layer.W.T @ h.ravel(), x.numpy().ravel(), atol=1e-12)


@given(circular_layers())
def test_circular_w_x_is_torch_convolution_of_the_wrapped_signal(layer):
    torch = pytest.importorskip("torch")
    x, conv = layer.random(), getattr(torch.nn.functional, f"conv{len(layer.stride)}d")
    around = [(0, 0), *(((l - 1) // 2, l // 2) for l in layer.filters.shape[2:])]
    wrapped = torch.tensor(np.pad(x, around, mode="wrap"))[None]
    h = conv(wrapped, torch.tensor(layer.filters), stride=layer.stride)
    # where the stride exceeds what the right edge needs, the wrapped signal has one shift more
    h = h[(0, slice(None), *map(slice, layer.positions))]
    np.testing.assert_allclose(layer.W @ x.ravel(), h.numpy().ravel(), atol=1e-12)


@given(layers())
def test_the_adjoint_identity_holds(layer):
    # ⟨W x, y⟩ = ⟨x, Wᵀ y⟩ with W x from SciPy's definition of the layer and Wᵀ y ours
    x, y = layer.random().ravel(), layer.random(rows=True).ravel()
    forward = by_definition(layer) @ x
    assert forward @ y == pytest.approx(x @ (layer.W.T @ y), abs=1e-10)


def selection_of_tap(tap, D, n, stride, padding):
    """S_τ, n × D: row j selects position j·stride + τ − padding, if there is one."""
    rows = scipy.sparse.eye_array(D + 2 * padding, format="csr")[tap::stride][:n]
    return rows[:, padding : padding + D]


@given(layers())
def test_w_is_the_kronecker_sum_over_taps(layer):
    W = 0
    for tap in product(*map(range, layer.filters.shape[2:])):
        S = scipy.sparse.eye_array(1)
        for each in zip(
            tap, layer.input_shape, layer.positions, layer.stride, layer.padding, strict=True
        ):
            S = scipy.sparse.kron(S, selection_of_tap(*each))
        # W = Σ_τ kron(filters[:, :, τ], S_τ)
        W = W + scipy.sparse.kron(layer.filters[(..., *tap)], S)
    np.testing.assert_array_equal(layer.W.toarray(), W.toarray())


@given(circular_layers(axes=(1,)))
def test_circular_w_x_is_a_sum_of_rolled_signals(layer):
    x, offset = layer.random(), (layer.filters.shape[2] - 1) // 2
    h = np.zeros((len(layer.filters), layer.input_shape[0]))
    for i, m, tap in np.ndindex(layer.filters.shape):
        h[i] += layer.filters[i, m, tap] * np.roll(x[m], offset - tap)
    np.testing.assert_allclose(layer.W @ x.ravel(), h[:, :: layer.stride[0]].ravel(), atol=1e-12)


@given(circular_layers(axes=(2,)))
def test_circular_images_wrap_around_both_edges(layer):
    x, size = layer.random(), layer.filters.shape[2:]
    h = np.zeros((len(layer.filters), *layer.input_shape))
    for i, m, a, b in np.ndindex(layer.filters.shape):
        shift = ((size[0] - 1) // 2 - a, (size[1] - 1) // 2 - b)
        h[i] += layer.filters[i, m, a, b] * np.roll(x[m], shift, axis=(0, 1))
    kept = h[:, :: layer.stride[0], :: layer.stride[1]]
    np.testing.assert_allclose(layer.W @ x.ravel(), kept.ravel(), atol=1e-12)


@given(circular_layers(unit_stride=True))
def test_circular_w_has_the_singular_values_of_sedghi_gupta_long_2019(layer):
    axes = tuple(range(2, layer.filters.ndim))
    # the K × M matrices of the filters' transforms, one for each frequency
    transforms = np.fft.fftn(layer.filters, s=layer.input_shape, axes=axes)
    by_frequency = np.linalg.svd(np.moveaxis(transforms, (0, 1), (-2, -1)), compute_uv=False)
    ours = np.linalg.svd(layer.W.toarray(), compute_uv=False)
    np.testing.assert_allclose(ours, np.sort(by_frequency.ravel())[::-1], atol=1e-10)


@given(layers(unit_stride=True))
def test_same_padding_keeps_every_position(layer):
    filters = layer.filters[
        (..., *(slice(None, (l - 1) // 2 * 2 + 1) for l in layer.filters.shape[2:]))
    ]
    W = conv_matrix(filters, layer.input_shape, padding="same")
    x = layer.random()
    correlate = scipy.signal.correlate if x.ndim == 2 else scipy.signal.correlate2d
    size = [(l - 1) // 2 for l in filters.shape[2:]]
    crop = tuple(slice(r, r + D) for r, D in zip(size, layer.input_shape, strict=True))
    h = [
        sum(correlate(c, w, mode="full") for c, w in zip(x, bank, strict=True))[crop]
        for bank in filters
    ]
    np.testing.assert_allclose(W @ x.ravel(), np.ravel(h), atol=1e-12)


@pytest.mark.parametrize("axes", [1, 2])
def test_same_padding_is_pylops_convolution_with_the_flipped_filter(axes):
    pylops = pytest.importorskip("pylops")
    rng = np.random.default_rng(0)
    w, D = rng.standard_normal((5, 3)[:axes]), (9, 7)[:axes]
    # PyLops convolves: our filter is its, flipped, with the origin in the middle
    theirs = pylops.signalprocessing.ConvolveND(
        D, h=np.flip(w), offset=[s // 2 for s in w.shape], axes=range(axes), dtype=float
    )
    ours = conv_matrix(w[None, None], D, padding="same")
    np.testing.assert_allclose(ours.toarray(), theirs.todense(), atol=1e-14)


def fresh(W):
    """The same CSR arrays in a new object, which knows nothing of their order."""
    return scipy.sparse.csr_array((W.data.copy(), W.indices.copy(), W.indptr.copy()), W.shape)


@given(layers(groups=True) | circular_layers())
def test_w_is_canonical_csr_with_int32_indices(layer):
    W = fresh(layer.W)
    assert W.has_sorted_indices
    assert W.has_canonical_format
    assert layer.W.indices.dtype == layer.W.indptr.dtype == np.int32
    W.sum_duplicates()
    W.sort_indices()
    np.testing.assert_array_equal(W.indices, layer.W.indices)
    np.testing.assert_array_equal(W.data, layer.W.data)


@given(layers(groups=True) | circular_layers())
def test_indices_become_int64_when_int32_is_too_small(layer):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "INT32_MAX", 0)
        W = conv_matrix(
            layer.filters, layer.input_shape, layer.stride, layer.padding, groups=layer.groups
        )
    assert W.indices.dtype == W.indptr.dtype == np.int64
    np.testing.assert_array_equal(W.toarray(), layer.W.toarray())


@pytest.mark.parametrize(
    ("given_dtype", "dtype", "expected"),
    [
        (np.float32, None, np.float32),
        (np.float64, None, np.float64),
        (np.float64, np.float32, np.float32),
        (np.float32, "float64", np.float64),
        (np.int64, None, np.float64),
        (np.float16, None, np.float64),
        (">f8", None, np.float64),
        (">f4", None, np.float32),
    ],
)
def test_the_dtype_of_w_is_visible(given_dtype, dtype, expected):
    filters = np.array([[[1, -2, 3]]]).astype(given_dtype)
    W = conv_matrix(filters, 4, dtype=dtype)
    assert W.dtype == expected
    assert W.dtype.isnative
    np.testing.assert_array_equal(W.toarray(), [[1, -2, 3, 0], [0, 1, -2, 3]])


def test_taps_of_value_zero_are_stored():
    W = conv_matrix(np.zeros((2, 3, 4)), 6)
    assert W.nnz == conv_shape((2, 3, 4), 6).nnz == 2 * 3 * 4 * 3


def test_the_layout_of_the_filters_in_memory_does_not_matter():
    filters = np.random.default_rng(0).standard_normal((3, 2, 4, 5))
    W = conv_matrix(filters, (6, 7), padding=1).toarray()
    for other in (np.asfortranarray(filters), filters[::-1].copy()[::-1], filters.tolist()):
        np.testing.assert_array_equal(conv_matrix(other, (6, 7), padding=1).toarray(), W)


def test_w_shares_no_memory_with_the_filters():
    filters = np.ones((1, 1, 4))
    W = conv_matrix(filters, 4)
    filters[:] = 0
    np.testing.assert_array_equal(W.toarray(), [[1, 1, 1, 1]])


def test_one_dimension_is_two_with_one_row():
    filters = np.random.default_rng(0).standard_normal((3, 2, 4))
    W = conv_matrix(filters, 8, stride=2, padding=(3,))
    flat = conv_matrix(filters[:, :, None], (1, 8), stride=(1, 2), padding=(0, 3))
    np.testing.assert_array_equal(W.toarray(), flat.toarray())


def test_w_too_large_is_refused_before_anything_is_allocated(tracemalloc_peak):
    filters = np.zeros((512, 512, 3, 3), np.float32)

    def build():
        with pytest.raises(MemoryError, match=r"117,676,441,600 non-zeros in float32, 1315\.3 GiB"):
            conv_matrix(filters, (224, 224), padding="same")

    assert tracemalloc_peak(build) < 2**22


@pytest.mark.parametrize("padding", [0, "circular"])
def test_a_signal_too_long_is_refused_before_anything_is_allocated(tracemalloc_peak, padding):
    def build():
        with pytest.raises(MemoryError, match=r"GiB are free"):
            conv_matrix(np.ones((1, 1, 2)), 10**15, padding=padding)

    assert tracemalloc_peak(build) < 2**20


def test_refusal_names_what_is_free_and_what_to_do(monkeypatch):
    monkeypatch.setattr(cnninv.backend.memory, "free_memory", lambda: 100)
    with pytest.raises(
        MemoryError, match=r"9 non-zeros in float64, 0\.0 GiB; 0\.0 GiB are free\. Use a smaller"
    ):
        conv_matrix([[[1, 2, 3]]], 5)
    monkeypatch.setattr(cnninv.backend.memory, "free_memory", lambda: 9 * 12 + 4 * 4)
    assert conv_matrix([[[1, 2, 3]]], 5).nnz == 9


@pytest.mark.parametrize(
    ("filters_shape", "input_shape", "padding"),
    [
        ((32, 16, 3, 3), (15, 15), "same"),
        ((1, 1, 50), 20_000, 0),
        ((1, 1, 50), 20_000, "circular"),
        ((1, 3, 5, 5), (80, 80), 2),
        ((64, 1, 1), 10_000, 0),
    ],
)
def test_building_w_peaks_at_one_fifth_above_its_size(
    tracemalloc_peak, filters_shape, input_shape, padding
):
    filters = np.ones(filters_shape, np.float32)
    size = conv_shape(filters_shape, input_shape, padding=padding).nbytes(np.float32)
    peak = tracemalloc_peak(lambda: conv_matrix(filters, input_shape, padding=padding))
    assert size <= peak <= 1.2 * size
