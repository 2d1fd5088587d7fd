"""Figure 3: the model-RIP of a layer as large as VGG's conv(5,2) (Gilbert 2017, §4.4, Algorithm 2).

(a) draws codes of the model; (b) and (c) recover them, by Algorithm 2, from what the layer sees: activations of
the layer below, before and after ReLU.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import free_memory
from cnninv.conv import conv_matrix
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.filters import normalize_filters, random_filters
from cnninv.iht import operator_norm
from cnninv.images import read_image
from cnninv.lasso import lambda_max, recover_code
from cnninv.model import sample_code
from cnninv.operator import ConvOperator
from cnninv.plots import COLOURS
from cnninv.pooling import pooling_regions

D, SIZE, WINDOW = 15, 3, 2
SHARES = {"conv(5,2)": 0.206, "conv(5,1)": 0.239}
"""Non-zeros of a code: §4.4's caption takes conv(5,2)'s share in Table 2, its text conv(5,1)'s."""
LAYERS = {"conv3_2": "conv3_1", "conv3_3": "conv3_2"}
"""The layers measured, and the one below: conv(5,2)'s weights are not to be had where this was recorded."""
FRACTIONS = (0.1, 0.05, 0.02, 0.01, 0.005)
"""λ/λ_max: the paper leaves λ open."""
BORDER = (
    "padding takes a third of the filter at a border of each axis: centre 15/16 = 0.938 with regions drawn "
    "alike, of which partial ones lie at one border; 43/45 = 0.956 with entries drawn alike"
)
CHOOSING, PATCHES = 4, 40
"""So many activations choose λ; so many others are measured with it."""


@dataclass(frozen=True)
class Recovered:
    """What Algorithm 2 finds, one number for each activation."""

    ratio: np.ndarray
    """‖Wᵀz‖/‖z‖."""
    error: np.ndarray
    """‖x − Wᵀz‖/‖x‖."""
    share: np.ndarray
    """Non-zeros of z."""
    gap: np.ndarray
    """The larger of the certified gaps of lines 1 and 3, over ‖x‖²."""


def layer(filters: Any, D: int = D) -> ConvOperator:
    """W of unit filters with zero padding, in single precision."""
    return ConvOperator(normalize_filters(filters).astype(np.float32), (D, D), padding="same")


def row_lengths(W: ConvOperator) -> np.ndarray:
    """‖W_i‖ of each row, below 1 where padding cuts the filter: the squared filters over an input of ones."""
    squares = ConvOperator(W.filters**2, W.layer.input_shape, padding="same")
    return np.sqrt(squares @ np.ones(W.shape[1], W.dtype))


def synthetic(
    W: ConvOperator, share: float, codes: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """‖Wᵀz‖/‖z‖ of random codes, one non-zero at most per channel and 2 × 2 region, values U[-1, 1].

    Parameters
    ----------
    W : ConvOperator
        A layer as `layer` makes it.
    share : float
        Non-zeros of the K*n entries.
    codes : int
    rng : numpy.random.Generator

    Returns
    -------
    dict of ndarray, shape (codes,)
        ``zero padding``: W as it is; ``unit rows``: every row of W scaled to unit norm.
    """
    K, positions = W.layer.K, W.layer.positions
    blocks = pooling_regions((K, *positions), WINDOW)
    k = round(share * W.shape[0])
    z = sample_code(K, W.shape[0] // K, k, rng, blocks, codes).astype(W.dtype)
    unit = z / row_lengths(W)[:, None]
    size = _norm(z)
    return {"zero padding": _norm(W.T @ z) / size, "unit rows": _norm(W.T @ unit) / size}


def recovered(
    W: ConvOperator, x: np.ndarray, fraction: float, tol: float, iterations: int, norm: float
) -> Recovered:
    """Algorithm 2 with λ = fraction · λ_max on each activation.

    Parameters
    ----------
    W : ConvOperator
    x : ndarray, shape (M*D², patches)
    fraction, tol, iterations, norm
        λ/λ_max; the others as in `recover_code`.
    """
    lam = fraction * lambda_max(W, x)
    shape = (W.layer.K, *W.layer.positions)
    z, history = recover_code(W, x, lam, shape, WINDOW, tol, iterations, norm)
    fit, energy = W.T @ z, _norm(x)
    gap = np.maximum(history["init"]["gap"][-1], history["final"]["gap"][-1]) / energy**2
    return Recovered(_norm(fit) / _norm(z), _norm(x - fit) / energy, (z != 0).mean(axis=0), gap)


def run(context: Context) -> Outcome:
    """Random layers, and, with `--data`, the learned ones."""
    streams = context.streams(LEAST_SEEDS + 2)
    network = load(context.data)
    rows, panels = _synthetic_rows(context, network, streams[:LEAST_SEEDS])
    instances = _instances(context, network, streams[LEAST_SEEDS])
    for number, relu in (("3(b)", False), ("3(c)", True)):
        found, drawn = _recovered_rows(context, instances, number, relu)
        rows += found
        panels[number] = drawn
    rows.append(_explicit_row(context, streams[-1]))
    return Outcome(rows, draw(panels))


def load(data: str | None, name: str = "vgg16") -> Any:
    """The network of that name in the folder, or None if there is none."""
    files = [] if data is None else sorted(Path(data).glob(f"{name}*.*"))
    if not files:
        return None
    from cnninv.networks import load_network

    return load_network(files[0])


def activations(
    network: Any, below: str, data: str, count: int, rng: np.random.Generator
) -> np.ndarray:
    """15 × 15 patches of a layer before ReLU, one per photograph, shape (M*15², count).

    Each from the middle of what the network makes of 104 × 104 pixels, at a random place of a random
    photograph: no padding of an earlier layer reaches it.
    """
    files = sorted(path for path in Path(data).rglob("*") if path.suffix in (".jpg", ".png"))
    if len(files) < count:
        raise ValueError(f"--data = {data!r} has {len(files)} photographs; expected {count}")
    columns = []
    for place in rng.permutation(len(files))[:count]:
        pixels = network.preprocessing(read_image(files[place]))
        top, left = rng.integers(0, np.array(pixels.shape[1:]) - 104 + 1)
        h = network.forward(pixels[:, top : top + 104, left : left + 104], [below])[below]
        columns.append(h[:, 5 : 5 + D, 5 : 5 + D].ravel())
    return np.ascontiguousarray(np.array(columns, np.float32).T)


def random_activations(M: int, D: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """D × D patches of M channels before ReLU from the sample photograph: two layers of random filters."""
    photograph = read_image("sample") - 0.5
    first, second = (
        np.float32(random_filters(M, channels, (SIZE, SIZE), rng)) for channels in (3, M)
    )
    columns = []
    for _ in range(count):
        top, left = rng.integers(0, np.array(photograph.shape[1:]) - D - 3)
        pixels = np.float32(photograph[:, top : top + D + 4, left : left + D + 4])
        h = np.maximum(ConvOperator(first, pixels.shape[1:]) @ pixels.ravel(), 0)
        columns.append(ConvOperator(second, (D + 2, D + 2)) @ h)
    return np.ascontiguousarray(np.array(columns, np.float32).T)


def choose(path: dict[float, Recovered]) -> float:
    """The fraction whose codes are about as sparse as those of (a): 20.6 % non-zeros."""
    return min(path, key=lambda f: abs(path[f].share.mean() - SHARES["conv(5,2)"]))


def _synthetic_rows(context: Context, network: Any, streams: list) -> tuple[list[Row], dict]:
    K, codes = context.pick((32, 5), (512, 50))
    size = f"K = M = {K}" + context.pick(" in place of 512", ", as conv(5,2)")
    kinds = {"random filters": (size, lambda rng: random_filters(K, K, (SIZE, SIZE), rng))}
    for name in LAYERS if network else ():
        kinds[f"learned filters, {name}"] = ("K = M = 256", lambda _, n=name: network.filters(n))
    rows, panel = [], {}
    for kind, (size, filters) in kinds.items():
        samples = {source: [] for source in SHARES}
        for rng in context.progress(streams, f"fig3 (a), {kind}"):
            W = layer(filters(rng))
            for source, share in SHARES.items():
                samples[source].append(synthetic(W, share, codes, rng))
        for source, share in SHARES.items():
            for scaling in ("zero padding", "unit rows"):
                values = np.array([sample[scaling] for sample in samples[source]])
                where = (
                    f"{size}, D = {D}, {share:.1%} non-zero ({source}), {scaling}; "
                    f"mean of {codes} codes a seed"
                )
                quantity = f"3(a) ‖Wᵀz‖/‖z‖, {kind}"
                reason = BORDER if scaling == "zero padding" else ""
                rows.append(row(quantity, where, 1.0, values.mean(axis=1), reason))
                rows.append(row(f"{quantity}, standard deviation", where, None, values.std(axis=1)))
        panel[kind] = values.ravel()  # the last: unit rows
    if not network:
        rows.append(_not_run("3(a) ‖Wᵀz‖/‖z‖, learned filters"))
    return rows, {"3(a)": panel}


@dataclass(frozen=True)
class _Instance:
    """A layer, its norm, and what it sees."""

    kind: str
    W: ConvOperator
    norm: float
    x: np.ndarray
    below: str


def _instances(context: Context, network: Any, rng: np.random.Generator) -> list[_Instance]:
    """The layers of (b) and (c), with activations of the layer below before ReLU."""
    instances = []

    def add(kind: str, filters: np.ndarray, x: np.ndarray, width: int, below: str) -> None:
        W = layer(filters, width)
        instances.append(_Instance(kind, W, operator_norm(W), x, below))

    if _real(context, network):
        for name, below in LAYERS.items():
            x = activations(network, below, context.data, CHOOSING + PATCHES, rng)
            add(f"learned filters, {name}", network.filters(name), x, D, f"VGG-16's {below}")
            drawn = random_filters(*network.filters(name).shape[:2], (SIZE, SIZE), rng)
            add(f"random filters, {name}'s size", drawn, x, D, f"VGG-16's {below}")
    else:
        M, width = context.pick((16, 9), (64, D))
        x = random_activations(M, width, CHOOSING + LEAST_SEEDS, rng)
        drawn = random_filters(M, M, (SIZE, SIZE), rng)
        add("random filters", drawn, x, width, "two layers of random filters")
    return instances


def _real(context: Context, network: Any) -> bool:
    return network is not None and context.scale == "paper"


def _recovered_rows(
    context: Context, instances: list[_Instance], number: str, relu: bool
) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Rows of (b) or (c), and the ratios by kind of filter."""
    tol, iterations = context.pick((1e-2, 1000), (1e-3, 3000))
    rows, panel = [], {}
    for at in instances:
        x = np.maximum(at.x, 0) if relu else at.x
        solve = {"tol": tol, "iterations": iterations, "norm": at.norm}
        fractions = context.progress(
            context.pick(FRACTIONS[:3], FRACTIONS), f"fig3 {number}, {at.kind}, λ"
        )
        path = {f: recovered(at.W, x[:, :CHOOSING], f, **solve) for f in fractions}
        fraction = choose(path)
        # a few at a time: memory, and a column that has stopped frees its place
        parts = np.array_split(x[:, CHOOSING:], max(1, (x.shape[1] - CHOOSING) // 20), axis=1)
        found = [
            recovered(at.W, part, fraction, **solve)
            for part in context.progress(parts, f"fig3 {number}, {at.kind}")
        ]
        M, width = at.W.layer.M, at.W.layer.input_shape[0]
        seen = f"x: {at.below} {'after' if relu else 'before'} ReLU, M = {M}, D = {width}"
        rows += _rows(number, at.kind, seen, fraction, found, path)
        panel[at.kind] = np.concatenate([part.ratio for part in found])
    if not any(at.kind.startswith("learned") for at in instances):
        rows.append(_not_run(f"{number} ‖Wᵀz‖/‖z‖, learned filters"))
    return rows, panel


def _rows(
    number: str,
    kind: str,
    seen: str,
    fraction: float,
    found: list[Recovered],
    path: dict[float, Recovered],
) -> list[Row]:
    def all_of(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in found])

    where = (
        f"{seen}, λ = {fraction:g} λ_max, which gives about 20.6 % non-zeros; spread over patches"
    )
    label = f"{number} ‖Wᵀz‖/‖z‖, {kind}"
    rows = [
        row(label, where, 1.0, all_of("ratio"), "the ratio depends on λ; see the path"),
        row(f"{label}: standard deviation", where, None, float(all_of("ratio").std())),
        row(f"{label}: ‖x−Wᵀz‖/‖x‖", where, None, all_of("error")),
        row(f"{label}: share of non-zeros", where, None, all_of("share")),
        row(f"{label}: largest certified gap/‖x‖²", where, None, float(all_of("gap").max())),
    ]
    for f, at in path.items():
        here = f"{seen}, λ = {f:g} λ_max, mean of {CHOOSING} patches apart"
        rows += [
            row(f"{label}: path over λ, ratio", here, None, float(at.ratio.mean())),
            row(f"{label}: path over λ, ‖x−Wᵀz‖/‖x‖", here, None, float(at.error.mean())),
            row(f"{label}: path over λ, non-zeros", here, None, float(at.share.mean())),
        ]
    return rows


def _explicit_row(context: Context, rng: np.random.Generator) -> Row:
    """The explicit matrix against the factored one, on two codes."""
    K = context.pick(32, 512)
    quantity = "3(a) explicit Wᵀz against the factored one, ‖difference‖/‖Wᵀz‖"
    entries = K * K * (SIZE * D - 2) ** 2
    where = f"K = M = {K}, D = {D}: {entries:,} non-zeros, single precision"
    # a value and an index each; building needs little more
    if free_memory() < 1.5 * 8 * entries:
        return Row(quantity, where, None, None, None, "not run", "memory for the explicit matrix")
    W = layer(random_filters(K, K, (SIZE, SIZE), rng))
    blocks = pooling_regions((K, D, D), WINDOW)
    z = sample_code(K, D * D, round(0.206 * W.shape[0]), rng, blocks, 2).astype(W.dtype)
    x = W.T @ z
    explicit = conv_matrix(W.filters, (D, D), padding="same", dtype=np.float32)
    difference = _norm(explicit.T @ z - x) / _norm(x)
    return row(quantity, where, None, float(difference.max()))


def _not_run(quantity: str) -> Row:
    needs = "cnninv run fig3 --scale paper --data DIR, with VGG-16's weights and photographs in DIR"
    return Row(quantity, "", 1.0, None, None, "not run", needs)


def draw(panels: dict[str, dict[str, np.ndarray]]) -> Any:
    """Three histograms as in the paper, labelled where they stand."""
    words = {
        "3(a)": "(a)  random codes, unit rows",
        "3(b)": "(b)  from activations before ReLU",
        "3(c)": "(c)  from activations after ReLU",
    }
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
    for axis, (number, drawn) in zip(axes, sorted(panels.items()), strict=True):
        everything = np.append(np.concatenate(list(drawn.values())), 1)
        low, high = everything.min(), everything.max()
        reach = (low - 0.05 * (high - low), high + 0.05 * (high - low))
        axis.axvline(1, color="0.8", linewidth=4, zorder=0)
        for level, (colour, (kind, values)) in enumerate(zip(COLOURS, drawn.items(), strict=False)):
            axis.hist(values, 40, range=reach, density=True, color=colour, alpha=0.7)
            # over its histogram, one line for each kind
            axis.text(
                values.mean(),
                0.98 - 0.09 * level,
                kind.replace(" filters", ""),
                color=colour,
                ha="center",
                va="top",
                fontsize=8,
                transform=axis.get_xaxis_transform(),
            )
        axis.set(title=words[number], xlabel="‖Wᵀz‖/‖z‖", yticks=[])
        axis.spines["left"].set_visible(False)
        axis.margins(y=0.5)
    axes[0].set_ylabel("density (grey: the paper)")
    return figure


def _norm(columns: np.ndarray) -> np.ndarray:
    return np.linalg.norm(columns.astype(float, copy=False), axis=0)


EXPERIMENT = Experiment(
    name="fig3",
    paper_item="Figure 3",
    title="the model-RIP of a convolution layer, and Algorithm 2 (§4.4)",
    run=run,
    needs="nothing for random filters; VGG-16's weights and photographs in --data DIR for learned ones",
    claims=("3(a)", "3(b)", "3(c)"),
)
