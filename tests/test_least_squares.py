"""Conjugate gradients against a factorisation, and the monotone norms that the docstring promises."""

import numpy as np
import pytest
import scipy.sparse

from cnninv import ConvOperator, cgls, random_filters


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (6, 6)])
def test_cgls_is_the_least_squares_solution_nearest_to_zero(shape, rng):
    A, b = rng.standard_normal(shape), rng.standard_normal(shape[0])
    x, history = cgls(A, b, 50)
    assert x == pytest.approx(np.linalg.lstsq(A, b)[0], abs=1e-8)
    assert len(history["residual"]) == len(history["size"])


def test_cgls_residuals_fall_and_norms_grow(rng):
    A, x = rng.standard_normal((30, 60)), rng.standard_normal(60)
    errors = [np.linalg.norm(cgls(A, A @ x, i)[0] - x) for i in range(25)]
    _, history = cgls(A, A @ x, 24)
    assert np.all(np.diff(history["residual"]) < 0)
    assert np.all(np.diff(history["size"]) > 0)
    assert np.all(np.diff(errors) < 0)


def test_cgls_takes_operators_and_sparse_arrays(rng):
    W = ConvOperator(random_filters(3, 2, 3, rng), 9)
    b = W @ rng.standard_normal(W.shape[1])
    expected = np.linalg.lstsq(W.to_matrix().toarray(), b)[0]
    for A in (W, W.to_matrix(), W.to_matrix().toarray()):
        assert cgls(A, b, 60)[0] == pytest.approx(expected, abs=1e-8)


def test_cgls_of_nothing_is_nothing():
    A = scipy.sparse.csr_array(np.eye(3))
    x, history = cgls(A, np.zeros(3), 5)
    assert not x.any()
    assert history == {"residual": [0.0], "size": [0.0]}


def test_cgls_stops_at_its_tolerance(rng):
    A, b = rng.standard_normal((40, 20)), rng.standard_normal(40)
    x, history = cgls(A, b, 100, tol=1e-2)
    assert len(history["residual"]) < 20
    assert np.linalg.norm(A.T @ (b - A @ x)) <= 1e-2 * np.linalg.norm(A.T @ b)


def test_cgls_bad_input():
    with pytest.raises(ValueError, match=r"A has shape \(3, 3\) and b \(2,\); expected"):
        cgls(np.eye(3), np.ones(2), 3)
