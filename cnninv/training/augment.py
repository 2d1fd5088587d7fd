"""Batches of images for training: shuffled, flipped, shifted, and brought to mean 0 and deviation 1."""

from typing import Any

import numpy as np


def augmented(
    images: np.ndarray, rng: np.random.Generator, shift: int = 4, flip: bool = True
) -> np.ndarray:
    """Each image mirrored or not, and a crop of its own size from the image with a black border.

    Parameters
    ----------
    images : ndarray, shape (batch, 3, height, width)
    rng : numpy.random.Generator
    shift : int
        Width of the border.
    flip : bool
        Whether half of them are mirrored.

    Returns
    -------
    ndarray of the same shape
    """
    batch, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (shift, shift), (shift, shift)))
    tops, lefts = rng.integers(0, 2 * shift + 1, (2, batch))
    flips = rng.random(batch) < (0.5 if flip else 0.0)
    crops = np.empty_like(images)
    for b, (top, left, mirrored) in enumerate(zip(tops, lefts, flips, strict=True)):
        crop = padded[b, :, top : top + height, left : left + width]
        crops[b] = crop[:, :, ::-1] if mirrored else crop
    return crops


def inputs(images: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """(image − mean)/deviation for images in 0 … 255, batch last: shape (3, height, width, batch), float32."""
    columns = np.ascontiguousarray(images.transpose(1, 2, 3, 0)).astype(np.float32)
    columns -= np.float32(mean)[:, None, None, None]
    columns /= np.float32(deviation)[:, None, None, None]
    return columns


def colour_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each colour, in 0 … 255."""
    counts = [np.bincount(images[:, c].ravel(), minlength=256) for c in range(images.shape[1])]
    grey = np.arange(256)
    mean = np.array([count @ grey / count.sum() for count in counts])
    square = np.array([count @ grey**2 / count.sum() for count in counts])
    return mean.astype(np.float32), np.sqrt(square - mean**2).astype(np.float32)


def batches(count: int, size: int, rng: np.random.Generator) -> list[Any]:
    """All indices below `count` in random order, in full batches; the remainder waits for another epoch."""
    order = rng.permutation(count)
    return np.split(order[: count - count % size], count // size)
