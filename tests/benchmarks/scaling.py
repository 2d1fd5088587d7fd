"""Cost against size: exponents over non-zeros, filters, channels, image size and batch."""

from typing import Any

import numpy as np
from measure import THREADS, exponent, in_turn

import cnninv

BASE = {"K": 64, "M": 64, "pixels": 24**2, "batch": 8}
"""Filters of 3 × 3, "same" padding, float32; W has 21 million non-zeros."""
VALUES = {
    "K": (32, 64, 128, 256),
    "M": (32, 64, 128, 256),
    "pixels": (12**2, 17**2, 24**2, 34**2, 48**2),
    "batch": (8, 16, 32, 64),
}
OPERATIONS = ("build", "W x", "W X", "factored, patches", "factored, Winograd")


def times(K: int, M: int, pixels: int, batch: int, rng: np.random.Generator) -> dict[str, float]:
    """Seconds of each operation at one size, and its non-zeros."""
    D = (round(pixels**0.5),) * 2
    filters = cnninv.random_filters(K, M, (3, 3), rng).astype(np.float32)
    W = cnninv.ThreadedMatrix(cnninv.conv_matrix(filters, D, padding="same"), THREADS)
    patches, winograd = (
        cnninv.ConvOperator(filters, D, padding="same", method=method)
        for method in ("patches", "winograd")
    )
    X = rng.standard_normal((W.shape[1], batch)).astype(np.float32)
    x = np.ascontiguousarray(X[:, 0])
    seconds = in_turn(
        lambda: cnninv.conv_matrix(filters, D, padding="same"),
        lambda: W @ x,
        lambda: W @ X,
        lambda: patches @ X,
        lambda: winograd @ X,
        repeats=3,
    )
    return dict(zip(OPERATIONS, seconds, strict=True)) | {"non-zeros": W.matrix.nnz}


def exponents(rng: np.random.Generator) -> list[dict[str, Any]]:
    """A row for each operation and size: the exponent and the residual of the fit."""
    rows, all_times = [], []
    for size, values in VALUES.items():
        found = [times(**(BASE | {size: value}), rng=rng) for value in values]
        if size != "batch":
            all_times += found
        for operation in OPERATIONS:
            if size == "batch" and operation in ("build", "W x"):
                continue
            p, residual = exponent(values, [each[operation] for each in found])
            rows.append({"operation": operation, "size": size, "exponent": p, "residual": residual})
    for operation in OPERATIONS:
        nnz, seconds = ([each[key] for each in all_times] for key in ("non-zeros", operation))
        p, residual = exponent(nnz, seconds)
        rows.append(
            {"operation": operation, "size": "non-zeros", "exponent": p, "residual": residual}
        )
    return rows
