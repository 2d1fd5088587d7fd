"""A layer as large as conv(5,2): its explicit matrix against the factored one, the same, and at which cost."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cnninv.backend import free_memory
from cnninv.conv import conv_matrix
from cnninv.experiments.base import Context, Row, row
from cnninv.experiments.model_rip import SIZE, WINDOW, D
from cnninv.filters import normalize_filters, random_filters
from cnninv.geometry import conv_shape
from cnninv.model import sample_code
from cnninv.operator import ConvOperator
from cnninv.pooling import pooling_regions


def explicit_rows(context: Context, rng: np.random.Generator) -> list[Row]:
    """Rows of Figure 3 (a): one code through both, and, at paper scale, their times.

    Parameters
    ----------
    context : Context
    rng : numpy.random.Generator
        Draws filters and code.

    Returns
    -------
    list of Row
        Not run where memory is too small for the explicit matrix.
    """
    K = context.pick(32, 512)
    quantity = "3(a) explicit Wᵀz against the factored one"
    filters = normalize_filters(random_filters(K, K, (SIZE, SIZE), rng)).astype(np.float32)
    W = ConvOperator(filters, (D, D), padding="same")
    entries = conv_shape(filters.shape, (D, D), padding="same").nnz
    where = f"K = M = {K}, D = {D}: {entries:,} non-zeros, single precision"
    # a value and an index each; building needs little more
    if free_memory() < 1.5 * 8 * entries:
        return [Row(quantity, where, None, None, None, "not run", "memory for the explicit matrix")]
    blocks = pooling_regions((K, D, D), WINDOW)
    z = sample_code(K, D * D, round(0.206 * W.shape[0]), rng, blocks).astype(W.dtype)
    x, factored = _timed(lambda: W.T @ z)
    explicit, building = _timed(lambda: conv_matrix(filters, (D, D), padding="same"))
    other, product = _timed(lambda: explicit.T @ z)
    difference = float(np.linalg.norm(other - x) / np.linalg.norm(x))
    rows = [row(f"{quantity}, ‖difference‖/‖Wᵀz‖", where, None, difference)]
    if context.scale == "paper":
        where += "; processor time, in that of the factored one"
        rows.append(row(f"{quantity}, time for one code", where, None, product / factored))
        rows.append(row(f"{quantity}, time to build it", where, None, building / factored))
    return rows


def _timed(task: Callable[[], Any]) -> tuple[Any, float]:
    """What the task returns, and the processor time that it takes."""
    begin = time.process_time()
    return task(), time.process_time() - begin
