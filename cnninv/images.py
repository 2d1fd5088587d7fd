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


def ssim(image: Any, reconstruction: Any, peak: float = 1.0) -> float:
    """Structural similarity of two images, 1 if they are equal (Wang, Bovik, Sheikh and Simoncelli 2004).

        (2 μ_x μ_y + c₁)(2 σ_xy + c₂) / ((μ_x² + μ_y² + c₁)(σ_x² + σ_y² + c₂))

    with c₁ = (0.01 peak)² and c₂ = (0.03 peak)², averaged over channels and over all places of a
    Gaussian window of 11 × 11 (standard deviation 1.5), or of as many pixels as there are.

    Parameters
    ----------
    image, reconstruction : arrays of one shape, (channels, height, width)
    peak : float
        The largest value that a pixel can have.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((3, 32, 32))
    >>> ssim(x, x), round(ssim(x, 1 - x), 2)
    (1.0, -0.97)
    """
    x = real_array(image, "image", ndim=3)
    y = real_array(reconstruction, "reconstruction", ndim=3)
    if x.shape != y.shape:
        raise ValueError(f"reconstruction has shape {y.shape}; expected that of image, {x.shape}")
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x = _windowed(x * x) - mean_x**2
    variance_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((similar / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean())


def _windowed(x: Any, size: int = 11, deviation: float = 1.5) -> Any:
    """Weighted means of x, shape (channels, height, width), over a Gaussian window at all its places."""
    for axis in (1, 2):
        taps = min(size, x.shape[axis])
        weights = np.exp(-0.5 * ((np.arange(taps) - (taps - 1) / 2) / deviation) ** 2)
        weights, places = weights / weights.sum(), x.shape[axis] - taps + 1
        parts = (x[(slice(None),) * axis + (slice(t, t + places),)] for t in range(taps))
        x = sum(float(weight) * part for weight, part in zip(weights, parts, strict=True))
    return x
