"""One run of the layer."""

import numpy as np

from cnninv import conv_matrix, model_project, random_filters, sample_code
from cnninv.theorems import layer_instance


def test_layer_instance_is_one_run_of_the_layer():
    W = conv_matrix(random_filters(3, 5, 2, np.random.default_rng(0)), 4)
    z = sample_code(3, 3, 2, np.random.default_rng(1))
    run = layer_instance(W, z, 3, 2)
    assert np.allclose(run.x, W.toarray().T @ z)
    assert np.allclose(run.h, W.toarray() @ W.toarray().T @ z)
    assert np.array_equal(run.z_hat, model_project(run.h, 3, 2))
    assert np.array_equal(run.pi, np.flatnonzero(z))
    assert np.array_equal(run.omega, np.flatnonzero(run.z_hat))
