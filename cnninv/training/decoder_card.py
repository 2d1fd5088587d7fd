"""The card of the decoders of a network: how they came about, how good they are, how to tell their files."""

from typing import Any

LICENCE = "MIT, as the book; the photographs they were trained on are no part of them"


def decoder_card(results: list[dict[str, Any]]) -> str:
    """Markdown from what `cnninv train decoder` writes as JSON, a result for each layer.

    Parameters
    ----------
    results : list of dict
        Of `cnninv.training.decoder_command.make_decoder`, all for one encoder.
    """
    first = results[0]
    name, counts, settings = first["network"], first["photographs"], first["settings"]
    lines = [
        f"# Decoders of {name}",
        "",
        f"From a pooling of {first['title']} back to the image: the encoder mirrored, with its pooling "
        f"switches, after Zhang, Lee and Lee 2016. Trained by this book's code for the encoder whose filters "
        f"and biases have SHA-256 `{first['encoder']}`; for another one they are refused.",
        "",
        f"Quality on {counts['held_out']} photographs held out, reduced to {settings['side']} × "
        f"{settings['side']} pixels, means over them, values clipped to [0, 1]:",
        "",
        "| from | PSNR | SSIM | relative error | numbers | crops | training |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        held_out, chosen = result["held_out"], result["settings"]
        steps = result["photographs"]["training"] // chosen["batch"]
        crops = chosen["epochs"] * steps * chosen["batch"]
        lines.append(
            f"| {result['layer']} | {held_out['psnr']:.2f} dB | {held_out['ssim']:.3f} "
            f"| {held_out['error']:.3f} | {result['parameters']:,} | {crops:,} "
            f"| {result['seconds']:.0f} s |"
        )
    lines += ["", "| file | SHA-256 | command |", "|---|---|---|"]
    for result in results:
        lines.append(f"| `{result['file']}` | `{result['sha256']}` | `{result['command']}` |")
    lines += [
        "",
        f'Read by `cnninv.load_decoder("{name}", "{first["layer"]}")`.',
        "",
        f"Data: {sum(counts.values())} photographs, {counts['training']} to learn from, "
        f"{counts['validation']} to validate, {counts['held_out']} held out: {first['split']}. The shorter "
        f"side is reduced to {settings['side']} pixels, since the network was made for small pictures; "
        f"training sees random crops of {settings['crop']} × {settings['crop']}, half of them mirrored."
        if name == "vgg16-quarter"
        else f"Data: {sum(counts.values())} photographs, {counts['training']} to learn from, "
        f"{counts['validation']} to validate, {counts['held_out']} held out: {first['split']}. Training sees "
        f"random crops of {settings['crop']} × {settings['crop']}, half of them mirrored.",
        "",
        f"Loss: mean squared error of the preprocessed image. Adam, one cycle of the rate up to "
        f"{settings['rate']:g}, batches of {settings['batch']}, seed {settings['seed']}; the filters start "
        f"as the encoder's, transposed; batch normalisation, folded into them at the end. "
        f"Machine: {first['device']}.",
        "",
        f"Licence: {LICENCE}.",
        "",
        first.get(
            "note",
            "Choices were made on the validation photographs; those held out were looked at once.",
        ),
    ]
    return "\n".join(lines) + "\n"
