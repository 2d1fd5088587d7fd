"""Batch normalisation in evaluation is a diagonal matrix and a shift."""

import numpy as np
import pytest
import scipy.sparse

from cnninv import batch_norm_matrix


def parameters(K, seed=0):
    rng = np.random.default_rng(seed)
    return (*rng.standard_normal((3, K)), rng.uniform(0.1, 2, K))


def test_a_h_plus_c_is_the_formula_channel_by_channel():
    scale, bias, mean, variance = parameters(3)
    A, c = batch_norm_matrix(scale, bias, mean, variance, n=4, eps=0.1)
    h = np.random.default_rng(1).standard_normal((3, 4))
    for i in range(3):
        expected = scale[i] * (h[i] - mean[i]) / np.sqrt(variance[i] + 0.1) + bias[i]
        np.testing.assert_allclose((A @ h.ravel() + c).reshape(3, 4)[i], expected)


@pytest.mark.parametrize(("positions", "name"), [((7,), "BatchNorm1d"), ((3, 5), "BatchNorm2d")])
def test_a_h_plus_c_is_torch_in_evaluation(positions, name):
    torch = pytest.importorskip("torch")
    scale, bias, mean, variance = parameters(4)
    layer = getattr(torch.nn, name)(4, dtype=torch.float64).eval()
    state = {"weight": scale, "bias": bias, "running_mean": mean, "running_var": variance}
    layer.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    h = np.random.default_rng(1).standard_normal((4, *positions))
    with torch.no_grad():
        theirs = layer(torch.tensor(h)[None]).numpy()
    A, c = batch_norm_matrix(scale, bias, mean, variance, n=int(np.prod(positions)))
    np.testing.assert_allclose(A @ h.ravel() + c, theirs.ravel(), rtol=1e-12)


def test_a_is_diagonal_with_int32_indices():
    A, c = batch_norm_matrix(*parameters(3), n=4)
    assert A.shape == (12, 12)
    assert c.shape == (12,)
    assert A.indices.dtype == np.int32
    np.testing.assert_array_equal(A.toarray(), np.diag(A.diagonal()))


def test_it_folds_into_the_convolution_before_it():
    # scale rows of W: batch normalisation after a layer is a layer
    scale, bias, mean, variance = parameters(2)
    W = scipy.sparse.csr_array(np.random.default_rng(1).standard_normal((6, 5)))
    A, c = batch_norm_matrix(scale, bias, mean, variance, n=3)
    x = np.random.default_rng(2).standard_normal(5)
    np.testing.assert_allclose(A @ (W @ x) + c, (A @ W) @ x + c)
