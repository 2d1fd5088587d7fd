"""How near photographs come back through a decoder."""

import numpy as np

from cnninv.backend import array_namespace, to_host
from cnninv.encoding import encode
from cnninv.images import psnr, ssim
from cnninv.mirrored import Decoder
from cnninv.networks import Network

EVALUATED = 4
"""Photographs of a batch in evaluation."""


def quality(decoder: Decoder, network: Network, images: np.ndarray) -> dict[str, float]:
    """How near images come back, clipped to [0, 1]: means over the images.

    Parameters
    ----------
    decoder : Decoder
        In memory.
    network : Network
        Its encoder, where the work is to be done.
    images : ndarray of uint8, shape (count, 3, height, width)

    Returns
    -------
    dict
        ``psnr`` in dB, ``ssim``, and ``error`` = ‖x̂ − x‖/‖x‖ of the values in [0, 1].
    """
    told: dict[str, list[float]] = {"psnr": [], "ssim": [], "error": []}
    xp = array_namespace(network.filters(network.convolutions[0]))
    decoder = decoder if xp is np else decoder.on("cuda")
    for part in np.split(images, range(EVALUATED, len(images), EVALUATED)):
        pixels = part.astype(np.float32) / 255
        back = decoder(encode(network, xp.asarray(pixels), decoder.layer))
        back = to_host(back).clip(0, 1)
        for image, found in zip(pixels, back, strict=True):
            told["psnr"].append(psnr(image, found))
            told["ssim"].append(ssim(image, found))
            told["error"].append(float(np.linalg.norm(found - image) / np.linalg.norm(image)))
    return {name: float(np.mean(values)) for name, values in told.items()}
