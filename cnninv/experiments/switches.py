"""How much of a picture sits in the switches, and how much in the values (Gilbert 2017, §4.5, §5). Ours.

Codes of photographs are decoded with every kind of switches beside every kind of values: the paper's
"considerable information captured in the switch units" as a table.
"""

from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from cnninv.backend import array_namespace, to_device, to_host
from cnninv.encoding import Code, encode
from cnninv.experiments.base import Context, Experiment, Outcome, Row, row
from cnninv.experiments.inverting import NETWORKS, Scene, Subject, scenes, shrunk, subject
from cnninv.images import center_crop, psnr, read_image, ssim
from cnninv.networks import Network
from cnninv.one_step import relative_error
from cnninv.what_and_where import SWITCHES, VALUES, replace_switches, replace_values

KINDS = tuple(product(SWITCHES, VALUES))
"""Of switches and of values."""
MEASURES = ("‖x̂−x‖/‖x‖", "PSNR dB", "SSIM", "correlation")
"""The last is blind to brightness and contrast, which Wᵀ does not know."""
QUICK_CROP = 48
SHOWN, SIZE = "pool3", 128
"""The pooling and the pixels of the figure."""
NOTHING = "mean colour"
"""What a decoder does that looks at neither."""


def scrambled(network: Network, code: Code, rng: np.random.Generator) -> list[Code]:
    """The code of one image with the switches and values of `KINDS`, in their order."""
    return [
        replace_values(replace_switches(network, code, switches, rng), values, rng)
        for switches, values in KINDS
    ]


def together(codes: list[Code]) -> Code:
    """Codes of one image each as the code of a batch, for a decoder to take in one go."""
    first = codes[0]
    xp = array_namespace(first.values)
    switches = {
        name: xp.concatenate([code.switches[name] for code in codes]) for name in first.switches
    }
    values = xp.concatenate([code.values for code in codes])
    return Code(first.layer, values, switches, first.planes, first.size)


def qualities(x: np.ndarray, x_hat: np.ndarray) -> list[float]:
    """`MEASURES` of an image brought back, its pixels clipped to [0, 1] for all but the last."""
    shown = np.clip(x_hat, 0, 1)
    return [relative_error(shown, x), psnr(x, shown), ssim(x, shown), correlation(x, x_hat)]


def correlation(x: np.ndarray, x_hat: np.ndarray) -> float:
    """⟨x, x̂⟩/(‖x‖ ‖x̂‖) of two images, the mean of each channel subtracted; 0 where one is constant.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((3, 8, 8))
    >>> round(correlation(x, 0.2 * x + 0.7), 12)
    1.0
    """
    x, x_hat = (image - image.mean(axis=(1, 2), keepdims=True) for image in (x, x_hat))
    sizes = float(np.linalg.norm(x) * np.linalg.norm(x_hat))
    return float((x * x_hat).sum()) / sizes if sizes > 1e-12 else 0.0


def decoded(
    at: Subject, image: Any, layer: str, rng: np.random.Generator
) -> dict[str, list[np.ndarray]]:
    """Images for the codes of `KINDS`, by decoder."""
    batch = together(scrambled(at.network, encode(at.network, image, layer), rng))
    found = {name: to_host(decode(batch)) for name, decode in at.decoders[layer].items()}
    return {name: list(images.astype(float)) for name, images in found.items()}


def run(context: Context) -> Outcome:
    """The shipped network, and the paper's where its weights are in `--data`."""
    rows: list[Row] = []
    for network in NETWORKS:
        at = subject(network, context.data, context.device)
        if at is None:
            continue
        drawn, where = smaller(*scenes(context, network), context.pick(QUICK_CROP, 224))
        layers = [layer for layer in at.layers if _fits(at, layer, drawn[0])]
        task = partial(
            _of_one, network=network, layers=layers, data=context.data, device=context.device
        )
        found = context.sweep(task, drawn, f"switches of {network}")
        rows += _rows(found, f"{where}; {network}")
    picture = _picture(context)
    subject.cache_clear()
    return Outcome(rows, draw(*picture))


def smaller(drawn: list[Scene], where: str, crop: int) -> tuple[list[Scene], str]:
    """The scenes with crops of at most so many pixels, and what the rows call them."""
    before = drawn[0].crop
    if before <= crop:
        return drawn, where
    where = where.replace(f"{before} × {before}", f"{crop} × {crop}")
    return [replace(scene, crop=crop) for scene in drawn], where


Key = tuple[str, str, str, str]
"""Layer, decoder, switches, values."""


def _of_one(
    scene: Scene, network: str, layers: list[str], data: str | None, device: str
) -> dict[Key, list[float]]:
    """`MEASURES` for one photograph."""
    at, image = subject(network, data, device), scene.picture(device)
    x = to_host(image).astype(float)
    mean = at.network.preprocessing.restore(np.zeros((3, 1, 1), np.float32))
    measured: dict[Key, list[float]] = {
        ("any layer", "none", NOTHING, NOTHING): qualities(x, np.broadcast_to(mean, x.shape))
    }
    for layer in layers:
        for decoder, images in decoded(at, image, layer, scene.rng).items():
            for kinds, x_hat in zip(KINDS, images, strict=True):
                measured[layer, decoder, *kinds] = qualities(x, x_hat)
    return measured


def _rows(found: list[dict[Key, list[float]]], where: str) -> list[Row]:
    rows = []
    for key in found[0]:
        layer, decoder, switches, values = key
        label = f"pool({layer[4:]})" if layer.startswith("pool") else layer
        what = NOTHING if switches == NOTHING else f"{switches} switches, {values} values"
        for i, measure in enumerate(MEASURES):
            numbers = np.array([of_one[key][i] for of_one in found])
            rows.append(row(f"§5 {measure}, {label}, {what}", f"{where}; {decoder}", None, numbers))
    return rows


def _fits(at: Subject, layer: str, scene: Scene) -> bool:
    """Whether a layer has at least 2 × 2 places there."""
    return scene.crop >= 2 * 2 ** (at.layers.index(layer) + 1)


def _picture(context: Context) -> tuple[np.ndarray, list[np.ndarray], str]:
    """The sample photograph, and what comes back from the codes of `KINDS` by the best decoder."""
    at = subject("vgg16-quarter", context.data, context.device)
    image = center_crop(shrunk(read_image("sample"), SIZE), SIZE)
    rng = context.streams(1)[0]
    found = decoded(at, to_device(image, context.device), SHOWN, rng)
    decoder = next(iter(found))
    return image, found[decoder], decoder


def draw(image: np.ndarray, images: list[np.ndarray], decoder: str) -> Any:
    """A picture for each kind of switches (lines) and of values (columns), with its correlation."""
    figure, axes = plt.subplots(
        len(SWITCHES),
        len(VALUES),
        figsize=(1.5 * len(VALUES), 1.72 * len(SWITCHES)),
        layout="constrained",
    )
    for axis, picture, (switches, values) in zip(axes.flat, images, KINDS, strict=True):
        shown = np.clip(picture, 0, 1)
        axis.imshow(shown.transpose(1, 2, 0))
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_xlabel(f"correlation {correlation(image, picture):.2f}", fontsize=8, labelpad=2)
        if switches == SWITCHES[0]:
            axis.set_title(f"{values} values", fontsize=9)
        if values == VALUES[0]:
            axis.set_ylabel(f"{switches} switches", fontsize=9)
    figure.suptitle(f"back from pool({SHOWN[4:]}), {decoder}", fontsize=9)
    return figure


EXPERIMENT = Experiment(
    name="switches",
    paper_item="§5",
    title="how much of a picture sits in the switches, and how much in the values",
    run=run,
    needs="the photograph that comes with matplotlib; photographs held out in --data DIR at paper scale",
    gpu=True,
)
