"""Without a GPU: nothing goes through NumPy unasked. The stand-in for CuPy refuses every conversion."""

import re
from pathlib import Path

import fakecupy
import numpy as np
import pytest
import scipy.sparse
from uses import (
    BLOCKS,
    FILTERS,
    IMAGE,
    IN_MEMORY,
    ITERATIVE,
    LOCAL,
    NETWORK,
    OMEGA,
    ORTHONORMAL,
    USES,
    Z_HAT,
    D,
    H,
    K,
    N,
    W,
    X,
    Z,
    keep,
)

import cnninv
from cnninv import theorems
from cnninv.backend import is_sparse, to_device, to_host
from cnninv.fourier import FourierConv
from cnninv.invert import invert

RNG = np.random.default_rng(0)


@pytest.fixture(params=["13.6.0", "14.2.0"])
def gpu(monkeypatch, request):
    return fakecupy.install(monkeypatch, request.param)


def leaves(value):
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def compare(use, put):
    """The same numbers as in memory, and arrays where the arguments were."""
    expected, found = leaves(USES[use](lambda a: a)), leaves(USES[use](put))
    assert len(found) == len(expected)
    for there, here in zip(found, expected, strict=True):
        if isinstance(here, np.ndarray) and use not in IN_MEMORY:
            assert type(there).__module__.startswith("cupy"), "left the device"
        there = to_host(there)
        assert np.shape(there) == np.shape(here)
        close = 1e-3 if use in ITERATIVE else 1e-7
        if getattr(here, "dtype", None) == np.float32:
            close = max(close, 1e-5)  # sums in another order
        size = float(np.max(np.abs(here), initial=0.0, where=np.isfinite(here)))
        np.testing.assert_allclose(there, here, rtol=close, atol=close * size)


@pytest.mark.parametrize("use", USES)
def test_nothing_goes_through_numpy(use, gpu):
    compare(use, lambda array: to_device(array, "cuda"))


MIXED = {
    "model_project": lambda there: cnninv.model_project(there(H), K, 2, BLOCKS),
    "unpool": lambda there: cnninv.unpool(there(H[:2]), OMEGA, (1, 12), 6),
    "iht": lambda there: cnninv.iht(W.T, there(X), keep, 2),
    "lasso": lambda there: cnninv.lasso(W, there(X), 0.3),
    "lambda_max": lambda there: cnninv.lambda_max(W, there(X)),
    "recover_code": lambda there: cnninv.recover_code(W, there(X), 0.3, (K, N), 3),
    "ConvOperator": lambda there: cnninv.ConvOperator(FILTERS, D) @ there(X),
    "ConvOperator.T": lambda there: cnninv.ConvOperator(FILTERS, D).T @ there(Z),
    "a layer": lambda there: cnninv.ConvOperator(FILTERS, D).forward(X, there(H[:K])),
    "FourierConv": lambda there: FourierConv(FILTERS, D) @ there(X),
    "iht, factored": lambda there: cnninv.iht(cnninv.ConvOperator(FILTERS, D).T, there(X), keep, 2),
    "proposition_1": lambda there: theorems.proposition_1(ORTHONORMAL, there(LOCAL)),
    "layer_is_iht_iteration": lambda there: theorems.layer_is_iht_iteration(W, there(X), K),
    "lemma_b1": lambda there: theorems.lemma_b1(W, Z[:2], there(X), [1, 8], 0.5),
    "lemma_b2": lambda there: theorems.lemma_b2(W, there(Z), [1, 8], 0.5),
    "theorem_3_3": lambda there: theorems.theorem_3_3(W, there(Z), K, 2, 0.5, 0.6),
    "iht_contraction": lambda there: theorems.iht_contraction(W, Z, there(Z_HAT), K, 2, 0.5),
    "forward": lambda there: NETWORK.forward(there(IMAGE), "conv1_1"),
    "invert": lambda there: invert(there(IMAGE), cnninv.random_filters(4, 3, (3, 3), RNG)),
}


@pytest.mark.parametrize("use", MIXED)
def test_what_is_on_two_devices_is_named(use, gpu):
    with pytest.raises(
        TypeError, match=r"\w+ (is|are) on the GPU \(CuPy\), .* in memory \(NumPy\); move"
    ):
        MIXED[use](lambda array: to_device(array, "cuda"))


def test_a_photograph_on_the_device(gpu):
    filters = cnninv.random_filters(4, 3, (3, 3), np.random.default_rng(1))
    here = invert(IMAGE, filters, k=9, iterations=2)
    there = invert(to_device(IMAGE, "cuda"), to_device(filters, "cuda"), k=9, iterations=2)
    assert isinstance(there.residual, np.ndarray)
    np.testing.assert_array_equal(here.support, there.support)
    for one, other in zip(here.reconstructions, there.reconstructions, strict=True):
        np.testing.assert_allclose(other.image, one.image, rtol=1e-4, atol=1e-5)


def test_the_stand_in_refuses(gpu):
    x = to_device(np.arange(6.0).reshape(2, 3), "cuda")
    W = to_device(scipy.sparse.csr_array(np.eye(3)), "cuda")
    silent = [
        lambda: np.asarray(x),
        lambda: np.float64(x),
        lambda: x + np.ones(3),
        lambda: np.ones(3) * x,
        lambda: np.eye(2) @ x,
        lambda: np.concatenate([x, np.ones((1, 3))]),
        lambda: x[np.array([0])],
        lambda: x[:, [0]] + np.ones(2),
        lambda: x.__setitem__(0, np.ones(3)),
        lambda: W @ np.ones(3),
        lambda: scipy.sparse.csr_array(np.eye(2)) @ x,
        lambda: np.add.reduceat(x, [0, 1]),
    ]
    for call in silent:
        with pytest.raises((TypeError, ValueError, AttributeError)):
            call()
    assert is_sparse(W)
    assert type(x.sum()) is gpu.ndarray


MODULES = sorted(Path(cnninv.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_cupy_has_every_function_that_is_used(module):
    used = set(re.findall(r"\bxp\.((?:linalg\.)?[a-z]\w*)", module.read_text()))
    assert used <= fakecupy.NAMES | {"float32", "float64"}
