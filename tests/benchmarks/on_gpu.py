"""`make bench` on a GPU: the explicit matrix against its memory, the factored one against PyTorch.

The code is the library's own, the arrays are CuPy's. Times are the GPU's, between two events.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measure import Measure

import cnninv
from cnninv.backend import DeviceError, array_module, select, to_device


def seconds_of(job: Callable[[], Any], repeats: int = 20) -> float:
    """Seconds on the GPU for one run, on average over some, after two that compile and warm."""
    cupy = array_module("cuda")
    for _ in range(2):
        job()
    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    for _ in range(repeats):
        job()
    end.record()
    end.synchronize()
    return cupy.cuda.get_elapsed_time(start, end) / 1e3 / repeats


def copying(size: int) -> float:
    """Seconds to copy so many bytes."""
    cupy = array_module("cuda")
    source = cupy.zeros(size, dtype=np.uint8)
    target = cupy.zeros_like(source)
    return seconds_of(lambda: cupy.copyto(target, source))


def gpu(rng: np.random.Generator) -> Iterator[Measure]:
    """All of them; without a GPU none, and the reason is printed."""
    try:
        select("cuda")
    except (DeviceError, ModuleNotFoundError) as error:
        print(f"on a GPU: not run: no GPU at hand ({error})")
        return
    for part in (explicit, factored, figure_3):
        yield from part(rng)


def explicit(rng: np.random.Generator, channels: int = 256, D: int = 28) -> Iterator[Measure]:
    """Products of the CSR matrix; the limit is to read its values and columns at the speed of a copy."""
    filters = to_device(_filters(channels, rng), "cuda")
    W = cnninv.conv_matrix(filters, (D, D), padding="same")
    name = f"{channels}×{channels}×3×3 on {D}×{D}, GPU, float32"
    # a copy reads and writes: reading alone takes half of it
    read = copying(W.data.nbytes + W.indices.nbytes) / 2
    x = to_device(rng.standard_normal(W.shape[1]).astype(np.float32), "cuda")
    X = to_device(rng.standard_normal((W.shape[1], 64)).astype(np.float32), "cuda")
    h, H = W @ x, W @ X
    factored = cnninv.ConvOperator(filters, (D, D), padding="same")
    limit, peer = "reading W", "the factored operator"
    for operation, job, other in (
        ("W x", lambda: W @ x, lambda: factored @ x),
        ("W.T h", lambda: W.T @ h, lambda: factored.T @ h),
        ("W X, 64 columns", lambda: W @ X, lambda: factored @ X),
        ("W.T H, 64 columns", lambda: W.T @ H, lambda: factored.T @ H),
    ):
        times = seconds_of(job), seconds_of(other)
        yield Measure(f"{operation}, {name}", times[0], peer, times[1], limit, read)


def factored(
    rng: np.random.Generator, channels: int = 512, D: int = 15, batch: int = 64
) -> Iterator[Measure]:
    """Wᵀ of the factored operator on a batch of codes of conv(5,2)'s size, against PyTorch."""
    try:
        import torch
    except ModuleNotFoundError:
        print("the factored operator on a GPU: not run, since its peer, PyTorch, is not installed")
        return
    if not torch.cuda.is_available():
        print("the factored operator on a GPU: not run, since PyTorch sees no GPU")
        return
    filters = to_device(_filters(channels, rng), "cuda")
    W = cnninv.ConvOperator(filters, (D, D), padding="same")
    codes = rng.standard_normal((channels, D, D, batch)).astype(np.float32)
    z = to_device(codes.reshape(W.shape[0], batch), "cuda")
    weights = torch.from_numpy(filters.get()).cuda()
    images = torch.from_numpy(np.ascontiguousarray(codes.transpose(3, 0, 1, 2))).cuda()
    left = filters.reshape(channels, -1).T
    right = z.reshape(channels, -1)
    for tf32, limit in (
        (False, "the bare product"),
        (True, "the bare product on the matrix units (TF32)"),
    ):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32

        def transposed() -> Any:
            return torch.nn.functional.conv_transpose2d(images, weights, padding=1)

        product = torch.from_numpy(left.get()).cuda(), torch.from_numpy(right.get()).cuda()
        with torch.no_grad():  # on the default stream, as CuPy's work and events are
            peer = seconds_of(transposed)
            bare = seconds_of(lambda pair=product: pair[0] @ pair[1])
        name = f"W.T Z factored, {channels}×{channels}×3×3 on {D}×{D}, {batch} codes, GPU, float32"
        kind = "PyTorch, TF32" if tf32 else "PyTorch"
        yield Measure(name, seconds_of(lambda: W.T @ z), kind, peer, limit, bare)


def figure_3(
    rng: np.random.Generator, channels: int = 512, D: int = 15, codes: int = 50
) -> Iterator[Measure]:
    """Figure 3 (a) at the paper's size with the explicit matrix, against the factored one."""
    filters = to_device(_filters(channels, rng), "cuda")
    W = cnninv.conv_matrix(filters, (D, D), padding="same")
    factored = cnninv.ConvOperator(filters, (D, D), padding="same")
    blocks = cnninv.pooling_regions((channels, D, D), 2)
    k = round(0.206 * W.shape[0])
    drawn = cnninv.sample_code(channels, D * D, k, rng, blocks, codes).astype(np.float32)
    z = to_device(drawn, "cuda")
    ratios = np.linalg.norm(W.T @ z, axis=0) / np.linalg.norm(z, axis=0)
    name = (
        f"Figure 3 (a), explicit W.T on {codes} codes, mean ratio {float(ratios.mean()):.3f}, GPU"
    )
    by_rows = W.T.tocsr()
    times = [seconds_of(lambda m=m: m @ z) for m in (W.T, factored.T, by_rows)]
    yield Measure(name, times[0], "the factored operator", times[1], "Wᵀ stored by rows", times[2])


def _filters(channels: int, rng: np.random.Generator) -> np.ndarray:
    return cnninv.random_filters(channels, channels, (3, 3), rng).astype(np.float32)
