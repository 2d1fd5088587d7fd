"""A step of training on 128 images, beside the same network and step in PyTorch."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cnninv.training import Model, Nesterov, Plan, paper_plan, plan
from cnninv.training.loop import learn
from cnninv.training.parts import Parts

BATCH = 128
PLANS = {
    "vgg16-quarter": plan("vgg16-quarter"),
    "one random layer of 2048 filters": replace(paper_plan(1, "random"), dropout=0.0),
    "one learned layer of 1024 filters": replace(paper_plan(1, "learned"), dropout=0.0),
}


def ours(what: Plan, threads: int, rng: np.random.Generator) -> Callable[[], float]:
    """One step; with two threads the batch has two parts (BLAS should then have one thread)."""
    model = Model(what, rng, fused=what.architecture.name == "paper-1")
    parts, optimiser = Parts(model, threads), Nesterov(model.parameters, 0.9, 5e-4)
    x, labels = _batch(rng)

    def step() -> float:
        loss, _ = learn(parts, x, labels, 0.0, rng)
        optimiser.step(parts.gradients, 0.01)
        return loss

    return step


def theirs(torch: Any, what: Plan, threads: int, rng: np.random.Generator) -> Callable[[], float]:
    """The same network, loss and optimiser in PyTorch, in its own layout of images."""
    torch.set_num_threads(threads)
    model = Model(what, rng)
    layers = []
    for layer in model.layers.values():
        kind = type(layer).__name__
        if kind == "Convolution":
            K, M, size, _ = layer.filters.shape
            layers.append(torch.nn.Conv2d(M, K, size, padding=size // 2, bias=False))
            layers[-1].requires_grad_(layer.learned)
        elif kind == "BatchNormalisation":
            layers.append(torch.nn.BatchNorm2d(len(layer.parameters["scale"])))
        elif kind == "Rectifier":
            layers.append(torch.nn.ReLU(inplace=True))
        elif kind == "MaximumPooling":
            layers.append(torch.nn.MaxPool2d(2))
        elif kind == "AveragePooling":
            layers.append(torch.nn.AvgPool2d(layer.window))
        else:
            classes, features = layer.parameters["weights"].shape
            layers += [torch.nn.Flatten(), torch.nn.Linear(features, classes)]
    network = torch.nn.Sequential(*layers).train()
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(learned, 0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)
    x, labels = _batch(rng)
    x = torch.from_numpy(np.ascontiguousarray(x.transpose(3, 0, 1, 2)))
    labels = torch.from_numpy(labels)

    def step() -> float:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def _batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = rng.standard_normal((3, 32, 32, BATCH)).astype(np.float32)
    return x, rng.integers(0, 10, BATCH)


def training(what: Plan, rng: np.random.Generator, in_turn: Callable[..., list[float]]) -> Any:
    """(threads, seconds of ours, seconds of PyTorch, seconds of the products alone), or None without it."""
    try:
        import torch
    except ModuleNotFoundError:
        print("a step of training: not measured, since its peer, PyTorch, is not installed")
        return None
    blas = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    cores = os.cpu_count() or 1
    threads = min(2, cores)
    # BLAS with several threads already shares out each product
    step = ours(what, threads if blas == 1 else 1, rng)
    return threads, *in_turn(step, theirs(torch, what, threads, rng), products(what, rng))


def products(what: Plan, rng: np.random.Generator) -> Callable[[], None]:
    """The products of a step alone, three for a convolution that learns, on patches that are there already."""
    model = Model(what, rng)
    side, pairs = 32, []
    for name, layer in model.layers.items():
        if name.startswith("pool"):
            side //= 2
        if hasattr(layer, "filters"):
            K, M, size, _ = layer.filters.shape
            # a block that stays in the cache, as often as the layer needs it
            columns = min(4096, side**2 * BATCH)
            P = rng.standard_normal((M * size**2, columns)).astype(np.float32)
            kinds = 1 + layer.learned + (not layer.first)
            times = side**2 * BATCH // columns * kinds
            pairs.append((layer.filters.reshape(K, -1), P, times))

    def multiply() -> None:
        for flat, P, times in pairs:
            for _ in range(times):
                flat @ P

    return multiply
