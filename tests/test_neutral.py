"""Without a GPU: nothing goes through NumPy unasked. The stand-in for CuPy refuses every conversion."""

import fakecupy
import numpy as np
import pytest
import scipy.sparse
from uses import IN_MEMORY, USES

from cnninv.backend import is_sparse, to_device, to_host


@pytest.fixture
def gpu(monkeypatch):
    return fakecupy.install(monkeypatch)


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
        np.testing.assert_allclose(there, here, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("use", USES)
def test_nothing_goes_through_numpy(use, gpu):
    compare(use, lambda array: to_device(array, "cuda"))


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
