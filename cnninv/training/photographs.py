"""Photographs to train decoders on: a folder of them reduced to one size, a fixed split, random crops."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cnninv.images import read_image

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
SPLIT = (
    "in the order of the files' names, number i from 0: held out for the report if i mod 9 = 8, to "
    "validate if i mod 18 = 4, else to learn from"
)


@dataclass(frozen=True)
class Photographs:
    """Square photographs as bytes, shape (count, 3, side, side), by what they are for."""

    training: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray


def read_photographs(folder: str | Path, side: int) -> Photographs:
    """All photographs of a folder, reduced so that the shorter side is `side`, their middle, split.

    Parameters
    ----------
    folder : path
    side : int

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such folder, it holds too few images, one cannot be read, or is too small.
    """
    folder, what = Path(folder), f"--photographs = {str(folder)!r}"
    if not folder.is_dir():
        raise FileNotFoundError(f"{what}: no such folder")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if len(paths) < 18:
        raise ValueError(f"{what} holds {len(paths)} images ({', '.join(SUFFIXES)}); expected 18")
    images = np.ascontiguousarray([_reduced(path, side) for path in paths])
    number = np.arange(len(images))
    held_out, validation = number % 9 == 8, number % 18 == 4
    training = ~held_out & ~validation
    return Photographs(images[training], images[validation], images[held_out])


def random_crops(images: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random size × size crop of each image, mirrored or not.

    Parameters
    ----------
    images : ndarray, shape (batch, 3, height, width)
    size : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (batch, 3, size, size)
    """
    batch, _, height, width = images.shape
    tops = rng.integers(0, height - size + 1, batch)
    lefts = rng.integers(0, width - size + 1, batch)
    crops = np.empty((batch, 3, size, size), images.dtype)
    for b, flipped in enumerate(rng.random(batch) < 0.5):
        crop = images[b, :, tops[b] : tops[b] + size, lefts[b] : lefts[b] + size]
        crops[b] = crop[:, :, ::-1] if flipped else crop
    return crops


def _reduced(path: Path, side: int) -> np.ndarray:
    """The middle square of a photograph, as bytes."""
    image = read_image(path)
    height, width = image.shape[1:]
    if min(height, width) < side:
        raise ValueError(
            f"{path.name} of --photographs has {height} × {width} pixels; expected at least {side} × {side}"
        )
    picture = Image.fromarray((255 * image.transpose(1, 2, 0)).round().astype(np.uint8))
    scale = side / min(height, width)
    size = max(side, round(width * scale)), max(side, round(height * scale))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(picture)[top : top + side, left : left + side].transpose(2, 0, 1)
