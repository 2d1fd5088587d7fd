"""Figure 2: 1-d model-RIP and reconstruction with random filters (Gilbert 2017, §4.2)."""

from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import to_device, to_host
from cnninv.bracket import model_rip_bracket
from cnninv.conv import conv_matrix
from cnninv.experiments.base import LEAST_SEEDS, Context, Experiment, Outcome, row
from cnninv.filters import random_filters
from cnninv.model import sample_code
from cnninv.plots import COLOURS
from cnninv.projection import model_project
from cnninv.statement import states

# filters of size l × 1 × M × K = 5 × 1 × 32 × 96, signals of length D = 32, sparsity k = 10
K, M, LENGTH, D, SPARSITY = 96, 32, 5, 32, 10
SHIFTS = D - LENGTH + 1


def layer(rng: np.random.Generator) -> Any:
    """W of Figure 2: Gaussian filters scaled by 1/√(ℓM), no padding, stride 1."""
    return conv_matrix(random_filters(K, M, LENGTH, rng), D)


@states("Figure 2", "‖Wᵀz‖, ‖WWᵀz‖ and the reconstruction error of random codes")
def ratios(W: Any, z: Any) -> dict[str, Any]:
    """The quantities of Figure 2 for each code, under every reading of the paper.

    Parameters
    ----------
    W : sparse array, shape (K*n, M*D)
    z : array, shape (K*n, codes)

    Returns
    -------
    dict of arrays, shape (codes,)
        ``a``: ‖Wᵀz‖/‖z‖; ``b``: ‖WWᵀz‖/‖z‖; ``b on Π``: the same on the support of z;
        ``c``: ‖x̂−x‖/‖x‖ with x̂ = WᵀM(Wx, k); ``c naive``: with naive upsampling;
        ``c all``: with all K pooled entries.
    """
    x = W.T @ z
    h = W @ x
    size, energy = _norm(z), _norm(x)

    def error(z_hat: Any) -> Any:
        return _norm(W.T @ z_hat - x) / energy

    known = model_project(h, K, SPARSITY)
    return {
        "a": energy / size,
        "b": _norm(h) / size,
        "b on Π": _norm(np.where(z != 0, h, 0)) / size,
        "c": error(known),
        "c naive": error(_naive(known)),
        "c all": error(model_project(h, K, K)),
    }


def run(context: Context) -> Outcome:
    """Draw layers and codes, and set every reading of Figure 2 beside the paper's words."""
    seeds, codes = context.pick((20, 200), (100, 1000))
    certified = context.pick(1, LEAST_SEEDS)
    tasks = [(rng, place < certified) for place, rng in enumerate(context.streams(seeds))]
    task = partial(_measure, codes=codes, device=context.device)
    measured = context.sweep(task, tasks, "fig2")
    drawn = {name: np.array([sample[name] for sample, _ in measured]) for name in measured[0][0]}
    brackets = np.array([bracket for _, bracket in measured if bracket])
    return Outcome(_rows(drawn, brackets), draw(drawn))


def _measure(
    task: tuple[np.random.Generator, bool], codes: int, device: str
) -> tuple[dict[str, np.ndarray], tuple[float, ...]]:
    """The ratios of one layer, and, if it is to be certified, the ends of its δ_10."""
    rng, certify = task
    W = to_device(layer(rng), device)
    z = to_device(sample_code(K, SHIFTS, SPARSITY, rng, batch=codes), device)
    sample = {name: to_host(values) for name, values in ratios(W, z).items()}
    return sample, model_rip_bracket(W, K, SPARSITY, rng) if certify else ()


def _rows(drawn: dict[str, np.ndarray], brackets: np.ndarray) -> list:
    mean = {name: values.mean(axis=1) for name, values in drawn.items()}
    average = "z uniform in M_10; mean over codes, one layer a seed"
    one_layer = "one layer" if len(brackets) == 1 else "one layer a seed"
    return [
        row("2(a) ‖Wᵀz‖/‖z‖", average, 1.0, mean["a"]),
        row("2(a) ‖Wᵀz‖/‖z‖, standard deviation", "over codes", None, drawn["a"].std(axis=1)),
        row(
            "2(b) ‖WWᵀz‖/‖z‖",
            "as printed: " + average,
            1.0,
            mean["b"],
            "‖WWᵀz‖² is about (1 + K/M)‖z‖²: 96 filters answer, 10 are in z",
        ),
        row(
            "2(b) ‖WWᵀz‖/‖z‖, on the support",
            "restricted to the support of z, as in Lemma B.1",
            1.0,
            mean["b on Π"],
        ),
        row(
            "2(c) ‖x̂−x‖/‖x‖",
            "known switches, the 10 best blocks",
            (0.1, 0.2),
            mean["c"],
            "the squared error has its mean in the printed range",
        ),
        row(
            "2(c) ‖x̂−x‖/‖x‖, squared",
            "known switches, the 10 best blocks, ‖x̂−x‖²/‖x‖²",
            (0.1, 0.2),
            (drawn["c"] ** 2).mean(axis=1),
        ),
        row(
            "2(c) ‖x̂−x‖/‖x‖, naive upsampling",
            "as captioned: values on the first entry of each block",
            (0.1, 0.2),
            mean["c naive"],
            "a value on the wrong shift is farther from x than no value at all",
        ),
        row(
            "2(c) ‖x̂−x‖/‖x‖, pooling alone",
            "known switches, all 96 blocks kept",
            (0.1, 0.2),
            mean["c all"],
            "86 of the 96 kept entries are not in z",
        ),
        row("2(c) largest error", "known switches", (0.0, 0.5), drawn["c"].max(axis=1)),
        row("2(c) 5 % quantile of the error", "known switches", None, _quantile(drawn["c"], 0.05)),
        row("2(c) 95 % quantile of the error", "known switches", None, _quantile(drawn["c"], 0.95)),
        row(
            "2 hypothesis δ_k < 1, certified lower end of δ_10",
            f"worst support found on M_10, {one_layer}",
            (0.0, 1.0),
            brackets[:, 0],
            "the average ratio is near 1, the worst case is not",
        ),
        row(
            "2 certified upper end of δ_10",
            f"proved for all supports of M_10, {one_layer}",
            None,
            brackets[:, 1],
        ),
    ]


def draw(drawn: dict[str, np.ndarray]) -> Any:
    """Three histograms as in the paper, the readings of each beside one another."""
    panels = [
        ("(a)  ‖Wᵀz‖/‖z‖", [("a", "as printed")], (0.8, 1.2), (1.0, 1.0)),
        (
            "(b)  ‖WWᵀz‖/‖z‖",
            [("b", "as printed"), ("b on Π", "on the support of z")],
            (0.6, 2.6),
            (1.0, 1.0),
        ),
        (
            "(c)  ‖x̂−x‖/‖x‖",
            [("c", "known switches"), ("c naive", "naive upsampling"), ("c all", "all 96 blocks")],
            (0.0, 1.8),
            (0.1, 0.2),
        ),
    ]
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
    for axis, (title, readings, limits, claim) in zip(axes, panels, strict=True):
        low, high = claim
        axis.axvspan(low - 0.004, high + 0.004, color="0.8", zorder=0)
        for colour, (name, label) in zip(COLOURS, readings, strict=False):
            values = drawn[name].ravel()
            counts, *_ = axis.hist(
                values, bins=80, range=limits, density=True, color=colour, alpha=0.75
            )
            axis.text(
                values.mean(), counts.max() * 1.03, label, color=colour, ha="center", fontsize=8
            )
        axis.set(xlabel=title, xlim=limits, yticks=[])
        axis.spines[["left", "top", "right"]].set_visible(False)
        axis.margins(y=0.12)
    axes[0].set_ylabel("density (grey: the paper)")
    return figure


def _naive(z_hat: Any) -> Any:
    """Each kept value on the first entry of its block."""
    naive = np.zeros_like(z_hat)
    naive[::SHIFTS] = z_hat.reshape(K, SHIFTS, -1).sum(axis=1)  # one entry a block
    return naive


def _norm(columns: Any) -> Any:
    return np.linalg.norm(columns, axis=0)


def _quantile(values: np.ndarray, level: float) -> np.ndarray:
    return np.quantile(values, level, axis=1)


EXPERIMENT = Experiment(
    name="fig2",
    paper_item="Figure 2",
    title="1-d model-RIP and reconstruction with random filters (§4.2)",
    run=run,
    gpu=True,
)
