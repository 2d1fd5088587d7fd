"""Filter banks whose convolution matrix is orthonormal or a Parseval frame (Gilbert 2017, §3.1, §3.2).

Proposition 1 assumes an orthonormal W. These are the convolution matrices that are: local cosine bases,
orthogonal wavelets, random orthogonal blocks.
"""

from math import comb, prod

import numpy as np
import scipy.fft

from cnninv.validation import filter_size, generator, whole_number


def dct_filters(size: int | tuple[int, ...]) -> np.ndarray:
    """Local cosine basis (DCT-II), one channel: orthonormal with stride = size.

    With ``padding="circular"`` and a stride t that divides the size along each axis, Wᵀ W is
    prod(size)/prod(t) times the identity: divide by the root for a Parseval frame.

    Parameters
    ----------
    size : int or (int, int)

    Returns
    -------
    filters : ndarray, shape (prod(size), 1, *size)

    Examples
    --------
    >>> from cnninv.conv import conv_matrix
    >>> W = conv_matrix(dct_filters(4), 8, stride=4)
    >>> bool(np.allclose((W.T @ W).toarray(), np.eye(8)))
    True
    """
    size = filter_size(size)
    return _tensor([scipy.fft.dct(np.eye(length), norm="ortho", axis=0) for length in size])


def lapped_cosine_filters(size: int | tuple[int, ...]) -> np.ndarray:
    """Lapped cosine basis (MDCT with a sine window), one channel: a local Fourier basis that overlaps.

    Filters of 2·size taps, orthonormal with ``stride=size, padding="circular"`` on multiples of the
    size, from 2·size on:

        w_i[τ] = √(2/N) sin(π(τ + 1/2)/2N) cos(π(i + 1/2)(τ + 1/2 + N/2)/N),   N = size

    Parameters
    ----------
    size : int or (int, int)
        N: filters and stride along each axis.

    Returns
    -------
    filters : ndarray, shape (prod(size), 1, *2·size)

    Source: Princen, Johnson and Bradley 1987; Malvar 1990; Coifman and Meyer 1991.

    Examples
    --------
    >>> from cnninv.conv import conv_matrix
    >>> W = conv_matrix(lapped_cosine_filters(4), 12, stride=4, padding="circular")
    >>> bool(np.allclose((W.T @ W).toarray(), np.eye(12)))
    True
    """
    return _tensor([_lapped(length) for length in filter_size(size)])


def wavelet_filters(moments: int, axes: int = 1) -> np.ndarray:
    """Daubechies' orthogonal wavelet bank with so many vanishing moments; 1 is Haar.

    Orthonormal with ``stride=2, padding="circular"`` on even lengths of at least 2·moments.

    Parameters
    ----------
    moments : int
        1 to 10; the filters have 2·moments taps.
    axes : int
        1, or 2 for the tensor product of four filters.

    Returns
    -------
    filters : ndarray, shape (2, 1, 2*moments) or (4, 1, 2*moments, 2*moments)
        Low-pass first.

    Source: Daubechies 1988, *Orthonormal bases of compactly supported wavelets*.

    Examples
    --------
    >>> np.round(wavelet_filters(1)[:, 0], 3)
    array([[ 0.707,  0.707],
           [ 0.707, -0.707]])
    """
    moments, axes = whole_number(moments, "moments", 1, 10), whole_number(axes, "axes", 1, 2)
    low = _daubechies(moments)
    # g_i = (−1)^i h_{l−1−i}
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    return _tensor([np.stack([low, high])] * axes)


def random_orthogonal_filters(
    M: int, size: int | tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """A random orthogonal bank: K = M·prod(size) filters, orthonormal with stride = size.

    Parameters
    ----------
    M : int
        Channels.
    size : int or (int, int)
    rng : numpy.random.Generator

    Returns
    -------
    filters : ndarray, shape (M*prod(size), M, *size)
        Uniform over the orthogonal group.
    """
    M, size = whole_number(M, "M", low=1), filter_size(size)
    K = M * prod(size)
    Q, R = np.linalg.qr(generator(rng).standard_normal((K, K)))
    # the signs make the distribution uniform (Haar measure)
    return (Q * np.sign(np.diag(R))).reshape(K, M, *size)


def _tensor(banks: list[np.ndarray]) -> np.ndarray:
    """All products of a filter of each bank, shape (K1*K2*…, 1, l1, l2, …)."""
    product = banks[0]
    for bank in banks[1:]:
        product = np.einsum("i...a,jb->ij...ab", product, bank)
        product = product.reshape(-1, *product.shape[2:])
    return product[:, None]


def _lapped(N: int) -> np.ndarray:
    tau, i = np.arange(2 * N) + 0.5, np.arange(N)[:, None] + 0.5
    window = np.sin(np.pi * tau / (2 * N))
    return np.sqrt(2 / N) * window * np.cos(np.pi / N * i * (tau + N / 2))


def _daubechies(moments: int) -> np.ndarray:
    """Low-pass filter of 2·moments taps: the minimum-phase root of |H|² = cos^{2p} P(sin²)."""
    # P(y) = Σ_k C(p−1+k, k) y^k with y = (2 − z − 1/z)/4; its roots y give pairs z, 1/z
    roots_y = np.roots([comb(moments - 1 + k, k) for k in range(moments)][::-1])
    taps = np.ones(1)
    for _ in range(moments):
        taps = np.convolve(taps, [1.0, 1.0])
    for y in roots_y:
        pair = np.roots([1.0, 4 * y - 2, 1.0])
        taps = np.convolve(taps, [1.0, -pair[np.argmin(np.abs(pair))]])
    taps = np.real(taps)
    return taps * np.sqrt(2) / taps.sum()
