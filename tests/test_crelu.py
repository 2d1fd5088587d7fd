"""CReLU and the matrix Ψ of positive and negative pairs (§3.1)."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from strategies import layers

from cnninv import crelu, psi_matrix, relu

vectors = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9).map(np.array)


@given(vectors)
def test_relu_keeps_what_is_positive(h):
    np.testing.assert_array_equal(relu(h), [max(v, 0.0) for v in h])


@given(vectors)
def test_crelu_keeps_all_of_h_in_two_halves(h):
    positive, negative = np.split(crelu(h), 2)
    np.testing.assert_array_equal(positive - negative, h)
    np.testing.assert_array_equal(positive + negative, np.abs(h))
    np.testing.assert_array_equal(positive * negative, 0)


@given(layers())
def test_crelu_of_w_x_is_relu_of_psi_transposed_x(layer):
    x = layer.random().ravel()
    Psi = psi_matrix(layer.W)
    assert Psi.shape == (layer.W.shape[1], 2 * layer.W.shape[0])
    np.testing.assert_allclose(relu(Psi.T @ x), crelu(layer.W @ x), atol=1e-12)


def test_the_first_half_of_psi_is_w_transposed_and_the_second_its_negative():
    W = np.arange(6.0).reshape(2, 3)
    for kind in (np.asarray, scipy.sparse.csr_array, scipy.sparse.csc_array):
        Psi = psi_matrix(kind(W))
        assert scipy.sparse.issparse(Psi) == scipy.sparse.issparse(kind(W))
        Psi = Psi.toarray() if scipy.sparse.issparse(Psi) else Psi
        np.testing.assert_array_equal(Psi, np.hstack([W.T, -W.T]))


def test_columns_are_inputs():
    h = np.array([[1.0, -2.0], [-3.0, 4.0]])
    for column in range(2):
        np.testing.assert_array_equal(crelu(h)[:, column], crelu(h[:, column]))


def test_crelu_is_torch_s():
    torch = pytest.importorskip("torch")
    h = np.random.default_rng(0).standard_normal((6, 5))
    theirs = torch.cat([torch.relu(torch.tensor(h)), torch.relu(-torch.tensor(h))])
    np.testing.assert_array_equal(crelu(h), theirs.numpy())


def test_the_dtype_of_h_is_kept():
    assert relu(np.ones(2, np.float32)).dtype == crelu(np.ones(2, np.float32)).dtype == np.float32
    assert psi_matrix(np.ones((1, 2), np.float32)).dtype == np.float32
