"""What W costs is known before it is built."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import circular_layers, layers

from cnninv import conv_matrix, conv_shape, geometry


def bytes_of(W):
    return W.data.nbytes + W.indices.nbytes + W.indptr.nbytes


@given(layers(groups=True) | circular_layers(), st.sampled_from([np.float32, np.float64]))
def test_non_zeros_and_bytes_are_those_of_the_matrix(layer, dtype):
    arguments = layer.input_shape, layer.stride, layer.padding
    shape = conv_shape(layer.filters.shape, *arguments, layer.groups)
    W = conv_matrix(layer.filters, *arguments, dtype, layer.groups)
    assert shape.shape == W.shape
    assert shape.nnz == W.nnz == len(W.data)
    assert shape.nbytes(dtype) == bytes_of(W)


@given(layers())
def test_bytes_count_int64_indices_too(layer):
    arguments = layer.input_shape, layer.stride, layer.padding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "INT32_MAX", 0)
        shape = conv_shape(layer.filters.shape, *arguments)
        W = conv_matrix(layer.filters, *arguments)
        assert shape.index_dtype == np.int64
        assert shape.nbytes() == bytes_of(W)


@given(layers())
def test_n_is_the_paper_s_formula(layer):
    shape = conv_shape(layer.filters.shape, layer.input_shape, layer.stride, layer.padding)
    assert shape.positions == layer.positions
    assert shape.n == prod(layer.positions)
    assert all(type(p) is int for p in shape.positions)


@given(layers() | circular_layers())
def test_taps_per_shift_count_the_non_zeros_of_the_rows(layer):
    shape = conv_shape(layer.filters.shape, layer.input_shape, layer.stride, layer.padding)
    per_row = layer.M
    for axis in shape.axes:
        per_row = np.multiply.outer(per_row, axis.taps_per_shift)
        assert axis.taps_per_shift.sum() == axis.nnz
    rows = np.diff(layer.W.indptr).reshape(len(layer.filters), -1)
    np.testing.assert_array_equal(rows, np.tile(per_row.ravel(), (len(rows), 1)))


def test_without_padding_every_row_has_m_times_l_non_zeros():
    assert conv_shape((96, 32, 5), 32).nnz == 96 * 28 * 32 * 5


def test_groups_divide_the_non_zeros():
    assert conv_shape((6, 4, 3), 9).nnz == 2 * conv_shape((6, 2, 3), 9, groups=2).nnz


def test_int32_indices_while_rows_columns_and_non_zeros_fit():
    assert conv_shape((1, 1, 1), 2**31 - 1).index_dtype is np.int32
    assert conv_shape((1, 1, 1), 2**31).index_dtype is np.int64
    assert conv_shape((2, 1, 2), 2**30).index_dtype is np.int64


@pytest.mark.parametrize("padding", [0, 1, "same", "circular"])
def test_the_cost_of_a_layer_costs_nothing(tracemalloc_peak, padding):
    D = 10**12
    assert tracemalloc_peak(lambda: conv_shape((512, 512, 3, 3), (D, D), padding=padding)) < 2**17
    n = D - 2 if padding == 0 else D
    assert conv_shape((512, 512, 3, 3), (D, D), padding=padding).positions == (n, n)


def test_a_layer_of_vgg_has_the_size_that_the_message_names():
    layer = conv_shape((64, 64, 3, 3), (224, 224), padding="same")
    assert f"{layer.nnz:,}" == "1,838,694,400"
    assert f"{layer.nbytes('float32') / 2**30:.1f}" == "13.7"
