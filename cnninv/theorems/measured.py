"""Several layers without a model: a bound from what is measured on the way up. Ours (Gilbert 2017, §3.3)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cnninv.statement import Statement, states
from cnninv.theorems.instance import norm
from cnninv.theorems.pooled_layer import PooledLayer, checked_layers
from cnninv.validation import real_array


@states("Several layers, measured (ours)", "the same from errors and norms that can be computed")
def several_layers_measured(layers: Sequence[PooledLayer], x: Any) -> Statement:
    """Ours, for any input: ‖x̂_0 − x_0‖ ≤ Σ_i ε_i Π_{j<i} ‖W_Ω^(j)‖, ε_i = ‖W_iᵀS_iᵀx_i − x_{i-1}‖ measured.

    x_i are the levels that the encoder reaches. No model and no δ enter: x̂_{i-1} − x_{i-1} = W_iᵀS_iᵀ(x̂_i −
    x_i) + the error of layer i, and the first term lives on the switches Ω of layer i.

    Parameters
    ----------
    layers : sequence of PooledLayer
        From the input up.
    x : array, shape (M*D,)

    Returns
    -------
    Statement
        With a step for each layer.
    """
    layers, x = checked_layers(layers), real_array(x, "x", ndim=1)
    if len(x) != layers[0].W.shape[1]:
        raise ValueError(f"x has {len(x)} entries; the first layer expects {layers[0].W.shape[1]}")
    levels, at, errors, norms = [x], [], [], []
    for layer in layers:
        values, where = layer.encode(levels[-1])
        errors.append(norm(layer.decode(values, where) - levels[-1]))
        norms.append(layer.restricted_norm(where) * (1 + 1e-4))  # Lanczos stops just below
        levels.append(values)
        at.append(where)
    x_hat, bound, steps = levels[-1], 0.0, []
    claim = partial(Statement, scale=max(norm(level) for level in levels))
    for i in reversed(range(len(layers))):
        x_hat, bound = layers[i].decode(x_hat, at[i]), errors[i] + norms[i] * bound
        name = f"down to x_{i}"
        steps.append(claim(name, "‖x̂_i−x_i‖ ≤ the sum above", norm(x_hat - levels[i]), bound))
    return claim(
        "Several layers, measured (ours)",
        "‖x̂_0 − x_0‖ ≤ Σ ε_i Π_{j<i} ‖W_Ω‖",
        norm(x_hat - x),
        bound,
        tuple(steps),
    )
