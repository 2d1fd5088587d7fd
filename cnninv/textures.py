"""Ten classes of small colour images made by formula: what a chapter can train on within seconds.

A patch of texture lies on a plain ground, in uneven light and noise. The class is the texture; its phase,
place, scale, colours and polarity are random, so that a class is no direction in the space of pixels: the mean
image of each class is the same grey. What tells the classes apart are relations between neighbouring pixels.
"""

import numpy as np

from cnninv.imagesets import ImageSet
from cnninv.validation import generator, real_number, whole_number

CLASSES = (
    "horizontal stripes",
    "vertical stripes",
    "rising stripes",
    "falling stripes",
    "checks",
    "diagonal checks",
    "dots",
    "rings",
    "zigzag",
    "blobs",
)
PERIODS = (3.2, 6.4)
"""Shortest and longest period of a texture, in pixels."""
TILT = 10.0
"""Standard deviation of its rotation, in degrees."""


def texture_images(
    rng: np.random.Generator,
    count: int = 2000,
    test: int = 1000,
    side: int = 16,
    noise: float = 0.16,
) -> ImageSet:
    """A training and a test set of ten textures, with equally many images of each.

    Same generator, same bytes. Mirroring turns rising stripes into falling ones: train without flips.

    Parameters
    ----------
    rng : numpy.random.Generator
    count, test : int
        Images to learn from and images to test on.
    side : int
        Height and width; at least 8.
    noise : float
        Standard deviation of a pixel about its texture, in units of the full range, half of it white
        and half smooth; at most 1.

    Returns
    -------
    ImageSet

    Examples
    --------
    >>> texture_images(np.random.default_rng(0), count=20, test=10)
    ImageSet(ten textures: 20 + 10 images, 3 × 16 × 16, 10 classes)
    """
    rng = generator(rng)
    count = whole_number(count, "count", low=len(CLASSES))
    test = whole_number(test, "test", low=len(CLASSES))
    side, noise = whole_number(side, "side", low=8), real_number(noise, "noise", low=0, high=1)
    images, labels = _draw(rng, count, side, noise)
    test_images, test_labels = _draw(rng, test, side, noise)
    parts = {"all": slice(0, test)}
    return ImageSet(CLASSES, images, labels, test_images, test_labels, parts, "ten textures")


def _draw(
    rng: np.random.Generator, count: int, side: int, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Images as bytes, and their labels in random order."""
    labels = rng.permutation(np.arange(count) % len(CLASSES)).astype(np.uint8)
    images = np.empty((count, 3, side, side), np.uint8)
    for start in range(0, count, 500):
        part = slice(start, start + 500)
        pictures = _scene(rng, labels[part], side) + _noise(rng, len(labels[part]), side, noise)
        images[part] = np.rint(255 * np.clip(pictures, 0, 1))
    return images, labels


def _scene(rng: np.random.Generator, labels: np.ndarray, side: int) -> np.ndarray:
    """Patches of texture on a ground, in uneven light; shape (count, 3, side, side)."""
    count = len(labels)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    ground, middle = rng.uniform(0.3, 0.7, (2, count, 1, 1, 1)) + 0.1 * rng.standard_normal(
        (2, count, 3, 1, 1)
    )
    # mostly light against dark, partly one colour against another
    axis = 1 + 0.5 * rng.standard_normal((count, 3, 1, 1))
    axis *= rng.uniform(0.2, 0.5, (count, 1, 1, 1)) / np.linalg.norm(axis, axis=1, keepdims=True)
    axis *= rng.choice([-1, 1], (count, 1, 1, 1))
    place = side * rng.uniform(-0.25, 0.25, (2, count, 1, 1))
    radius = side * rng.uniform(0.45, 0.8, (count, 1, 1))
    edge = (np.hypot(x - place[0], y - place[1]) - radius) / 0.7
    mask = (1 / (1 + np.exp(edge)))[:, None]
    slope = 0.3 / side * rng.standard_normal((2, count, 1, 1))
    light = (1 + slope[0] * x + slope[1] * y)[:, None]
    texture = np.clip(_texture(rng, labels, x, y), -1, 1)[:, None]
    return light * ((1 - mask) * ground + mask * (middle + axis * texture))


def _texture(
    rng: np.random.Generator, labels: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """About −1 … 1, with a phase, a period and a small rotation of its own for each image."""
    count, side = len(labels), len(x)
    period = rng.uniform(*PERIODS, (count, 1, 1))
    angle = np.deg2rad(rng.normal(0, TILT, (count, 1, 1)))
    phase = rng.uniform(0, 2 * np.pi, (2, count, 1, 1))
    centre = side * rng.uniform(-0.3, 0.3, (2, count, 1, 1))
    # u and v run along and across, p and q along the diagonals
    across, down = (
        2 * np.pi * (np.cos(angle) * a + np.sin(angle) * b) / period for a, b in ((x, -y), (y, x))
    )
    u, v = across + phase[0], down + phase[1]
    p, q = (across + down) / np.sqrt(2) + phase[0], (across - down) / np.sqrt(2) + phase[1]
    r = 2 * np.pi * np.hypot(x - centre[0], y - centre[1]) / period + phase[0]
    triangle = 4 * np.abs(u / (4 * np.pi) % 1 - 0.5) - 1
    patterns = (
        np.sin(v),
        np.sin(u),
        np.sin(p),
        np.sin(q),
        1.4 * np.sin(u) * np.sin(v),
        1.4 * np.sin(p) * np.sin(q),
        1.5 * np.maximum(0, np.cos(u) + np.cos(v)) - 1,
        np.sin(r),
        np.sin(v + 0.9 * np.pi * triangle),
        _smooth(rng, (count, side, side), 1.0),
    )
    texture = np.empty((count, side, side))
    for label, pattern in enumerate(patterns):
        texture[labels == label] = pattern[labels == label]
    return texture


def _noise(rng: np.random.Generator, count: int, side: int, noise: float) -> np.ndarray:
    shape = (count, 3, side, side)
    return noise * (rng.standard_normal(shape) + _smooth(rng, shape, 1.5)) / 2


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """White noise under a Gaussian of that width, periodic; each image has standard deviation 1."""
    f = np.fft.fftfreq(shape[-1])
    gaussian = np.exp(-2 * (np.pi * sigma) ** 2 * (f[:, None] ** 2 + f**2))
    smooth = np.fft.ifft2(np.fft.fft2(rng.standard_normal(shape)) * gaussian).real
    return smooth / smooth.std(axis=(-2, -1), keepdims=True)
