"""From a photograph to what a network was trained on: crop, scale, mean. The network owns it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.validation import real_array


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """x = (255 · crop(image) − mean)/deviation, for images in RGB with values in [0, 1].

    Attributes
    ----------
    crop : int
        Height and width of the middle part that is used.
    mean : array, shape (3,) or (3, height, width), or None
        Of red, green and blue in 0 … 255, of each channel or of each pixel; None if nobody said.
    deviation : array, shape (3,)

    Examples
    --------
    >>> Preprocessing(2, np.array([100.0, 50.0, 0.0]))(np.ones((3, 4, 4)))[:, 0, 0]
    array([155., 205., 255.], dtype=float32)
    """

    crop: int
    mean: np.ndarray | None
    deviation: np.ndarray | None = None

    def __call__(self, image: Any) -> Any:
        """The network's input for one image, shape (3, height, width), or for a batch of them, where it is.

        Raises
        ------
        TypeError, ValueError
            If the values are no floats in [0, 1], the image is smaller than the crop, or there is no mean.
        """
        image = _colour_image(image)
        if min(image.shape[-2:]) < self.crop:
            raise ValueError(
                f"image has shape {image.shape}; expected (3, height, width), RGB, with at least "
                f"{self.crop} × {self.crop} pixels: resize it first"
            )
        return self.whole(_middle(image, (self.crop, self.crop)))

    def whole(self, image: Any) -> Any:
        """(255 · image − mean)/deviation of all of an image, whatever its size: without the crop.

        Raises
        ------
        TypeError, ValueError
            If the values are no floats in [0, 1], or there is no mean, or only one of a smaller image.
        """
        image = _colour_image(image)
        mean, deviation = self._constants(array_namespace(image), image.shape[-2:])
        return (image.astype(np.float32) * np.float32(255) - mean) / deviation

    def restore(self, x: Any) -> Any:
        """The image, values in about [0, 1], for an input of any size: the way back."""
        x = real_array(x, "x", ndim=(3, 4))
        mean, deviation = self._constants(array_namespace(x), x.shape[-2:])
        return (x * deviation + mean) / 255

    def __str__(self) -> str:
        if self.mean is None:
            subtracted = "a mean that came with no file"
        elif self.mean.ndim == 1:
            subtracted = "(" + ", ".join(f"{value:g}" for value in self.mean) + ")"
        else:
            subtracted = f"a mean image of {self.mean.shape[1]} × {self.mean.shape[2]}"
        text = f"{self.crop} × {self.crop} middle pixels, RGB in 0 … 255, minus {subtracted}"
        if self.deviation is None:
            return text
        return text + ", over (" + ", ".join(f"{value:g}" for value in self.deviation) + ")"

    def _constants(self, xp: Any, size: tuple[int, int]) -> tuple[Any, Any]:
        """Mean and deviation so that they broadcast over images of that size."""
        if self.mean is None:
            raise ValueError(
                "the weights came without a mean image; expected `mean_RGB` in their file, or use "
                "`network.forward` with inputs of your own"
            )
        mean = np.asarray(self.mean, dtype=np.float32)
        if mean.ndim == 3 and any(m < n for m, n in zip(mean.shape[1:], size, strict=True)):
            raise ValueError(
                f"the mean image has shape {mean.shape}; expected images of at most "
                f"{mean.shape[1]} × {mean.shape[2]} pixels, not {size[0]} × {size[1]}"
            )
        mean = mean[:, None, None] if mean.ndim == 1 else _middle(mean, size)
        deviation = np.ones(3) if self.deviation is None else self.deviation
        deviation = np.asarray(deviation, dtype=np.float32)[:, None, None]
        return xp.asarray(mean), xp.asarray(deviation)


def _colour_image(image: Any) -> Any:
    """RGB with values in [0, 1], shape (3, height, width) or a batch of them."""
    image = real_array(image, "image", ndim=(3, 4))
    if image.shape[-3] != 3:
        raise ValueError(f"image has shape {image.shape}; expected (3, height, width), RGB")
    low, high = float(image.min()), float(image.max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise ValueError(
            f"image reaches from {low:.4g} to {high:.4g}; expected values in [0, 1] "
            f"(`cnninv.images.read_image` gives them)"
        )
    return image


def _middle(image: Any, size: tuple[int, int]) -> Any:
    """The middle height × width pixels of the last two axes."""
    height, width = size
    top, left = (image.shape[-2] - height) // 2, (image.shape[-1] - width) // 2
    return image[..., top : top + height, left : left + width]
