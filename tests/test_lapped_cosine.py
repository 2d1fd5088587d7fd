"""Lapped cosine bases: local Fourier bases that overlap and are orthonormal (§3.2)."""

import numpy as np
import pytest

from cnninv import conv_matrix
from cnninv.filterbanks import lapped_cosine_filters


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("blocks", [2, 3, 5])
def test_lapped_cosine_basis_is_orthonormal(size, blocks):
    D = size * blocks
    W = conv_matrix(lapped_cosine_filters(size), D, stride=size, padding="circular")
    assert W.shape == (D, D)
    np.testing.assert_allclose((W.T @ W).toarray(), np.eye(D), atol=1e-12)


def test_lapped_cosine_basis_of_images_is_orthonormal():
    W = conv_matrix(lapped_cosine_filters((2, 3)), (8, 9), stride=(2, 3), padding="circular")
    np.testing.assert_allclose((W.T @ W).toarray(), np.eye(72), atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_denser_lapped_cosine_filters_are_a_tight_frame(stride):
    W = conv_matrix(lapped_cosine_filters(4), 16, stride=stride, padding="circular")
    np.testing.assert_allclose((W.T @ W).toarray(), 4 / stride * np.eye(16), atol=1e-12)
