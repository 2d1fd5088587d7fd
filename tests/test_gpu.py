"""On a GPU (`pytest -m gpu`): the theory, the networks and the experiments give there what they give here."""

import json

import numpy as np
import pytest
from test_neutral import compare
from uses import USES, D, K, W, Z

import cnninv
from cnninv import backend
from cnninv.backend import array_module, free_gpu_memory, select, to_device, to_host
from cnninv.cli import main

# what CuPy and its libraries warn of is theirs
pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module", autouse=True)
def cupy():
    try:
        select("cuda")
    except (backend.DeviceError, ModuleNotFoundError) as error:
        pytest.skip(f"no GPU at hand: {error}")
    return array_module("cuda")


def put(array):
    return to_device(array, "cuda")


@pytest.mark.parametrize("use", USES)
def test_the_gpu_gives_what_the_cpu_gives(use):
    compare(use, put)


def test_cupy_has_what_the_stand_in_for_it_has(cupy):
    """The tests without a GPU are worth what this says."""
    import cupyx.scipy.sparse
    import fakecupy

    homes = {"linalg": cupy.linalg, "ndarray": cupy.ndarray, "sparse": cupyx.scipy.sparse}
    homes["csr"] = cupyx.scipy.sparse.csr_matrix
    for name in fakecupy.NAMES:
        home, _, rest = name.partition(".")
        assert hasattr(homes[home], rest) if rest else hasattr(cupy, name), name
    x = cupy.arange(6.0).reshape(2, 3)
    assert type(x.sum()) is type(x[0, 0]) is cupy.ndarray
    with pytest.raises(TypeError):
        np.asarray(x)
    with pytest.raises(TypeError):
        x + np.ones(3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_w_is_built_on_the_gpu_entry_by_entry(dtype):
    filters = cnninv.random_filters(6, 4, (3, 5), np.random.default_rng(0)).astype(dtype)
    for options in ({"padding": 1}, {"stride": 2, "padding": (1, 2)}, {"padding": "circular"}):
        here = cnninv.conv_matrix(filters, (9, 9), **options)
        there = to_host(cnninv.conv_matrix(put(filters), (9, 9), **options))
        np.testing.assert_array_equal(there.data, here.data)
        np.testing.assert_array_equal(there.indices, here.indices)
        np.testing.assert_array_equal(there.indptr, here.indptr)
        assert there.dtype == dtype


def test_codes_are_recovered_in_both_precisions():
    for dtype, tol in (("float64", 1e-10), ("float32", 1e-4)):
        z = put(Z.astype(dtype))
        Phi = cnninv.conv_matrix(
            put(cnninv.random_filters(K, 400, 3, np.random.default_rng(1))), D
        ).T
        Phi = Phi.astype(dtype)
        z_hat, _ = cnninv.iht(Phi, Phi @ z, lambda b: cnninv.model_project(b, K, 2), 60)
        assert z_hat.dtype == dtype
        assert float(abs(z_hat - z).max()) < tol


def test_products_leave_no_memory_behind(cupy):
    matrix, x = put(W), put(np.ones(W.shape[1]))
    _ = matrix @ x
    before = cupy.get_default_memory_pool().used_bytes()
    for _ in range(20):
        _ = matrix.T @ (matrix @ x)
    del _
    assert cupy.get_default_memory_pool().used_bytes() <= before + 2**20


def test_what_does_not_fit_is_refused_before_it_is_allocated(cupy):
    rows = int((free_gpu_memory() / 8) ** 0.5)
    with pytest.raises(MemoryError, match="GiB are free on the GPU"):
        cnninv.model_rip_exact(cupy.ones((rows, 1)), rows, 1)
    with pytest.raises(MemoryError) as caught:
        cupy.empty(2 * free_gpu_memory(), dtype=np.uint8)
    assert "are free on the GPU" in backend.explain(caught.value)


@pytest.mark.parametrize("name", ["fig1", "fig2", "phase", "theorem31", "photograph", "fig3"])
def test_experiments_give_the_same_numbers(name, tmp_path):
    rows = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / device
        assert main(["run", name, "--device", device, "--out", str(out)]) == 0
        result = json.loads((out / f"{name}.json").read_text())
        assert result["device"] == device
        rows[device] = result["rows"]
    assert "gpu" in result["versions"]
    for here, there in zip(rows["cpu"], rows["cuda"], strict=True):
        assert there["quantity"] == here["quantity"]
        if here["ours"] is not None:
            # a code at the edge of being recovered, or of a tolerance, may fall to either side
            edge = name == "phase" or "iterations" in here["quantity"]
            rel, least = (0.05, 0.02) if edge else (1e-3, 1e-5)
            assert there["ours"] == pytest.approx(here["ours"], rel=rel, abs=least)
