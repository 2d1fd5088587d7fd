"""What `cnninv train decoder` does: train a decoder on photographs, keep checkpoints, say how good it is."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import cnninv
from cnninv.backend import array_module, device_versions
from cnninv.decoder_files import decoder_file
from cnninv.encoding import pooling_name
from cnninv.files import output_folder, read_json, sha256, write_json, write_whole
from cnninv.mirrored import mirrored_shapes
from cnninv.network_files import load_network
from cnninv.networks import Network
from cnninv.training.card import machine
from cnninv.training.checkpoint import checkpoint_path
from cnninv.training.decoder_card import decoder_card
from cnninv.training.decoders import TrainedDecoder, train_decoder
from cnninv.training.photographs import SPLIT, Photographs, read_photographs
from cnninv.training.quality import quality
from cnninv.training.settings import DecoderSettings

DEFAULTS = {
    "vgg16-quarter": DecoderSettings(),
    "vgg16": DecoderSettings(epochs=4, batch=8, side=256),
}
"""The shipped network is made for pictures of 32 × 32 pixels. Of its pool3, 54 % of the entries are positive on
CIFAR-10's, 46 % on photographs reduced to 64 pixels, 40 % to 128, 35 % to 256: 128 still shows the picture."""
EPOCHS = {"pool1": 10, "pool2": 16, "pool3": 28, "pool4": 32, "pool5": 22}
"""Of the decoders of the shipped network."""


def make_decoder(
    network: str | Path,
    layer: str,
    photographs: str | Path,
    out: str | Path,
    resume: bool = False,
    xp: Any = np,
    **settings: Any,
) -> dict[str, Any]:
    """Train, or go on training, and write decoder, result and card into OUT.

    Parameters
    ----------
    network : str or path
        As `load_network` takes it; an architecture whose decoders can be trained.
    layer : str
        A pooling.
    photographs : path
        A folder of them.
    out : path
    resume : bool
    xp : module
        numpy or cupy.
    **settings
        Instead of the defaults; see `DecoderSettings`.

    Returns
    -------
    dict
        Settings, history, seconds, quality on the photographs held out.

    Raises
    ------
    ValueError, OSError
        Before anything is trained, if an option is wrong or a file is missing.
    """
    encoder = load_network(network)
    name = encoder.architecture.name
    layer = pooling_name(encoder.architecture, layer)
    mirrored_shapes(encoder.architecture, layer)
    given = {key: value for key, value in settings.items() if value is not None}
    defaults = DEFAULTS[name]
    if name == "vgg16-quarter":
        defaults = replace(defaults, epochs=EPOCHS.get(layer, defaults.epochs))
    chosen, folder = replace(defaults, **given), output_folder(out)
    label = decoder_file(name, layer).removesuffix(".safetensors")
    checkpoint = checkpoint_path(folder, label, resume)
    images = read_photographs(photographs, chosen.side)
    trained = train_decoder(encoder, layer, images, chosen, checkpoint, resume, xp)
    result = {
        "network": name,
        "layer": layer,
        "title": encoder.architecture.title,
        "origin": encoder.origin,
        "command": _command(name, layer, settings),
        "settings": asdict(chosen),
        "device": machine() if xp is np else device_versions("cuda")["gpu"],
        "versions": {"cnninv": cnninv.__version__, "numpy": np.__version__},
        "photographs": {part: len(getattr(images, part)) for part in PARTS},
        "split": SPLIT,
    } | summary(trained, encoder, images)
    _write(folder, label, result, trained)
    return result


PARTS = ("training", "validation", "held_out")


def summary(trained: TrainedDecoder, encoder: Network, photographs: Photographs) -> dict[str, Any]:
    """Quality on the photographs held out, all of each, and the history of the run."""
    decoder = trained.model.decoder()
    return {
        "encoder": decoder.encoder,
        "parameters": sum(array.size for array in trained.model.parameters.values()),
        "validation": trained.history[-1]["validation"],
        "held_out": quality(decoder, encoder, photographs.held_out),
        "seconds": round(trained.seconds, 1),
        "history": trained.history,
    }


def _write(folder: Path, label: str, result: dict[str, Any], trained: TrainedDecoder) -> None:
    """OUT/LABEL.safetensors and .json, and one card of all decoders of this encoder in OUT."""
    result["file"] = f"{label}.safetensors"
    trained.model.decoder().save(folder / result["file"])
    result["sha256"] = sha256(folder / result["file"])
    write_json(folder / f"{label}.json", result)
    name = result["network"]
    results = [read_json(path) for path in sorted(folder.glob(f"{name}-pool?-decoder.json"))]
    same = [other for other in results if other["encoder"] == result["encoder"]]
    write_whole(folder / f"{name}-decoders.md", decoder_card(same))


def _command(name: str, layer: str, settings: dict[str, Any]) -> str:
    """What to type for the same run."""
    options = {"network": name, "layer": layer, "photographs": "DIR"}
    options |= {"epochs": settings.get("epochs"), "seed": settings.get("seed") or None}
    given = [f"--{option} {value}" for option, value in options.items() if value is not None]
    return " ".join(["cnninv train decoder", *given])


def report(result: dict[str, Any]) -> str:
    """The result in a few lines."""
    held_out, count = result["held_out"], result["photographs"]["held_out"]
    return (
        f"{result['network']}, {result['layer']} to image: {result['seconds']:.0f} s of training\n"
        f"  validation: {result['validation']:.2f} dB\n"
        f"  {count} photographs held out: {held_out['psnr']:.2f} dB, SSIM {held_out['ssim']:.3f}, "
        f"error {held_out['error']:.3f}"
    )


def run(options: Any) -> None:
    """The command.

    Raises
    ------
    ValueError
        If an option is missing, or is one of networks.
    """
    for option, example in (
        ("network", "vgg16-quarter"),
        ("layer", "pool3"),
        ("photographs", "a folder"),
    ):
        if getattr(options, option) is None:
            raise ValueError(f"--{option} is missing; a decoder needs one, such as {example}")
    for option in ("width", "size", "data"):
        if getattr(options, option) is not None:
            raise ValueError(
                f"--{option} = {getattr(options, option)} is for networks; a decoder has none"
            )
    result = make_decoder(
        options.network,
        options.layer,
        options.photographs,
        options.out,
        options.resume,
        array_module(options.device),
        epochs=options.epochs,
        seed=options.seed,
    )
    print(report(result))
    print(f"written: {Path(options.out) / result['file']}")
