"""Sparse matrices in either place, and the limits of CuPy's."""

from types import ModuleType
from typing import Any

import numpy as np

from cnninv.backend.namespaces import array_namespace, is_cupy, is_sparse, sparse_namespace

INT32_MAX = 2**31 - 1


def csr(data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
    """A CSR matrix of the kind of its parts, whose columns are sorted and distinct in each row.

    CuPy has no ``csr_array`` before version 14; its ``csr_matrix`` is used by `@` alone, so that the
    difference (a product by `*`) never shows.

    Raises
    ------
    ValueError
        If CuPy cannot index so many entries.
    """
    xp = array_namespace(data, indices, indptr)
    check_indices(len(data), shape, xp)
    sparse = sparse_namespace(xp)
    kind = getattr(sparse, "csr_array", None) or sparse.csr_matrix
    matrix = kind((data, indices, indptr), shape=shape)
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix


def hstack(blocks: list[Any]) -> Any:
    """Sparse matrices side by side, as CSR."""
    xp = array_namespace(*blocks)
    width = sum(block.shape[1] for block in blocks)
    check_indices(sum(block.nnz for block in blocks), (blocks[0].shape[0], width), xp)
    return sparse_namespace(xp).hstack(blocks, format="csr")


def check_indices(nnz: int, shape: tuple[int, int], xp: ModuleType) -> None:
    """Refuse what CuPy cannot index: its 32-bit indices would wrap around without a word.

    CuPy 13 has 32-bit indices only. From 14 on it has 64-bit ones, but cuSPARSE before CUDA 13 fails on more
    than 2³¹ non-zeros, and not every product takes them: so the limit stays for all.
    """
    most = max(nnz, *shape)
    if xp is not np and most > INT32_MAX:
        raise ValueError(
            f"a sparse matrix of shape {shape} with {nnz:,} non-zeros exceeds the 2³¹ − 1 that CuPy's sparse "
            f"products can index; use ConvOperator, or keep the matrix in memory"
        )


def dense(matrix: Any) -> Any:
    """A matrix given as an array, a sparse array or an operator with `@`, as a dense array."""
    if isinstance(matrix, np.ndarray) or (is_cupy(matrix) and not is_sparse(matrix)):
        return matrix
    if hasattr(matrix, "toarray"):
        return matrix.toarray()
    return matrix @ array_namespace(matrix).eye(
        matrix.shape[1], dtype=getattr(matrix, "dtype", None)
    )
