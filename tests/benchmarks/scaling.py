"""Cost against size: exponents over non-zeros, filters, channels, image size and batch."""

from typing import Any

import numpy as np
from measure import THREADS, exponent, fixed_cost, in_turn

import cnninv

BASE = {"K": 64, "M": 64, "pixels": 24**2, "batch": 16}
"""Filters of 3 × 3, "same" padding, float32: 20 million non-zeros, and 10 (80 MB) or more at each size."""
VALUES = {
    "K": (32, 64, 128, 256),
    "M": (32, 64, 128, 256),
    "pixels": (17**2, 24**2, 34**2, 48**2),
    "batch": (8, 16, 32, 64),
}
REASONS = {
    ("W X", "batch"): "each non-zero is read once for all columns",
    ("factored, patches", "K"): "making the patches does not depend on K",
    ("factored, patches", "M"): "the output does not depend on M",
    ("factored, Winograd", "K"): "the transforms grow as K + M, the products as K·M",
    ("factored, Winograd", "M"): "the transforms grow as K + M, the products as K·M",
    ("factored, patches", "non-zeros"): "patches and output grow as K + M, the products as K·M",
    ("factored, Winograd", "non-zeros"): "the transforms grow as K + M, the products as K·M",
    ("factored, patches", "batch"): "filters are read once for all columns",
    ("factored, Winograd", "batch"): "filters are read once for all columns",
}
"""What the cost at size 0 is, where that keeps an exponent below 1."""
FILL = "a fill of W's memory"
OPERATIONS = (FILL, "build", "W x", "W X", "factored, patches", "factored, Winograd")
OF_ANY_BATCH = (FILL, "build", "W x")


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
    stored = W.matrix.data, W.matrix.indices, W.matrix.indptr
    seconds = in_turn(
        lambda: [np.full_like(array, 1) for array in stored],
        lambda: cnninv.conv_matrix(filters, D, padding="same"),
        lambda: W @ x,
        lambda: W @ X,
        lambda: patches @ X,
        lambda: winograd @ X,
        repeats=7,
    )
    return dict(zip(OPERATIONS, seconds, strict=True)) | {"non-zeros": W.matrix.nnz}


def exponents(rng: np.random.Generator) -> list[dict[str, Any]]:
    """A row for each operation and size: the exponent, the residual of the fit, and what does not grow.

    That is a in seconds = a + b·size, as a share of the seconds at the smallest size: of what is left, the
    exponent is 1. The exponent of a build is that of filling its memory, which the system hands out in pages.
    """
    rows, all_times = [], []
    for size, values in VALUES.items():
        found = [times(**(BASE | {size: value}), rng=rng) for value in values]
        if size != "batch":
            all_times += found
        for operation in OPERATIONS:
            if size != "batch" or operation not in OF_ANY_BATCH:
                rows.append(_row(operation, size, values, found))
    non_zeros = [each["non-zeros"] for each in all_times]
    return rows + [_row(operation, "non-zeros", non_zeros, all_times) for operation in OPERATIONS]


def _row(operation: str, size: str, sizes: Any, found: list[dict[str, float]]) -> dict[str, Any]:
    seconds = [each[operation] for each in found]
    p, residual = exponent(sizes, seconds)
    fixed = fixed_cost(sizes, seconds)
    reason = REASONS.get((operation, size), "a fixed cost") if p < 0.9 else ""
    if operation == FILL:
        reason = "what the system takes to hand out pages"
    elif operation == "build":
        fill, _ = exponent(sizes, [each[FILL] for each in found])
        reason = f"a fill of its memory has {fill:.2f}"
    return {
        "operation": operation,
        "size": size,
        "exponent": p,
        "residual": residual,
        "fixed seconds": fixed,
        "fixed share at the smallest size": fixed / seconds[int(np.argmin(sizes))],
        "reason": reason,
    }
