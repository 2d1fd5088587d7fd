"""`cnninv invert`: a photograph through one layer, or into a network, and back."""

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.backend import select, to_device
from cnninv.files import data_folder, output_folder, write_json, write_whole
from cnninv.images import center_crop, read_image
from cnninv.validation import whole_number

TRAINED, TRANSPOSED = "trained", "transposed"
SINGLE = {"filters": "random", "k": None}
"""Options of the single layer that have no meaning for a network."""


def run(options: argparse.Namespace) -> None:
    """The command, with its options as the command line has read them."""
    if options.network is None:
        if options.decoder != TRAINED:
            raise ValueError(
                f"--decoder = {options.decoder!r} is for --network; a single layer has none"
            )
        _single_layer(options)
        return
    for name, default in SINGLE.items():
        if getattr(options, name) != default:
            raise ValueError(
                f"--{name} = {getattr(options, name)!r} is for a single layer; with --network expected "
                f"--layer and --decoder"
            )
    _network(options)


def _photograph(options: argparse.Namespace, multiple: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The photograph, and its middle part, of sides that are multiples of a number."""
    image = read_image(options.image)
    cropped = center_crop(image, whole_number(options.crop, "--crop", low=1))
    height, width = (length - length % multiple for length in cropped.shape[1:])
    top, left = (cropped.shape[1] - height) // 2, (cropped.shape[2] - width) // 2
    return image, cropped[:, top : top + height, left : left + width]


def _say_size(image: np.ndarray, used: np.ndarray) -> None:
    (height, width), (rows, columns) = image.shape[1:], used.shape[1:]
    part = "all of it" if used.shape == image.shape else f"its middle {rows} × {columns}"
    print(f"photograph: {height} × {width} pixels; used: {part}")


def _single_layer(options: argparse.Namespace) -> None:
    from cnninv.invert import draw, invert

    device, (image, cropped) = select(options.device), _photograph(options)
    filters, out = _filters(options, len(image)), output_folder(options.out)

    _say_size(image, cropped)
    there = [to_device(array, device) for array in (cropped, filters)]
    result = invert(*there, options.window, options.k, options.iterations)
    K, rows = result.shape[0], int(np.prod(result.shape))
    print(
        f"W: {rows:,} × {cropped.size:,}, {result.nnz:,} non-zeros, ‖W‖² = {result.norm_squared:.1f}"
    )
    print(
        f"M(Wx, k) keeps {result.kept:,} of {rows:,} entries ({result.kept / rows:.1%}), {K} filters"
    )
    print(f"{'reconstruction':34} {'‖x̂−x‖/‖x‖':>10} {'PSNR':>9}")
    for way in result.reconstructions:
        print(f"{way.name:34} {way.error:10.3f} {way.psnr:6.1f} dB")
    growth = " → ".join(f"{value:.3g}" for value in result.unit_residual)
    print(f"IHT with steps of size 1 instead: residual {growth}")

    found = {
        "filters": list(filters.shape),
        "norm_squared": result.norm_squared,
        "kept": result.kept,
        "errors": {way.name: way.error for way in result.reconstructions},
        "psnr": {way.name: way.psnr for way in result.reconstructions},
    }
    _write(options, out, cropped, found, lambda: draw(result))


def _filters(options: argparse.Namespace, channels: int) -> np.ndarray:
    """Random filters of odd size, or those of --filters."""
    from cnninv.filter_files import load_filters
    from cnninv.filters import random_filters

    rng = np.random.default_rng(whole_number(options.seed, "--seed", low=0))
    if options.filters != "random":
        return load_filters(options.filters, options.layer)
    size = whole_number(options.size, "--size", low=1)
    if size % 2 == 0:
        raise ValueError(f"--size = {size} must be odd, so that positions are pixels")
    return random_filters(
        whole_number(options.count, "--count", low=1), channels, (size, size), rng
    )


def _network(options: argparse.Namespace) -> None:
    from cnninv.decoders import transpose_decoder
    from cnninv.encoding import pooling_name
    from cnninv.invert_network import draw_ways, invert_network, pixels_apart
    from cnninv.network_files import load_network
    from cnninv.one_step import NEAREST

    network, device = load_network(options.network), select(options.device)
    if options.layer is None:
        raise ValueError("--layer is missing; expected a pooling of the network, for example pool3")
    layer = pooling_name(network.architecture, options.layer)
    apart = pixels_apart(network.architecture, layer)
    image, used = _photograph(options, apart)
    if not used.size:
        height, width = image.shape[1:]
        raise ValueError(
            f"IMAGE = {options.image!r} has {height} × {width} pixels, of which --crop = {options.crop} are "
            f"used; {layer} needs at least {apart} × {apart}"
        )
    rng = np.random.default_rng(whole_number(options.seed, "--seed", low=0))
    trained = {}
    if options.decoder != TRANSPOSED:
        trained["trained"] = _decoder(options, network, layer).on(device)
    network = network.on(device)
    decoders = trained | {"Wᵀ": transpose_decoder(network, layer)}
    out = output_folder(options.out)

    _say_size(image, used)
    found = invert_network(network, to_device(used, device), layer, decoders, rng)
    print(f"{network.architecture.title}, {layer}")
    print(f"one step of IHT: {NEAREST}")
    print(
        f"{'values':22} {'back by':8} {'‖f̂−f‖/‖f‖':>10} {'‖x̂−x‖/‖x‖':>10} {'PSNR':>9} {'SSIM':>6}"
    )
    for way in found:
        print(
            f"{way.name:22} {way.decoder:8} {way.activation_error:8.3f} {way.error:8.3f} "
            f"{way.psnr:6.1f} dB {way.ssim:6.3f}"
        )
    ways = [
        {
            "values": way.name,
            "decoder": way.decoder,
            "activation_error": way.activation_error,
            "error": way.error,
            "psnr": way.psnr,
            "ssim": way.ssim,
        }
        for way in found
    ]
    facts = {"network": network.architecture.name, "layer": layer, "ways": ways}
    _write(options, out, used, facts, lambda: draw_ways(used, found))


def _decoder(options: argparse.Namespace, network: Any, layer: str) -> Any:
    """The trained decoder that --decoder names: a file, or the one that comes with a shipped network."""
    from cnninv.decoder_files import decoder_file, load_decoder
    from cnninv.network_files import SHIPPED

    if options.decoder != TRAINED:
        return load_decoder(options.decoder, layer, network)
    file = data_folder() / decoder_file(options.network, layer)
    if options.network not in SHIPPED or not file.is_file():
        raise ValueError(
            f"--network = {options.network!r} comes with no decoder for {layer}; expected --decoder with a "
            f"file, or '{TRANSPOSED}', which needs none"
        )
    return load_decoder(file, layer, network)


def _write(
    options: argparse.Namespace, out: Path, used: np.ndarray, found: dict[str, Any], draw: Any
) -> None:
    """The figure and the numbers, whole."""
    import matplotlib.pyplot as plt

    from cnninv.plots import STYLE

    with plt.rc_context(STYLE):
        figure, picture = draw(), io.BytesIO()
        figure.savefig(picture, format="png", dpi=150)
        plt.close(figure)
    write_whole(out / "invert.png", picture.getvalue())
    facts = {"image": Path(options.image).name, "crop": list(used.shape)}
    write_json(out / "invert.json", facts | found)
    print(f"figure: {out / 'invert.png'}")
