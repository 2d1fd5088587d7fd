"""Devices: which one is used, what is said when it cannot be, transfers, and memory on either side."""

import re
import sys
from pathlib import Path

import fakecupy
import numpy as np
import pytest
import scipy.sparse

import cnninv
from cnninv import backend
from cnninv.backend import (
    DeviceError,
    array_module,
    array_namespace,
    device_versions,
    explain,
    require_memory,
    select,
    to_device,
    to_host,
)
from cnninv.cli import main


@pytest.fixture
def gpu(monkeypatch):
    return fakecupy.install(monkeypatch)


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setattr(backend.devices, "working_cupy", backend.devices.working_cupy.__wrapped__)
    monkeypatch.setitem(sys.modules, "cupy", None)


def test_the_device_is_chosen(gpu):
    assert [select(d) for d in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    assert array_module("cuda") is gpu
    assert array_module("cpu") is np
    assert device_versions("cpu") == {}
    assert device_versions("cuda")["gpu"] == "a GPU made of NumPy"


def test_without_cupy_auto_is_the_cpu(no_cupy):
    assert select("auto") == "cpu"
    with pytest.raises(ModuleNotFoundError, match=r"needs CuPy.*pip install"):
        select("cuda")
    with pytest.raises(ValueError, match=r"--device = 'tpu' must be one of 'auto', 'cpu', 'cuda'"):
        select("tpu")


def raising(error):
    def call(*_args, **_kwargs):
        raise error

    return call


FAULTS = {
    "no driver": (
        "getDeviceCount",
        raising(fakecupy.Cuda("cudaErrorNoDevice")),
        0,
        "there is no NVIDIA driver on this machine",
    ),
    "too old": (
        "getDeviceCount",
        raising(fakecupy.Cuda("cudaErrorInsufficientDriver: driver version is insufficient")),
        11040,
        r"the driver supports CUDA 11\.4 and CuPy is built for 12\.9 .*update the driver",
    ),
    "no GPU": ("getDeviceCount", lambda: 0, 12040, "there is no GPU"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_gpu_that_cannot_be_used(gpu, monkeypatch, fault):
    name, function, driver, message = FAULTS[fault]
    monkeypatch.setattr(gpu.cuda.runtime, name, function)
    monkeypatch.setattr(gpu.cuda.runtime, "driverGetVersion", lambda: driver)
    assert select("auto") == "cpu"
    with pytest.raises(DeviceError, match=message) as caught:
        select("cuda")
    assert "\n" not in str(caught.value)


def test_cupy_that_is_old_broken_or_incomplete(gpu, monkeypatch):
    monkeypatch.setattr(gpu, "__version__", "12.3.0")
    with pytest.raises(DeviceError, match=r"CuPy 12\.3\.0 is too old; expected 13"):
        select("cuda")
    monkeypatch.setattr(gpu, "__version__", "14.2.0")
    monkeypatch.setattr(gpu, "ones", raising(ImportError("libcublas.so.12: cannot open\nmore")))
    with pytest.raises(
        DeviceError, match=r"first product .* failed: libcublas.so.12: cannot open;"
    ):
        select("cuda")


def test_an_unusable_gpu_is_one_line_at_the_command_line(no_cupy, tmp_path, capsys):
    status = main(["run", "fig1", "--device", "cuda", "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert status == 1
    assert error.startswith("cnninv: --device = 'cuda' needs CuPy")
    assert error.count("\n") == 1


def test_a_photograph_is_inverted_on_the_device(gpu, tmp_path, capsys):
    small = ["--crop", "16", "--count", "4", "--iterations", "2", "--out", str(tmp_path)]
    printed = []
    for device in ("cpu", "cuda"):
        assert main(["invert", "sample", "--device", device, *small]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def test_out_of_memory_is_one_line_at_the_command_line(monkeypatch, tmp_path, capsys):
    asked = "Unable to allocate 8.00 TiB for an array"
    monkeypatch.setattr("cnninv.experiments.runner.run_experiment", raising(MemoryError(asked)))
    assert main(["run", "fig1", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith(f"cnninv: out of memory: {asked}; ")


def test_there_and_back(gpu):
    dense = np.arange(6.0).reshape(2, 3)
    sparse = scipy.sparse.csr_array(dense)
    moved = to_device(dense, "cuda"), to_device(sparse, "cuda")
    assert [type(a).__module__.split(".")[0] for a in moved] == ["cupy", "cupyx"]
    assert to_device(moved[0], "cuda") is moved[0]
    np.testing.assert_array_equal(to_host(moved[0]), dense)
    back = to_device(moved[1], "cpu")
    assert isinstance(back, scipy.sparse.csr_array)
    assert back.indices.dtype == np.int32
    np.testing.assert_array_equal(back.toarray(), dense)
    assert to_host(dense) is dense
    np.testing.assert_array_equal(to_device(sparse.tocoo(), "cuda").toarray().get(), dense)


def test_what_cupy_cannot_index_is_refused_before_it_wraps_around(gpu, monkeypatch):
    W = scipy.sparse.csr_array(np.ones((3, 3)))
    moved = to_device(W, "cuda")
    monkeypatch.setattr(backend.sparse, "INT32_MAX", 8)
    with pytest.raises(ValueError, match=r"\(3, 3\) with 9 non-zeros exceeds.*ConvOperator"):
        to_device(W, "cuda")
    with pytest.raises(ValueError, match=r"\(3, 6\) with 18 non-zeros exceeds"):
        cnninv.psi_matrix(moved)
    assert cnninv.psi_matrix(W).shape == (3, 6)  # SciPy has 64-bit indices


def test_mixed_arguments_are_named(gpu):
    W, x = np.eye(2), to_device(np.ones(2), "cuda")
    message = r"x is on the GPU \(CuPy\), W is in memory \(NumPy\); move them to one place first"
    with pytest.raises(TypeError, match=message):
        array_namespace(W=W, x=x)
    with pytest.raises(TypeError, match="a and b are on the GPU"):
        array_namespace(a=x, b=x, W=W)
    with pytest.raises(TypeError, match="some arguments are NumPy and some CuPy"):
        array_namespace(W, x)
    assert array_namespace(x, 2.0, [1.0], np.float64(3)) is gpu


def test_memory_of_the_gpu(gpu, monkeypatch):
    monkeypatch.setattr(fakecupy, "FREE", [3 * 2**30])
    require_memory(3 * 2**30, "W", "", gpu)
    with pytest.raises(MemoryError, match=r"W, 4\.5 GiB; 3\.0 GiB are free on the GPU. Smaller\."):
        require_memory(9 * 2**29, "W", "Smaller.", gpu)
    monkeypatch.setattr(fakecupy, "FREE", [10])
    with pytest.raises(MemoryError, match="an array to be moved to the GPU, "):
        to_device(np.ones(2), "cuda")
    with pytest.raises(MemoryError, match="on the GPU"):
        cnninv.model_rip_exact(gpu.ones((4, 3)), 4, 2)


def test_a_limit_of_cupys_pool_counts(gpu, monkeypatch):
    monkeypatch.setattr(fakecupy.Pool, "get_limit", staticmethod(lambda: 1000))
    monkeypatch.setattr(fakecupy.Pool, "used_bytes", staticmethod(lambda: 300))
    assert backend.free_gpu_memory() == 700


def test_an_allocation_that_fails_on_the_way_is_explained(gpu, monkeypatch):
    monkeypatch.setattr(backend.memory, "free_memory", lambda: 2**31)
    asked = "Unable to allocate 8.00 TiB for an array"
    assert (
        explain(MemoryError(asked)) == f"out of memory: {asked}; 2.0 GiB are free on this machine"
    )
    monkeypatch.setattr(fakecupy, "FREE", [2**30])
    error = fakecupy.OutOfMemoryError(
        "Out of memory allocating 8 bytes (allocated so far: 0 bytes)."
    )
    assert explain(error).endswith("1.0 GiB are free on the GPU")
    assert explain(MemoryError()).startswith("out of memory: an allocation failed; 2.0 GiB")
    refused = "W would have 9 non-zeros, 9.0 GiB; 2.0 GiB are free. Use less."
    assert explain(MemoryError(refused)) == refused


def test_only_backend_imports_cupy():
    package = Path(cnninv.__file__).parent
    found = [
        path
        for path in package.rglob("*.py")
        if re.search(r"^\s*(import|from) cupyx?\b", path.read_text(), re.M)
    ]
    assert found
    assert {path.parent.name for path in found} == {"backend"}
