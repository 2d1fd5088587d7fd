"""The card of a trained network: how it came about, how good it is, how to tell that the file is the same."""

import os
import platform
from pathlib import Path
from typing import Any

LICENCE = "MIT, as the book; CIFAR-10 (Krizhevsky 2009) is its training data and no part of it"


def machine() -> str:
    """The processor and its number of cores; no name of a host."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model n"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def card(result: dict[str, Any]) -> str:
    """Markdown from what `cnninv train` writes as JSON.

    Parameters
    ----------
    result : dict
        Of `cnninv.training.command.train_network`, with ``file`` and ``sha256``.
    """
    settings = result["settings"]
    lines = [
        f"# {result['network']}",
        "",
        f"{result['title']}. Trained by this book's code on CIFAR-10, batch normalisation folded into the "
        f"convolutions; {result['parameters']:,} numbers in float32.",
        "",
        "| | |",
        "|---|---|",
        f"| file | `{result['file']}`, SHA-256 `{result['sha256']}` |",
        f'| read by | `cnninv.load_network("{result["network"]}")`; classifier: '
        f"`cnninv.training.read_classifier()` |",
        f"| command | `{result['command']}` |",
        f"| training | {_epochs(settings)}; {_batches(settings)}; SGD with Nesterov's momentum "
        f"{settings['momentum']}, weight decay {settings['decay']}; images flipped and shifted by up to "
        f"{settings['shift']} pixels; seed {settings['seed']} |",
        f"| time | {result['seconds']:.0f} s; {result['device']} |",
        f"| input | 3 × 32 × 32, RGB in 0 … 255, minus {_colours(result['mean'])}, over "
        f"{_colours(result['deviation'])} |",
        f"| validation, {settings['validation']} of the 50,000 training images kept aside "
        f"| {result['validation']:.2%} |",
    ]
    for part, test in result["test"].items():
        lines.append(
            f"| test, {test['images']:,} images ({part}) | {test['accuracy']:.2%} "
            f"± {test['standard_error']:.2%} (standard error) |"
        )
    lines += [f"| licence | {LICENCE} |", "", *_notes(result)]
    return "\n".join(lines) + "\n"


def _epochs(settings: dict[str, Any]) -> str:
    text = (
        f"{settings['epochs']} epochs of one cycle of the learning rate up to {settings['rate']:g}"
    )
    if settings["again"]:
        text += f", {settings['again']} more of a second one up to {settings['rate'] / 2:g}"
    return text


def _batches(settings: dict[str, Any]) -> str:
    text = f"batches of {settings['batch']}"
    if settings["parts"] > 1:
        text += f" in {settings['parts']} parts, each normalised by its own mean and variance"
    return text


def _notes(result: dict[str, Any]) -> list[str]:
    looked = result.get("note", "The test images were looked at once, at the end.")
    notes = [f"Choices were made on the validation images. {looked}"]
    if "JPEG quality" in result["test"]:
        notes.append(
            "The first 1,000 test images have their original pixels. The others were there only as JPEGs, "
            "about 8 grey levels from the original, which no training image is: their accuracy is not that "
            "of CIFAR-10."
        )
    return [" ".join(notes)]


def _colours(values: list[float]) -> str:
    return "(" + ", ".join(f"{value:.2f}" for value in values) + ")"
