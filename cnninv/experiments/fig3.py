"""Figure 3: the model-RIP of a layer as large as VGG's conv(5,2) (Gilbert 2017, §4.4, Algorithm 2).

(a) draws codes of the model; (b) and (c) recover them, by Algorithm 2, from what the layer sees: activations of
the layer below, before and after ReLU.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, Row, row
from cnninv.experiments.explicit import explicit_rows
from cnninv.experiments.model_rip import (
    SHARES,
    SIZE,
    D,
    Drawing,
    Recovered,
    Seen,
    draw_codes,
    recover,
    search_codes,
)
from cnninv.experiments.seen import activations, random_activations
from cnninv.experiments.sources import load
from cnninv.filters import random_filters
from cnninv.plots import COLOURS

LAYERS = {"conv3_2": "conv3_1", "conv3_3": "conv3_2"}
"""The layers measured, and the one below: conv(5,2)'s weights are not to be had where this was recorded."""
FRACTIONS = (0.1, 0.03, 0.01, 0.004)
"""λ/λ_max: the paper leaves λ open."""
BORDER = (
    "padding takes a third of the filter at a border of each axis: centre 15/16 = 0.938 with regions drawn "
    "alike, of which partial ones lie at one border; 43/45 = 0.956 with entries drawn alike"
)


@dataclass(frozen=True)
class Kind:
    """Filters, and what the rows say of them."""

    name: str
    size: str
    filters: np.ndarray | tuple[int, int]


@dataclass(frozen=True)
class Instance:
    """A layer, and what it sees."""

    number: str
    """Of the panel."""
    kind: str
    seen: str
    task: Seen


def run(context: Context) -> Outcome:
    """Random layers, and, with `--data`, the learned ones."""
    drawing, searching, recovering, last = context.streams(4)
    network = load(context.data)
    rows, panel = _drawn_rows(context, network, drawing, searching)
    panels = {"3(a)": panel, "3(b)": {}, "3(c)": {}}
    instances = _instances(context, network, recovering)
    solve = partial(recover, device=context.device)
    paths = context.sweep(solve, [at.task for at in instances], "fig3 (b) and (c)")
    for at, path in zip(instances, paths, strict=True):
        found = {
            fraction: Recovered(**step)
            for fraction, step in zip(at.task.fractions, path, strict=True)
        }
        rows += _recovered_rows(at, found)
        panels[at.number][at.kind] = found[choose(found)].ratio
    if not any(at.kind.startswith("learned") for at in instances):
        rows += [_not_run(f"{number} ‖Wᵀz‖/‖z‖, learned filters") for number in ("3(b)", "3(c)")]
    rows += explicit_rows(context, last)
    return Outcome(rows, draw(panels))


def choose(path: dict[float, Recovered]) -> float:
    """The fraction whose codes are about as sparse as those of (a): 20.6 % non-zeros."""
    return min(path, key=lambda f: abs(path[f].share.mean() - SHARES["conv(5,2)"]))


def _drawn_rows(
    context: Context, network: Any, drawing: np.random.Generator, searching: np.random.Generator
) -> tuple[list[Row], dict[str, np.ndarray]]:
    """Rows of (a), and the ratios by kind of filter."""
    codes, rows, panel = context.pick(5, 50), [], {}
    for kind in _kinds(context, network):
        tasks = [Drawing(kind.filters, codes, rng) for rng in drawing.spawn(LEAST_SEEDS)]
        measure = partial(draw_codes, device=context.device)
        samples = context.sweep(measure, tasks, f"fig3 (a), {kind.name}")
        quantity = f"3(a) ‖Wᵀz‖/‖z‖, {kind.name}"
        for source, share in SHARES.items():
            for scaling in ("zero padding", "unit rows"):
                values = np.array([sample[source][scaling] for sample in samples])
                where = (
                    f"{kind.size}, D = {D}, {share:.1%} non-zero ({source}), {scaling}; "
                    f"mean of {codes} codes a seed"
                )
                reason = BORDER if scaling == "zero padding" else ""
                rows.append(row(quantity, where, 1.0, values.mean(axis=1), reason))
                rows.append(row(f"{quantity}, standard deviation", where, None, values.std(axis=1)))
                if scaling == "unit rows" and source == "conv(5,2)":
                    panel[kind.name] = values.ravel()
        search = [Drawing(kind.filters, 1, rng) for rng in searching.spawn(1)]
        look = partial(search_codes, device=context.device)
        ((low, high),) = context.sweep(look, search, f"fig3 (a), search, {kind.name}")
        where = f"{kind.size}, D = {D}, 20.6% non-zero, zero padding, truncated power iterations"
        rows.append(row(f"{quantity}, smallest that a search finds", where, None, low))
        rows.append(row(f"{quantity}, largest that a search finds", where, None, high))
    if not network:
        rows.append(_not_run("3(a) ‖Wᵀz‖/‖z‖, learned filters"))
    return rows, panel


def _kinds(context: Context, network: Any) -> list[Kind]:
    K = context.pick(32, 512)
    size = f"K = M = {K}" + context.pick(" in place of 512", ", as conv(5,2)")
    kinds = [Kind(context.pick("random filters", "random filters, conv(5,2)'s size"), size, (K, K))]
    for place, name in enumerate(LAYERS if network else ()):
        filters = network.filters(name)
        K, M = filters.shape[:2]
        size = f"K = {K}, M = {M}, as {name}"
        if place == 0 and context.scale == "paper":
            kinds.append(Kind(f"random filters, {name}'s size", size, (K, M)))
        kinds.append(Kind(f"learned filters, {name}", size, filters))
    return kinds


def _instances(context: Context, network: Any, rng: np.random.Generator) -> list[Instance]:
    """The layers of (b) and (c), with activations of the layer below."""
    tol, iterations = context.pick((1e-2, 1000), (5e-3, 3000))
    fractions, instances = context.pick(FRACTIONS[:3], FRACTIONS), []

    def add(kind: str, filters: np.ndarray, x: np.ndarray, below: str) -> None:
        M = filters.shape[1]
        width = round((len(x) / M) ** 0.5)
        for number, relu, words in (("3(b)", False, "before"), ("3(c)", True, "after")):
            seen = f"x: {below} {words} ReLU, M = {M}, D = {width}, {x.shape[1]} patches"
            sees = np.maximum(x, 0) if relu else x
            task = Seen(filters, sees, fractions, tol, iterations)
            instances.append(Instance(number, kind, seen, task))

    if network is not None and context.scale == "paper":
        for name, below in LAYERS.items():
            filters = network.filters(name)
            x = activations(network, below, context.data, LEAST_SEEDS, rng)
            add(f"learned filters, {name}", filters, x, f"VGG-16's {below}")
            drawn = random_filters(*filters.shape[:2], (SIZE, SIZE), rng)
            add(f"random filters, {name}'s size", drawn, x, f"VGG-16's {below}")
    else:
        M, width = context.pick((16, 9), (64, D))
        x = random_activations(M, width, LEAST_SEEDS, rng)
        drawn = random_filters(M, M, (SIZE, SIZE), rng)
        add("random filters", drawn, x, "two layers of random filters")
    return instances


def _recovered_rows(at: Instance, path: dict[float, Recovered]) -> list[Row]:
    """The ratio at the λ chosen, and the path over λ."""
    label, chosen = f"{at.number} ‖Wᵀz‖/‖z‖, {at.kind}", choose(path)
    found = path[chosen]
    where = (
        f"{at.seen}, λ = {chosen:g} λ_max, of those tried the nearest to 20.6 % non-zeros; "
        f"spread over patches"
    )
    gap = max(float(step.gap.max()) for step in path.values())
    rows = [
        row(label, where, 1.0, found.ratio, "the ratio depends on λ; see the path"),
        row(f"{label}: standard deviation", where, None, float(found.ratio.std())),
        row(f"{label}: largest certified gap/‖x‖²", f"{at.seen}, all λ", None, gap),
    ]
    for fraction, step in path.items():
        here = f"{at.seen}, λ = {fraction:g} λ_max; spread over patches"
        rows += [
            row(f"{label}: path over λ, ratio", here, None, step.ratio),
            row(f"{label}: path over λ, ‖x−Wᵀz‖/‖x‖", here, None, step.error),
            row(f"{label}: path over λ, non-zeros", here, None, step.share),
            row(f"{label}: path over λ, iterations", here, None, step.iterations),
        ]
    return rows


def _not_run(quantity: str) -> Row:
    needs = "cnninv run fig3 --scale paper --data DIR, with VGG-16's weights and photographs in DIR"
    return Row(quantity, "", 1.0, None, None, "not run", needs)


def draw(panels: dict[str, dict[str, np.ndarray]]) -> Any:
    """The paper's three histograms, one line for each kind of filter; the paper's centre in grey."""
    words = {
        "3(a)": "(a)  random codes, unit rows",
        "3(b)": "(b)  recovered, before ReLU",
        "3(c)": "(c)  recovered, after ReLU",
    }
    kinds = list(dict.fromkeys(kind for drawn in panels.values() for kind in drawn))
    figure, axes = plt.subplots(
        1, 3, figsize=(9, 1.3 + 0.55 * len(kinds)), sharey=True, layout="constrained"
    )
    for axis, (number, drawn) in zip(axes, sorted(panels.items()), strict=True):
        axis.axvline(1, color="0.8", linewidth=4, zorder=0)
        for line, kind in enumerate(kinds):
            if kind not in drawn:
                axis.text(1, line - 0.3, "not measured", color="0.6", ha="center", fontsize=8)
                continue
            counts, edges = np.histogram(drawn[kind], 25 if len(drawn[kind]) > 100 else 8)
            # upwards from its line; the axis points down
            axis.stairs(
                line - 0.8 * counts / counts.max(),
                edges,
                baseline=line,
                fill=True,
                color=COLOURS[line % len(COLOURS)],
            )
        axis.set(title=words[number], xlabel="‖Wᵀz‖/‖z‖", ylim=(len(kinds) - 0.9, -1))
        axis.margins(x=0.1)
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)
    names = [kind.replace(" filters", "").replace(", ", "\n") for kind in kinds]
    axes[0].set_yticks(np.arange(len(kinds)) - 0.3, names)
    return figure


EXPERIMENT = Experiment(
    name="fig3",
    paper_item="Figure 3",
    title="the model-RIP of a convolution layer, and Algorithm 2 (§4.4)",
    run=run,
    needs="nothing for random filters; VGG-16's weights and photographs in --data DIR for learned ones",
    claims=("3(a)", "3(b)", "3(c)"),
)
