"""Images as smooth fields: a Gaussian prior with the power spectrum that photographs have, about 1/|f|²
(Field 1987).

Among all x with Ax = b the one of least ‖S⁻¹x‖ is S y, y the least-squares solution of A S y = b nearest to
0. It is the mean of x given b where x is Gaussian with covariance S Sᵀ.
"""

from math import prod
from typing import Any

import numpy as np

from cnninv.backend import array_namespace, fft_namespace
from cnninv.transposed import Implicit
from cnninv.validation import axis_lengths, real_array, real_number

COLOUR_CORRELATION = 0.95
"""Between two of red, green and blue; photographs have 0.9 to 0.98."""


class Smooth:
    """S, a symmetric matrix on images: Fourier coefficients over max(|f|, ½)^power, colours correlated.

    ``@`` on ``(channels*height*width,)``; f counts periods in the image, so that S is the identity at |f| = 1.

    Parameters
    ----------
    shape : (channels, height, width)
    power : float
        1 for photographs.

    Examples
    --------
    >>> S = Smooth((1, 4, 4))
    >>> wave = np.tile([1.0, -1.0], 8)  # |f| = 2
    >>> (S @ wave)[:4].round(6) + 0.0
    array([ 0.5, -0.5,  0.5, -0.5])
    """

    def __init__(self, shape: tuple[int, int, int], power: float = 1.0) -> None:
        self.image_shape = axis_lengths(shape, "shape", 3, low=1)
        self.power = real_number(power, "power", low=0)
        channels, *size = self.image_shape
        self.shape = (prod(self.image_shape),) * 2
        f1, f2 = (np.fft.fftfreq(n) * max(size) for n in size)
        squared = f1[:, None] ** 2 + f2[None, :] ** 2
        self._weights = np.maximum(np.sqrt(squared), 0.5) ** -self.power
        correlation = np.full((channels, channels), COLOUR_CORRELATION)
        np.fill_diagonal(correlation, 1.0)
        values, vectors = np.linalg.eigh(correlation)
        self._colours = vectors * np.sqrt(values) @ vectors.T

    @property
    def T(self) -> "Smooth":
        """S itself."""
        return self

    def __matmul__(self, x: Any) -> Any:
        """S x."""
        x = real_array(x, "x", ndim=1)
        if len(x) != self.shape[0]:
            raise ValueError(
                f"x has {len(x)} entries; S of {self.image_shape} expects {self.shape[0]}"
            )
        xp, image = array_namespace(x), x.reshape(self.image_shape)
        fft = fft_namespace(xp)
        # the spectrum of real images: half of the columns
        weights = xp.asarray(self._weights[:, : image.shape[2] // 2 + 1])
        smoothed = fft.irfft2(fft.rfft2(image) * weights, s=image.shape[1:])
        return xp.tensordot(xp.asarray(self._colours), smoothed, axes=1).reshape(-1).astype(x.dtype)


class Chain(Implicit):
    """A B for two operators: ``@`` on vectors and ``.T``.

    Examples
    --------
    >>> C = Chain(np.array([[1.0, 2.0]]), np.diag([3.0, 4.0]))
    >>> C @ np.ones(2), C.T @ np.ones(1)
    (array([11.]), array([3., 8.]))
    """

    def __init__(self, A: Any, B: Any) -> None:
        if A.shape[1] != B.shape[0]:
            raise ValueError(
                f"A has shape {A.shape} and B {B.shape}; expected A.shape[1] == B.shape[0]"
            )
        self.A, self.B, self.shape = A, B, (A.shape[0], B.shape[1])
        self.dtype = getattr(A, "dtype", np.dtype(float))

    @property
    def xp(self) -> Any:
        """numpy or cupy, as A."""
        return array_namespace(self.A)

    def __matmul__(self, x: Any) -> Any:
        """A B x."""
        return self.A @ (self.B @ x)

    def transposed_product(self, y: Any) -> Any:
        """Bᵀ Aᵀ y."""
        return self.B.T @ (self.A.T @ y)
