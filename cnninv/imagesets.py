"""Labelled images: what a classifier learns from, and what it is tested on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ImageSet:
    """Images with the number of their class, split once and for all into training and test.

    The pixels are bytes, channels first, so that 50,000 images fit into 150 MB; a network divides them by 255.
    """

    classes: tuple[str, ...]
    """Name of class 0, 1, …"""
    images: np.ndarray
    """uint8, shape (N, 3, height, width): to learn from, and to choose by."""
    labels: np.ndarray
    """uint8, shape (N,)"""
    test_images: np.ndarray
    """uint8, shape (number, 3, height, width): to be looked at once."""
    test_labels: np.ndarray
    test_parts: dict[str, slice]
    """Parts of the test images by what they are; an accuracy is given for each."""
    origin: str
    """Where the images are from, in a few words for the label of a result."""

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.images.shape[1:]))
        return (
            f"ImageSet({self.origin}: {len(self.images)} + {len(self.test_images)} images, {shape}, "
            f"{len(self.classes)} classes)"
        )
