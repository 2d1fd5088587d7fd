"""The factored matrix beside PyTorch: one layer, and the forward pass of VGG-16."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
from measure import THREADS, Measure, in_turn, optional, product_job, set_torch_threads

import cnninv
from cnninv.architectures import Conv, ReLU

BATCH = 64


def conv52(rng: np.random.Generator) -> Iterator[Measure]:
    """W and Wᵀ on 64 columns: K = M = 512, 3 × 3, 15 × 15, float32 (the job of Figure 3 (a))."""
    torch = set_torch_threads(optional("torch"))
    filters = cnninv.random_filters(512, 512, (3, 3), rng).astype(np.float32)
    x = rng.standard_normal((512 * 15 * 15, BATCH)).astype(np.float32)
    ways = {
        method: cnninv.ConvOperator(filters, (15, 15), padding="same", method=method)
        for method in ("winograd", "patches")
    }
    one_thread = cnninv.ConvOperator(filters, (15, 15), 1, "same", method="winograd", threads=1)
    exact = cnninv.ConvOperator(filters.astype(float), (15, 15), padding="same", method="patches")
    dense = product_job([((512, 9 * 512), (9 * 512, 1800), 225 * BATCH // 1800)])
    functions = {"W X": None, "Wᵀ H": None}
    if torch is not None:
        nchw = np.ascontiguousarray(np.moveaxis(x.reshape(512, 15, 15, BATCH), -1, 0))
        image, weight = torch.from_numpy(nchw), torch.from_numpy(filters)
        functions = {
            "W X": lambda: torch.nn.functional.conv2d(image, weight, padding=1),
            "Wᵀ H": lambda: torch.nn.functional.conv_transpose2d(image, weight, padding=1),
        }
    for name, theirs in functions.items():
        fast, alone, patches, truth = (
            (W if name == "W X" else W.T)
            for W in (ways["winograd"], one_thread, ways["patches"], exact)
        )
        few = np.ascontiguousarray(x[:, :2])
        expected = truth @ few.astype(float)
        seconds, by_one, by_patches, peer, limit = in_turn(
            lambda: fast @ x,  # noqa: B023
            lambda: alone @ x,  # noqa: B023
            lambda: patches @ x,  # noqa: B023
            theirs,
            dense,
            repeats=4,
        )
        # one thread for the transforms; BLAS has its own for the products
        facts = {"transforms in one thread, s": by_one, "by patches, s": by_patches}
        facts |= {
            f"relative error, {method}": np.linalg.norm(W @ few - expected)
            / np.linalg.norm(expected)
            for method, W in (("winograd", fast), ("patches", patches))
        }
        if peer is not None:
            facts["by patches / PyTorch"] = by_patches / peer
        yield Measure(
            f"{name}, conv(5,2)'s size, {BATCH} columns, Winograd, {THREADS} threads",
            seconds,
            "PyTorch",
            peer,
            "the nine dense products",
            limit,
            facts,
        )


def vgg16(rng: np.random.Generator) -> Iterator[Measure]:
    """VGG-16's convolutions, ReLUs and pools on one image, against PyTorch and the bare products."""
    torch = set_torch_threads(optional("torch"))
    ours, size, products = cnninv.random_network("vgg16", rng), 224, []
    x = rng.standard_normal((3, 224, 224)).astype(np.float32)
    theirs = None if torch is None else torch.nn.Sequential()
    for layer in ours.architecture.layers:
        if isinstance(layer, Conv):
            filters = ours.filters(layer.name)
            flat = (layer.K, filters[0].size)
            # filters × patches: what no product without Winograd's trick can do without
            columns = min(size**2, 4096)
            products.append((flat, (flat[1], columns), max(1, size**2 // 4096)))
            if torch is not None:
                conv = torch.nn.Conv2d(filters.shape[1], layer.K, layer.size, padding=layer.padding)
                conv.weight.data[:] = torch.from_numpy(filters)
                conv.bias.data[:] = torch.from_numpy(ours.bias(layer.name))
                theirs.append(conv)
        elif isinstance(layer, ReLU):
            if torch is not None:
                theirs.append(torch.nn.ReLU(inplace=True))
        else:
            size //= 2
            if torch is not None:
                theirs.append(torch.nn.MaxPool2d(layer.size, layer.stride))

    def forward() -> np.ndarray:
        return ours.forward(x, "pool5")["pool5"]

    def peer() -> np.ndarray:
        with torch.no_grad():
            return theirs(torch.from_numpy(x)[None]).numpy()[0]

    seconds, peer_seconds, limit = in_turn(
        forward, None if torch is None else peer, product_job(products), repeats=4
    )
    tracemalloc.start()
    found = forward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    facts = {"peak / input and output of conv1_2": peak / (2 * 64 * 224 * 224 * 4)}
    if torch is not None:
        expected = peer()
        facts["relative difference"] = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    operation = f"VGG-16's convolutions on a 224 × 224 image, {THREADS} threads"
    yield Measure(
        operation, seconds, "PyTorch", peer_seconds, "the bare matrix products", limit, facts
    )
