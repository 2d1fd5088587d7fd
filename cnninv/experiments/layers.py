"""Back through several layers: one after the other, all as one matrix, and again and again (§3.3, §5). Ours.

Decoders that need no training, on the shipped network, with switches known. Their costs are counted in passes
through the network: one pass is every convolution once.
"""

from functools import lru_cache, partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import array_namespace, to_host
from cnninv.compressibility import decay_exponent, model_errors
from cnninv.encoding import encode
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.inverting import Scene, scenes
from cnninv.experiments.switches import smaller
from cnninv.iht import iht, operator_norm
from cnninv.iterated import recover_image
from cnninv.least_squares import cgls
from cnninv.linearized import Linearization, linearize
from cnninv.network_files import load_network
from cnninv.networks import Network
from cnninv.plots import COLOURS
from cnninv.pooling import pooling_regions
from cnninv.smooth import Chain, Smooth

NETWORK = "vgg16-quarter"
QUICK_CROP, CROP = 32, 48
STEPS = 10
"""Of conjugate gradients in each round of iterating through the network."""
FRACTIONS = (0.01, 0.1, 0.3)
WAYS = {
    "layer by layer": "Landweber in each layer on its own, masks known",
    "its bound": "Σ ε_i Π g_j from measured norms",
    "all at once": "Landweber, one matrix, masks known",
    "conjugate gradients": "one matrix, masks known",
    "smooth": "conjugate gradients, prior of smooth images, masks known",
    "again and again": f"{STEPS} steps a round, prior of smooth images, masks not known",
}
"""What each way back does."""


def landweber_gain(iterations: int) -> float:
    """sup over 0 < s ≤ 1 of (1 − (1 − s²)^T)/s: ‖D_T‖ of T Landweber steps for an operator of norm 1.

    Examples
    --------
    >>> landweber_gain(1), round(landweber_gain(100), 1)
    (1.0, 6.4)
    """
    s = np.linspace(1e-4, 1, 20_000)
    return float(((1 - (1 - s**2) ** iterations) / s).max())


def layer_by_layer(A: Linearization, x: Any, norms: list[float], T: int) -> tuple[Any, float]:
    """x̂ by T Landweber steps in each layer, and the bound Σ ε_i Π_{j<i} g_j on ‖x̂ − x‖.

    D_i undoes layer i from zero, then ReLU: x̂_{i-1} = D_i x̂_i. With g_i = ‖D_i‖ and ε_i = ‖D_i x_i − x_{i-1}‖
    the errors add up as in `several_layers_measured`.
    """
    xp, levels = array_namespace(x), [x]
    for stage in A.stages:
        levels.append(stage.values(levels[-1]))

    def undo(i: int, value: Any) -> Any:
        stage, step = A.stages[i], 1 / norms[i] ** 2
        back, _ = iht(stage, value - stage.offset, lambda b: b, T, step)
        return xp.maximum(back, 0) if i else back

    x_hat, bound, gain = levels[-1], 0.0, landweber_gain(T)
    for i in reversed(range(len(A.stages))):
        epsilon = float(xp.linalg.norm(undo(i, levels[i + 1]) - levels[i]))
        x_hat, bound = undo(i, x_hat), epsilon + gain / norms[i] * bound
    return x_hat, bound


def measured_norms(A: Linearization) -> list[float]:
    """‖B_i‖ of each layer, then ‖A‖, each a little above what Lanczos finds."""
    return [operator_norm(operator) * (1 + 1e-4) for operator in (*A.stages, A)]


def ways_back(A: Linearization, x: Any, norms: list[float], T: int) -> dict[str, float]:
    """Relative errors of the `WAYS` that know the masks, after T iterations.

    Parameters
    ----------
    A : Linearization
        At x.
    x : array, shape (3, height, width)
        Preprocessed.
    norms : list of float
        From `measured_norms`.
    T : int
    """
    flat = x.reshape(-1)
    values, S = A.values(flat) - A.offset, Smooth(x.shape)
    size = float(array_namespace(x).linalg.norm(flat))
    apart, bound = layer_by_layer(A, flat, norms, T)
    found = {
        "layer by layer": apart,
        "all at once": iht(A, values, lambda b: b, T, 1 / norms[-1] ** 2)[0],
        "conjugate gradients": cgls(A, values, T)[0],
        "smooth": S @ cgls(Chain(A, S), values, T)[0],
    }
    errors = {
        way: float(array_namespace(x).linalg.norm(x_hat - flat)) / size
        for way, x_hat in found.items()
    }
    return errors | {"its bound": bound / size}


def run(context: Context) -> Outcome:
    """Crops of installed photographs, or those held out in `--data`."""
    drawn, where = smaller(*scenes(context, NETWORK), context.pick(QUICK_CROP, CROP))
    layers = context.pick(["pool1", "pool2"], ["pool1", "pool2", "pool3"])
    steps, rounds = context.pick((1, 10), (1, 3, 10, 30, 100)), context.pick(3, 30)
    task = partial(_of_one, layers=layers, steps=steps, rounds=rounds, device=context.device)
    found = context.sweep(task, drawn, "layers")
    means = {key: np.array([of_one[key] for of_one in found]) for key in found[0]}
    rows = [_row(key, values, where) for key, values in means.items()]
    _network.cache_clear()
    return Outcome(rows, draw(means))


Key = tuple[str, str, float]
"""Layer, quantity, number of iterations or part of the blocks."""


def _of_one(
    scene: Scene, layers: list[str], steps: tuple[int, ...], rounds: int, device: str
) -> dict[Key, float]:
    """All numbers of one photograph."""
    network, image = _network(device), scene.picture(device)
    x = network.preprocessing.whole(image).astype(float)
    xp, measured = array_namespace(x), {}
    mean = network.preprocessing.restore(xp.zeros_like(x))
    for layer in layers:
        A = linearize(network, x, layer)
        norms = measured_norms(A)
        for T in steps:
            for way, error in ways_back(A, x, norms, T).items():
                measured[layer, way, T] = error
        code, size = encode(network, image, layer), float(xp.linalg.norm(x))
        for number in sorted({1, max(1, rounds // 3), rounds}):
            back = recover_image(network, code, number, STEPS)[0]
            # preprocessing is affine: what restore adds is the mean
            error = back - network.preprocessing.restore(x)
            error = error / (network.preprocessing.restore(xp.ones_like(x)) - mean)
            measured[layer, "again and again", number * STEPS] = float(xp.linalg.norm(error)) / size
    measured |= _decay(network, image)
    return measured


def _decay(network: Network, image: Any) -> dict[Key, float]:
    """How compressible each activation after ReLU is: with one entry a 2 × 2 region, and anywhere."""
    layers = [layer for layer in network.layers if layer.startswith("relu")]
    x = network.preprocessing.whole(image)
    measured = {}
    for layer, h in network.forward(x, layers).items():
        if min(h.shape[1:]) < 4 or not bool(h.any()):
            continue
        flat = to_host(h).reshape(-1)
        regions = pooling_regions(h.shape, 2)
        for model, blocks in (("one a region", regions), ("anywhere", np.arange(len(flat)))):
            errors = model_errors(flat, h.shape[0], blocks)
            for part in FRACTIONS:
                # of the number of regions in both
                k = round(part * (regions.max() + 1))
                measured[layer, f"σ_k, {model}", part] = float(errors[k])
            measured[layer, f"exponent, {model}", 0.0] = decay_exponent(errors[: regions.max() + 2])
    return measured


def _row(key: Key, values: np.ndarray, where: str) -> Row:
    layer, quantity, number = key
    place = f"{where}; {NETWORK}"
    if quantity in WAYS:
        return row(
            f"§3.3 ‖x̂−x‖/‖x‖, pool({layer[4:]}), {quantity}, T = {number}",
            f"{place}; {WAYS[quantity]}",
            None,
            values,
        )
    label = f"c({layer[4:].replace('_', ',')})"
    part = f", k = {100 * number:g} % of the regions" if number else ", s of σ_k = G k^(−s), 1–10 %"
    return row(f"§5 {quantity}, {label}{part}", place, None, values)


@lru_cache(maxsize=1)
def _network(device: str) -> Network:
    return load_network(NETWORK).on(device)


def draw(means: dict[Key, np.ndarray]) -> Any:
    """Errors over iterations for each pooling; beside them σ_k over k."""
    layers = sorted({layer for layer, quantity, _ in means if quantity in WAYS})
    figure, axes = plt.subplots(
        1, len(layers) + 1, figsize=(3.1 * (len(layers) + 1), 3.4), layout="constrained"
    )
    for axis, layer in zip(axes, layers, strict=False):
        for way, colour in zip(WAYS, COLOURS, strict=False):
            points = sorted(
                (T, v.mean()) for (at, w, T), v in means.items() if (at, w) == (layer, way)
            )
            axis.plot(*zip(*points, strict=True), "o-", ms=3, color=colour, label=way)
        axis.axhline(1, color="0.7", linewidth=0.8)
        axis.set(title=f"pool({layer[4:]})", xlabel="iterations", xscale="log", ylim=(0, 2))
    axes[0].set_ylabel("$\\Vert\\hat x - x\\Vert/\\Vert x\\Vert$")
    axes[0].legend(fontsize=6.5)
    measured = sorted({layer for layer, quantity, _ in means if quantity.startswith("σ")})
    for layer, shade in zip(measured, np.linspace(0.1, 0.85, len(measured)), strict=True):
        points = [means[layer, "σ_k, one a region", part].mean() for part in FRACTIONS]
        colour = plt.get_cmap("viridis")(shade)
        axes[-1].plot(FRACTIONS, points, "o-", ms=3, color=colour, label=layer)
    axes[-1].set(title="$\\sigma_k(h)/\\Vert h\\Vert$", xlabel="$k$ over regions", xscale="log")
    axes[-1].legend(fontsize=6, loc="lower left")
    return figure


EXPERIMENT = Experiment(
    name="layers",
    paper_item="§3.3, §5",
    title="back through several layers without training; how compressible activations are",
    run=run,
    needs="the photograph that comes with matplotlib; photographs held out in --data DIR at paper scale",
    gpu=True,
)
