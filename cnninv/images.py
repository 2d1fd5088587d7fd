"""Photographs in and out: files as channels-first arrays in [0, 1], crops, and the error in decibels."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from cnninv.backend import array_namespace
from cnninv.photographs import EXTRA, installed_photographs
from cnninv.validation import real_array, whole_number


def read_image(source: str | Path) -> np.ndarray:
    """A photograph as an array of three channels with values in [0, 1].

    Grey-scale becomes three equal channels, transparency is laid on white, rotation tags are obeyed.

    Parameters
    ----------
    source : path, "sample", "astronaut", "cat", "coffee" or "rocket"
        Any file that Pillow reads, or a photograph that comes with matplotlib (the first) or scikit-image.

    Returns
    -------
    image : ndarray, shape (3, height, width)

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is no image.

    Examples
    --------
    >>> read_image("sample").shape
    (3, 600, 512)
    """
    here = installed_photographs()
    path = here.get(str(source), Path(source))
    if not path.is_file():
        comes = " (it comes with scikit-image, which is not installed)" * (str(source) in EXTRA)
        raise FileNotFoundError(
            f"IMAGE = {str(source)!r}: no such file{comes}; expected one, or a photograph that is "
            f"installed: {', '.join(map(repr, here))}"
        )
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
                grey = np.asarray(picture, dtype=float)
                top = 65535.0 if grey.max() > 1 else 1.0
                return np.repeat(np.clip(grey / top, 0, 1)[None], 3, axis=0)
            picture = picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"IMAGE = {str(source)!r} cannot be read as an image: {error}") from None
    white = Image.new("RGBA", picture.size, "white")
    pixels = np.asarray(Image.alpha_composite(white, picture).convert("RGB"), dtype=float)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / 255


def center_crop(image: Any, size: int) -> np.ndarray:
    """The middle size × size pixels, or as much of them as there is.

    Parameters
    ----------
    image : array, shape (channels, height, width)
    size : int

    Returns
    -------
    ndarray, shape (channels, min(size, height), min(size, width))
    """
    image, size = real_array(image, "image", ndim=3), whole_number(size, "size", low=1)
    height, width = image.shape[1:]
    top, left = max(0, (height - size) // 2), max(0, (width - size) // 2)
    return image[:, top : top + size, left : left + size]


def psnr(image: Any, reconstruction: Any, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio, 10 log₁₀(peak²/mean squared error), in dB; inf for equal images.

    Parameters
    ----------
    image, reconstruction : arrays of one shape
    peak : float
        The largest value that a pixel can have.

    Examples
    --------
    >>> psnr(np.zeros(4), np.full(4, 0.1))
    20.0
    """
    image, reconstruction = real_array(image, "image"), real_array(reconstruction, "reconstruction")
    if image.shape != reconstruction.shape:
        raise ValueError(
            f"reconstruction has shape {reconstruction.shape}; expected that of image, {image.shape}"
        )
    error = float(array_namespace(image).mean((image - reconstruction) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(peak**2 / error))
