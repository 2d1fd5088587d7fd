"""Algorithm 1: one iteration is the layer; the residual falls; any operator will do."""

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import circular_layers, layers

from cnninv import conv_matrix, filterbanks, iht, model_project, operator_norm, random_filters
from cnninv.model import sample_code


class Operator:
    """The least that a matrix must be: a shape, @ and .T; no dtype."""

    def __init__(self, matrix):
        self.matrix, self.shape = matrix, matrix.shape

    def __matmul__(self, other):
        return self.matrix @ other

    @property
    def T(self):
        return Operator(self.matrix.T)


def layer_and_code(seed=0, K=6, M=40, l=4, D=9, k=3):
    rng = np.random.default_rng(seed)
    W = conv_matrix(random_filters(K, M, l, rng), D)
    return W, sample_code(K, D - l + 1, k, rng), lambda b: model_project(b, K, k)


@given(layers(), st.data())
def test_one_iteration_is_the_projection_of_w_x(layer, data):
    K, x = len(layer.filters), layer.random().ravel()
    k = data.draw(st.integers(0, K))
    z_hat, history = iht(layer.W.T, x, lambda b: model_project(b, K, k), iterations=1)
    np.testing.assert_array_equal(z_hat, model_project(layer.W @ x, K, k))
    assert history["step"] == 1.0
    assert len(history["residual"]) == 2


@given(layers() | circular_layers(), st.data())
def test_with_the_step_norm_the_residual_never_grows(layer, data):
    K, x = len(layer.filters), layer.random().ravel()
    k = data.draw(st.integers(1, K))
    if not layer.W.data.any():
        return
    _, history = iht(layer.W.T, x, lambda b: model_project(b, K, k), 30, step="norm")
    residual = history["residual"]
    assert residual[0] == pytest.approx(1)
    assert (np.diff(residual) <= 1e-12).all()


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 8))
def test_without_a_model_it_converges_to_the_least_squares_solution(seed, rows, columns):
    rng = np.random.default_rng(seed)
    # singular values between 1 and 2, so that 200 steps suffice
    U, _, V = np.linalg.svd(rng.standard_normal((rows, columns)), full_matrices=False)
    Phi = U * rng.uniform(1, 2, len(V)) @ V
    x = rng.standard_normal(rows)
    z_hat, _ = iht(Phi, x, lambda b: b, iterations=200, step="norm")
    np.testing.assert_allclose(z_hat, np.linalg.lstsq(Phi, x, rcond=None)[0], atol=1e-8)


def test_an_orthonormal_layer_recovers_a_code_in_one_iteration():
    W = conv_matrix(filterbanks.random_orthogonal_filters(2, 3, np.random.default_rng(0)), 12, 3)
    z = sample_code(6, 4, 4, np.random.default_rng(1))
    z_hat, history = iht(W.T, W.T @ z, lambda b: model_project(b, 6, 4), iterations=1)
    np.testing.assert_allclose(z_hat, z, atol=1e-12)
    assert history["residual"][-1] < 1e-12


def test_a_layer_with_a_small_model_rip_constant_recovers_a_code():
    W, z, project = layer_and_code(M=2000)
    z_hat, history = iht(W.T, W.T @ z, project, iterations=50)
    np.testing.assert_allclose(z_hat, z, atol=1e-10)
    assert history["residual"][-1] < 1e-10


def test_columns_of_a_batch_are_iterated_one_by_one():
    W, _, project = layer_and_code()
    X = np.random.default_rng(1).standard_normal((W.shape[1], 4))
    Z, history = iht(W.T, X, project, iterations=5, step=0.3)
    assert history["residual"].shape == (6, 4)
    for column in range(4):
        z_hat, alone = iht(W.T, X[:, column], project, iterations=5, step=0.3)
        np.testing.assert_allclose(Z[:, column], z_hat, atol=1e-12)
        np.testing.assert_allclose(history["residual"][:, column], alone["residual"])


def test_the_residual_is_that_of_the_result():
    W, z, project = layer_and_code()
    x = W.T @ z
    z_hat, history = iht(W.T, x, project, iterations=4)
    relative = np.linalg.norm(x - W.T @ z_hat) / np.linalg.norm(x)
    assert history["residual"][-1] == pytest.approx(relative)
    assert history["stopped"] == "iterations"
    assert len(history["residual"]) == 5


def test_it_stops_at_the_tolerance():
    W, z, project = layer_and_code(M=2000)
    x = W.T @ z
    _, history = iht(W.T, x, project, iterations=100, tol=1e-6)
    assert history["stopped"] == "tolerance"
    assert history["residual"][-1] <= 1e-6 < history["residual"][-2]
    # reached in the last iteration allowed, it is reached all the same
    exactly = len(history["residual"]) - 1
    _, again = iht(W.T, x, project, iterations=exactly, tol=1e-6)
    assert again["stopped"] == "tolerance"
    _, short = iht(W.T, x, project, iterations=exactly - 1, tol=1e-6)
    assert short["stopped"] == "iterations"


def test_a_batch_stops_when_every_column_has_reached_the_tolerance():
    W, z, project = layer_and_code(M=2000)
    X = np.stack([W.T @ z, np.zeros(W.shape[1])], axis=1)
    _, history = iht(W.T, X, project, iterations=100, tol=1e-6)
    assert history["stopped"] == "tolerance"
    assert (history["residual"][-1] <= 1e-6).all()


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array, Operator])
def test_a_step_too_long_is_reported_as_divergence(kind):
    Phi = kind(np.array([[3.0, 1.0], [1.0, 4.0]]))
    z_hat, history = iht(Phi, np.array([1.0, 2.0]), lambda b: b, iterations=10_000)
    assert history["stopped"] == "diverged"
    assert len(history["residual"]) < 1000
    assert np.isfinite(z_hat).all()


def test_zero_input_gives_zero_at_once():
    W, _, project = layer_and_code()
    z_hat, history = iht(W.T, np.zeros(W.shape[1]), project, iterations=3, tol=0.0)
    assert not z_hat.any()
    np.testing.assert_array_equal(history["residual"], [0])


def test_no_iterations_give_zero():
    W, z, project = layer_and_code()
    z_hat, history = iht(W.T, W.T @ z, project, iterations=0)
    assert not z_hat.any()
    np.testing.assert_array_equal(history["residual"], [1])


def test_float32_stays_float32():
    W, z, project = layer_and_code()
    W = W.astype(np.float32)
    z_hat, _ = iht(W.T, (W.T @ z).astype(np.float32), project, iterations=3, step="norm")
    assert z_hat.dtype == np.float32


@pytest.mark.parametrize("step", [0.5, "norm"])
def test_any_operator_gives_the_same_iterations(step):
    W, z, project = layer_and_code()
    Phi, x = W.T.toarray(), W.T @ z
    expected, history = iht(Phi, x, project, iterations=6, step=step)
    for kind in (
        scipy.sparse.csr_array,
        scipy.sparse.csc_array,
        scipy.sparse.coo_array,
        scipy.sparse.lil_array,
        scipy.sparse.csr_matrix,
        scipy.sparse.linalg.aslinearoperator,
        Operator,
        np.ndarray.tolist,
    ):
        z_hat, same = iht(kind(Phi), x, project, iterations=6, step=step)
        np.testing.assert_allclose(z_hat, expected, atol=1e-12)
        np.testing.assert_allclose(same["residual"], history["residual"])
        assert same["step"] == pytest.approx(history["step"])


def test_a_pylops_operator_can_be_iterated():
    pylops = pytest.importorskip("pylops")
    W, z, project = layer_and_code()
    x = W.T @ z
    expected, _ = iht(W.T, x, project, iterations=6, step="norm")
    z_hat, _ = iht(pylops.MatrixMult(W.T.toarray()), x, project, iterations=6, step="norm")
    np.testing.assert_allclose(z_hat, expected, atol=1e-12)


@given(layers() | circular_layers())
def test_the_operator_norm_is_the_largest_singular_value(layer):
    largest = np.linalg.norm(layer.W.toarray(), 2)
    for Phi in (layer.W, layer.W.T, layer.W.toarray(), Operator(layer.W)):
        assert operator_norm(Phi, tol=1e-14) == pytest.approx(largest, rel=1e-6, abs=1e-12)
        assert (1 - 1e-3) * largest <= operator_norm(Phi) <= (1 + 1e-12) * largest


@pytest.mark.parametrize("l", [3, 10])
def test_the_operator_norm_agrees_with_svds_where_the_spectrum_is_crowded(l):
    W = conv_matrix(random_filters(3, 2, l, np.random.default_rng(l)), 300, padding="circular")
    largest = scipy.sparse.linalg.svds(W, 1, v0=np.ones(W.shape[1]), return_singular_vectors=False)[
        0
    ]
    assert (1 - 1e-3) * largest <= operator_norm(W) <= (1 + 1e-12) * largest


@given(st.floats(-60, 60))
def test_the_operator_norm_is_homogeneous(exponent):
    Phi = np.array([[1.0, 2.0], [3.0, 4.0]])
    scaled = operator_norm(10**exponent * Phi)
    assert scaled == pytest.approx(10**exponent * np.linalg.norm(Phi, 2), rel=1e-4)


def test_the_operator_norm_of_integers_and_of_zero():
    assert operator_norm(np.diag([3, 1])) == pytest.approx(3)
    assert operator_norm(scipy.sparse.csr_array(np.diag([3, 1]))) == pytest.approx(3)
    assert operator_norm(np.zeros((3, 2))) == 0
    assert operator_norm(scipy.sparse.csr_array((3, 2))) == 0
