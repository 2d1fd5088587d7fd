"""A photograph pushed through one layer and brought back: `cnninv invert` (Gilbert 2017, §2.3, §4.5).

With one entry per filter (M_k as the theory has it) hardly anything of a photograph survives; with one
entry per channel and pooling region, one step of unit size overshoots; iterations with a step from the
operator norm work. Those find a code of the photograph; least squares decodes the pooled one.
"""

from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse.linalg import lsqr

from cnninv.backend import array_namespace, to_host
from cnninv.conv import conv_matrix
from cnninv.filters import check_filters
from cnninv.iht import iht, operator_norm
from cnninv.images import psnr
from cnninv.plots import COLOURS
from cnninv.pooling import max_pool, pooling_regions, unpool
from cnninv.projection import model_project
from cnninv.validation import real_array, whole_number


@dataclass(frozen=True)
class Reconstruction:
    """One way back from the pooled code to the photograph."""

    name: str
    image: np.ndarray
    error: float
    """‖x̂ − x‖/‖x‖."""
    psnr: float
    """In dB, pixels clipped to [0, 1]."""


@dataclass(frozen=True)
class Inversion:
    """What `invert` found."""

    image: np.ndarray
    """The photograph, shape (M, height, width)."""
    shape: tuple[int, ...]
    """(K, *positions) of the hidden units."""
    nnz: int
    """Non-zeros of W."""
    norm_squared: float
    """‖W‖²."""
    kept: int
    """Entries that M(Wx, k) keeps."""
    support: np.ndarray
    """How many of them lie on each position, shape `positions`."""
    reconstructions: list[Reconstruction]
    residual: np.ndarray
    """‖x − Wᵀẑ_i‖/‖x‖ over the iterations."""
    unit_residual: np.ndarray
    """The same with steps of unit size, as long as it is finite."""


def invert(
    image: Any,
    filters: Any,
    window: int = 2,
    k: int | None = None,
    iterations: int = 30,
) -> Inversion:
    """Push a photograph through h = Wx, keep M(h, k), and reconstruct it in several ways.

    Parameters
    ----------
    image : array, shape (M, height, width)
        Values in [0, 1].
    filters : array, shape (K, M, l1, l2)
        Odd sizes; the layer is zero-padded so that positions are pixels. Where image and filters are, all
        is computed but the least squares of `decode`; what is found comes back in memory.
    window : int
        The model has one entry per channel and window × window region.
    k : int, optional
        Entries to keep; all regions if not given.
    iterations : int
        Of IHT.

    Returns
    -------
    Inversion

    Raises
    ------
    TypeError, ValueError
        If the image is not float, or channels do not match.
    MemoryError
        If W does not fit.
    """
    image = real_array(image, "image", ndim=3)
    filters = check_filters(filters)
    if filters.ndim != 4 or filters.shape[1] != image.shape[0]:
        raise ValueError(
            f"filters has shape {filters.shape}; an image of shape {image.shape} needs "
            f"(K, {image.shape[0]}, l1, l2)"
        )
    whole_number(iterations, "iterations", low=1)
    xp = array_namespace(image=image, filters=filters)
    W = conv_matrix(filters, image.shape[1:], padding="same", dtype=np.float32)
    shape, x = (len(filters), *image.shape[1:]), image.ravel().astype(np.float32)
    project = _projection(shape, window, k, xp)

    h = W @ x
    per_filter = W.T @ model_project(h, len(filters), len(filters))
    z_hat = project(h)
    one_step = W.T @ z_hat
    norm = operator_norm(W.T, tol=1e-4)
    iterated, history = iht(W.T, x, project, iterations, step=1 / norm**2)
    _, diverging = iht(W.T, x, project, min(iterations, 6), step=1.0)
    scale = float(x @ one_step) / float(one_step @ one_step) if one_step.any() else 0.0
    decoded = decode(W, z_hat, iterations)
    found = {
        "one entry per filter, Wᵀ": per_filter,
        "one entry per region, Wᵀ": one_step,
        "one entry per region, best scaled": scale * one_step,
        f"IHT, {iterations} iterations": W.T @ iterated,
        f"least squares, {iterations} steps": decoded,
    }
    return Inversion(
        to_host(image),
        shape,
        W.nnz,
        norm**2,
        int(np.count_nonzero(z_hat)),
        to_host((z_hat.reshape(shape) != 0).sum(axis=0)),
        [_compare(name, x_hat, x, image.shape) for name, x_hat in found.items()],
        to_host(history["residual"]),
        to_host(diverging["residual"]),
    )


def decode(W: Any, z_hat: Any, iterations: int) -> Any:
    """The input from its pooled code alone: argmin_x ‖W_Ω x − ẑ_Ω‖ on the support Ω of ẑ, by LSQR.

    Wᵀẑ uses the kept values as coefficients. They are also |Ω| measurements of x at known places, the
    switches; with as many of them as inputs, x is determined. IHT, in contrast, goes back to x in
    every iteration: it finds a code of x, it does not decode the pooled one.

    Parameters
    ----------
    W : sparse array, shape (K*n, M*D)
    z_hat : array, shape (K*n,)
        M(W x, k).
    iterations : int
        Of LSQR (Paige and Saunders 1982), SciPy's, so W_Ω goes to memory for it.

    Returns
    -------
    x_hat : array, shape (M*D,)
    """
    xp, omega = array_namespace(W=W, z_hat=z_hat), np.flatnonzero(z_hat)
    # W_Ω x = ẑ_Ω
    W_omega, kept = to_host(W[omega]).astype(float), to_host(z_hat[omega]).astype(float)
    return xp.asarray(lsqr(W_omega, kept, iter_lim=iterations)[0])


def draw(result: Inversion, size: float = 2.6) -> Any:
    """Original, support, reconstructions, and the residual over the iterations, as one figure."""
    figure = plt.figure(figsize=(4 * size, 2.3 * size), layout="constrained")
    axes = figure.subplot_mosaic("abcd\nefgg")
    pictures = [("original x", result.image)]
    pictures += [
        (f"{r.name}\nerror {r.error:.2f}, {r.psnr:.1f} dB", r.image)
        for r in result.reconstructions
        if r.name != "one entry per region, Wᵀ"
    ]
    for axis, (title, picture) in zip((axes[p] for p in "abcde"), pictures, strict=True):
        axis.imshow(np.clip(picture.transpose(1, 2, 0), 0, 1))
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    support = axes["f"].imshow(result.support, cmap="gray", vmin=0)
    axes["f"].set_title(f"support: filters at each pixel\n{result.kept:,} entries", fontsize=9)
    axes["f"].set_axis_off()
    inset = axes["f"].inset_axes((0.05, -0.07, 0.9, 0.04))
    figure.colorbar(support, cax=inset, orientation="horizontal")
    figure.get_layout_engine().set(h_pad=0.1)  # room for titles of two lines
    _draw_residuals(axes["g"], result)
    return figure


def _draw_residuals(axis: Any, result: Inversion) -> None:
    steps = np.arange(len(result.residual))
    axis.semilogy(steps, result.residual, color=COLOURS[0])
    axis.annotate(
        "step 1/‖W‖²",
        (steps[len(steps) // 2], result.residual[len(steps) // 2]),
        xytext=(6, 4),
        textcoords="offset points",
        color=COLOURS[0],
        fontsize=8,
    )
    unit = result.unit_residual[result.unit_residual < 20 * max(1.0, result.residual.max())]
    axis.semilogy(np.arange(len(unit)), unit, "o-", markersize=3, color=COLOURS[1])
    axis.annotate(
        "step 1",
        (len(unit) - 1, unit[-1]),
        xytext=(6, 0),
        textcoords="offset points",
        color=COLOURS[1],
        fontsize=8,
    )
    axis.set_title("residual ‖x − Wᵀẑ‖/‖x‖", fontsize=9)
    axis.set_xlabel("iteration", fontsize=9)


def _projection(shape: tuple[int, ...], window: int, k: int | None, xp: Any) -> Any:
    """M(·, k) for one entry per channel and region: max pooling and unpooling if all are kept."""
    window = whole_number(window, "window", low=1)
    blocks = xp.asarray(pooling_regions(shape, window))
    regions = int(blocks.max()) + 1
    if k is None or whole_number(k, "k", 1, regions) == regions:
        return lambda b: unpool(*max_pool(b, shape, window), shape, window)
    return lambda b: model_project(b, shape[0], k, blocks=blocks)


def _compare(name: str, x_hat: Any, x: Any, shape: tuple[int, ...]) -> Reconstruction:
    x_hat, x = to_host(x_hat), to_host(x)
    norm = float(np.linalg.norm(x))
    error = float(np.linalg.norm(x_hat - x)) / norm if norm else float(np.linalg.norm(x_hat))
    picture = x_hat.reshape(shape).astype(float)
    return Reconstruction(
        name, picture, error, psnr(np.clip(picture, 0, 1), x.reshape(shape).astype(float))
    )
