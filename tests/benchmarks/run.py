"""`make bench`: time and memory beside a peer and a physical limit, in the same run.

No number here is asserted by a test. Times are medians; the ratios are what to quote.
"""

import argparse
import json
import os
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from on_gpu import gpu  # beside this file
from training_step import training

import cnninv
from cnninv.architectures import Conv, ReLU


@dataclass(frozen=True)
class Measure:
    """One operation: its cost, and what it is compared with."""

    operation: str
    seconds: float
    peer: str
    peer_seconds: float
    limit: str
    limit_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.operation:58} {self.seconds * 1e3:9.1f} ms   "
            f"{self.peer_seconds / self.seconds:7.2f} × as fast as {self.peer} "
            f"({self.peer_seconds * 1e3:.1f} ms);  {self.limit_seconds / self.seconds:4.0%} of {self.limit}"
        )


def median(job: Callable[[], Any], repeats: int = 5) -> float:
    """Median seconds over repeats, after one run that warms caches and memory."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def in_turn(*jobs: Callable[[], Any], repeats: int = 7) -> list[float]:
    """Median seconds of each job, run one after the other: a busy machine disturbs them alike."""
    times: list[list[float]] = [[] for _ in jobs]
    for round_ in range(repeats + 1):
        for job, measured in zip(jobs, times, strict=True):
            start = time.perf_counter()
            job()
            if round_:  # the first round warms caches and memory
                measured.append(time.perf_counter() - start)
    return [statistics.median(measured) for measured in times]


def kron_sum(filters: np.ndarray, D: int) -> scipy.sparse.csr_array:
    """W with "same" padding as the sum over taps of Kronecker products, by scipy.sparse.kron."""
    l = filters.shape[-1]
    shift = [scipy.sparse.eye_array(D, k=t - l // 2, format="csr") for t in range(l)]
    terms = [
        scipy.sparse.kron(
            filters[:, :, a, b], scipy.sparse.kron(shift[a], shift[b], format="csr"), format="csr"
        )
        for a, b in np.ndindex(l, l)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def build(rng: np.random.Generator) -> tuple[Measure, dict[str, float]]:
    """conv_matrix at 256 × 256 × 3 × 3 on 15 × 15, float32."""
    filters = cnninv.random_filters(256, 256, (3, 3), rng).astype(np.float32)
    layer = cnninv.conv_shape(filters.shape, (15, 15), padding="same")
    size = layer.nbytes(np.float32)
    seconds = median(lambda: cnninv.conv_matrix(filters, (15, 15), padding="same"))
    fill = median(lambda: np.full(size // 4, 1, np.float32))
    small = filters[:64, :64]
    part = cnninv.conv_shape(small.shape, (15, 15), padding="same").nnz
    peer = median(lambda: kron_sum(small, 15), repeats=1) * layer.nnz / part
    tracemalloc.start()
    W = cnninv.conv_matrix(filters, (15, 15), padding="same")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stored = W.data.nbytes + W.indices.nbytes + W.indptr.nbytes
    facts = {
        "non-zeros": layer.nnz,
        "ns per non-zero": seconds / layer.nnz * 1e9,
        "peak / finished matrix": peak / stored,
        "fill, ns per non-zero": fill / layer.nnz * 1e9,
        "kron sum, ns per non-zero": peer / layer.nnz * 1e9,
    }
    peer_name = "the sum of scipy.sparse.kron (64 × 64, scaled)"
    return Measure("build W, 256×256×3×3 on 15×15", seconds, peer_name, peer, "a fill", fill), facts


def product(rng: np.random.Generator) -> Measure:
    """h = W x with the explicit matrix, against a copy of its bytes."""
    filters = cnninv.random_filters(128, 128, (3, 3), rng).astype(np.float32)
    W = cnninv.conv_matrix(filters, (28, 28), padding="same")
    x = rng.standard_normal(W.shape[1]).astype(np.float32)
    bytes_read = np.empty(W.data.nbytes + W.indices.nbytes, np.uint8)
    target = np.empty_like(bytes_read)
    by_columns = W.tocsc()
    return Measure(
        "h = W x, 128×128×3×3 on 28×28",
        median(lambda: W @ x),
        "scipy's CSC product",
        median(lambda: by_columns @ x),
        "a copy of W's bytes",
        median(lambda: np.copyto(target, bytes_read)),
    )


def projection(rng: np.random.Generator) -> Measure:
    """M(h, k) on a long code, against sorting all of it."""
    h = rng.standard_normal(512 * 4096)
    copy = np.empty_like(h)
    return Measure(
        "M(h, k), K = 512, n = 4096, k = 256",
        median(lambda: cnninv.model_project(h, 512, 256)),
        "np.argsort of |h|",
        median(lambda: np.argsort(np.abs(h)), repeats=2),
        "a copy of h",
        median(lambda: np.copyto(copy, h)),
    )


def bracket(rng: np.random.Generator) -> tuple[Measure, dict[str, float]]:
    """The certified bracket at Figure 2's size, against sampling supports."""
    W = cnninv.conv_matrix(cnninv.random_filters(96, 32, 5, rng), 32)
    seconds = median(lambda: cnninv.model_rip_bracket(W, 96, 10, np.random.default_rng(0)), 1)
    sampling = median(
        lambda: cnninv.model_rip_sampled(W, 96, 10, np.random.default_rng(0), 5000), 1
    )
    G = (W @ W.T).toarray()
    eigenvalues = median(lambda: np.linalg.eigvalsh(G[:1024, :1024]), 1)
    lower, upper = cnninv.model_rip_bracket(W, 96, 10, np.random.default_rng(0))
    found = cnninv.model_rip_sampled(W, 96, 10, np.random.default_rng(0), 5000)
    facts = {"lower": lower, "upper": upper, "sampled, 5000 supports": found}
    return (
        Measure(
            "bracket of δ_10 at Figure 2's size",
            seconds,
            "5000 random supports",
            sampling,
            "one eigenvalue problem of WᵀW's size",
            eigenvalues,
        ),
        facts,
    )


def network(rng: np.random.Generator) -> tuple[Measure, dict[str, float]] | None:
    """VGG-16's convolutions, ReLUs and pools on one image, against PyTorch and the bare products."""
    try:
        import torch
    except ModuleNotFoundError:
        print("forward pass of VGG-16: not measured, since its peer, PyTorch, is not installed")
        return None
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    torch.set_num_threads(threads)
    ours = cnninv.random_network("vgg16", rng)
    x = rng.standard_normal((3, 224, 224)).astype(np.float32)
    theirs = torch.nn.Sequential()
    products = []  # filters × patches of each layer: what no product can do without
    size = 224
    for layer in ours.architecture.layers:
        if isinstance(layer, Conv):
            filters = ours.filters(layer.name)
            conv = torch.nn.Conv2d(filters.shape[1], layer.K, layer.size, padding=layer.padding)
            conv.weight.data[:] = torch.from_numpy(filters)
            conv.bias.data[:] = torch.from_numpy(ours.bias(layer.name))
            theirs.append(conv)
            flat = filters.reshape(layer.K, -1)
            patches = rng.standard_normal((flat.shape[1], min(size**2, 4096))).astype(np.float32)
            products.append((flat, patches, max(1, size**2 // 4096)))
        elif isinstance(layer, ReLU):
            theirs.append(torch.nn.ReLU(inplace=True))
        else:
            theirs.append(torch.nn.MaxPool2d(layer.size, layer.stride))
            size //= 2

    def multiply() -> None:
        for flat, patches, times in products:
            for _ in range(times):
                flat @ patches

    def forward() -> np.ndarray:
        return ours.forward(x, "pool5")["pool5"]

    with torch.no_grad():
        peer = theirs(torch.from_numpy(x)[None]).numpy()[0]
        seconds, peer_seconds, limit = in_turn(
            forward, lambda: theirs(torch.from_numpy(x)[None]), multiply
        )
    tracemalloc.start()
    found = forward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    facts = {
        "time, PyTorch = 1": seconds / peer_seconds,
        "relative error to PyTorch": float(np.linalg.norm(found - peer) / np.linalg.norm(peer)),
        "peak / input and output of conv1_2": peak / (2 * 64 * 224 * 224 * 4),
    }
    name = f"VGG-16's convolutions on 224 × 224, {threads} threads"
    return Measure(name, seconds, "PyTorch", peer_seconds, "the bare products", limit), facts


def main() -> None:
    """Measure, print, and write `--out`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    built, build_facts = build(rng)
    certified, bracket_facts = bracket(rng)
    measures = [built, product(rng), projection(rng), certified]
    facts = {"build": build_facts, "bracket": bracket_facts}
    if (forward := network(rng)) is not None:
        measures.append(forward[0])
        facts["network"] = forward[1]
    if (step := training(rng, in_turn)) is not None:
        threads, *seconds = step
        name = f"a step of training vgg16-quarter, 128 images, {threads} threads"
        measures.append(
            Measure(name, seconds[0], "PyTorch", seconds[1], "the bare products", seconds[2])
        )
    if (found := gpu(rng)) is not None:
        facts["gpu"] = {"device": found[0]}
        measures += [Measure(*row) for row in found[1]]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, NumPy {np.__version__}, SciPy {scipy.__version__}"
    print(machine)
    for measure in measures:
        print(measure)
    for found in facts.values():
        values = {n: v if isinstance(v, str) else f"{v:,.4g}" for n, v in found.items()}
        print("; ".join(f"{name} {value}" for name, value in values.items()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": machine,
        "measures": [asdict(measure) for measure in measures],
        **facts,
    }
    options.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
