"""Several layers: how the errors of Theorem 3.3 add up through a network. Ours (Gilbert 2017, end of §3.3).

Layer i sees x_{i-1}, computes h_i = W_i x_{i-1}, keeps the largest entry of each pooling region with its
switch, and hands the values x_i on. Going back, x̂_{i-1} = W_iᵀ S_iᵀ x̂_i with S_i the matrix of its
switches.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.statement import Statement, states
from cnninv.theorems.best_constant import GOLDEN
from cnninv.theorems.bounds import checked_delta
from cnninv.theorems.instance import norm
from cnninv.theorems.pooled_layer import PooledLayer, checked_layers
from cnninv.validation import one_of, places, real_array

POOLED = {"abs": 5**0.5, "value": 1.0}
"""How far pooled values may be from those of the code, in units of ‖(h − z)_T‖."""


@states("Several layers (ours)", "the errors of the layers add up, each amplified by those below")
def several_layers(
    layers: Sequence[PooledLayer],
    top: Any,
    switches: Sequence[Any],
    deltas: Sequence[tuple[float, float]],
    noise: Any = None,
) -> Statement:
    """Ours: an input made by L layers, x_{i-1} = W_iᵀ S_iᵀ x_i + u_i from any x_L, comes back with the error

        ‖x̂_0 − x_0‖ ≤ Σ_i ε_i Π_{j<i} √(1+δ_k^(j)),    ε_i = φ√(1+δ_2k^(i)) a_i + ‖u_i‖ + η_{i-1},
        a_i = δ_2k^(i) ‖x_i‖ + √(1+δ_2k^(i)) (‖u_i‖ + η_{i-1}),    η_i = κ a_i,    η_0 = 0

    when the network encodes it with switches of its own, and decodes with these. κ is √5 for pooling by |h|,
    and 1 for codes that are not negative and pooling by value, then ReLU. η_i bounds ‖x̃_i − x_i‖, what the
    encoder's layer i holds against what made the input; ε_i the error of layer i alone, by Theorem 3.3 with
    noise.

    On T = the switches of both, e = (h − z)_T has ‖e‖ ≤ a_i. In a region with the right switch the pooled
    value is off by |e|. With the wrong one, value h_j = e_j against z_i, where |z_i| ≤ |h_i| + |e_i| ≤ |e_j|
    + |e_i|: off by at most 2|e_j| + |e_i| if signs oppose, and by max(|e_j|, |e_i|) if nothing is negative.

    Parameters
    ----------
    layers : sequence of PooledLayer
        From the input up; all pool alike.
    top : array, shape (regions of the last layer,)
        x_L.
    switches : sequence of integer arrays
        Those that make the input, one array for each layer, as `max_pool` returns them.
    deltas : sequence of (float, float)
        δ_k and δ_2k of each layer, k its number of regions.
    noise : array, shape (M*D,), optional
        Added to x_0: u_1. Above, u_i is what ReLU takes away where layers pool by value, and 0 otherwise.

    Returns
    -------
    Statement
        With the steps for each layer, on the way up and on the way down.

    Raises
    ------
    ValueError
        If layers, switches and deltas do not fit, or x_L is negative where layers pool by value.
    """
    layers, deltas = checked_layers(layers), checked_deltas(deltas, len(layers))
    levels, made = _generate(layers, top, switches, noise)
    kappa = POOLED[layers[0].by]
    reached, at = [levels[0]], []  # x̃_i and its switches
    for layer in layers:
        values, where = layer.encode(reached[-1])
        reached.append(values)
        at.append(where)
    x_hat = reached[-1]
    for layer, where in zip(reversed(layers), reversed(at), strict=True):
        x_hat = layer.decode(x_hat, where)

    scale = norm(levels[0])
    claim = partial(Statement, scale=max(scale, *(norm(level) for level in levels)))
    steps, eta, total, gain = [], 0.0, 0.0, 1.0
    for i, (layer, (delta_k, delta_2k)) in enumerate(zip(layers, deltas, strict=True)):
        u = norm(levels[i] - layer.decode(levels[i + 1], made[i]))
        wide = np.sqrt(1 + delta_2k)
        a = delta_2k * norm(levels[i + 1]) + wide * (u + eta)
        epsilon = GOLDEN * wide * a + u + eta
        eta = kappa * a
        alone = norm(layer.decode(reached[i + 1], at[i]) - reached[i])
        gap = norm(reached[i + 1] - levels[i + 1])
        steps += [
            claim(f"layer {i + 1}, up", "‖x̃_i − x_i‖ ≤ η_i", gap, float(eta)),
            claim(f"layer {i + 1}, alone", "‖W_iᵀS_iᵀx̃_i − x̃_i-1‖ ≤ ε_i", alone, float(epsilon)),
        ]
        total += gain * epsilon
        gain *= np.sqrt(1 + delta_k)
    return claim(
        "Several layers (ours)",
        "‖x̂_0 − x_0‖ ≤ Σ ε_i Π_{j<i} √(1+δ_k)",
        norm(x_hat - levels[0]),
        float(total),
        tuple(steps),
    )


@states("Several layers, model-RIP (ours)", "with known switches a stack of layers is one layer")
def layers_isometry(
    layers: Sequence[PooledLayer],
    top: Any,
    switches: Sequence[Any],
    deltas: Sequence[tuple[float, float]],
) -> tuple[Statement, Statement]:
    """Ours: Π(1−δ_k^(i)) ‖x_L‖² ≤ ‖W_1ᵀS_1ᵀ ⋯ W_LᵀS_Lᵀ x_L‖² ≤ Π(1+δ_k^(i)) ‖x_L‖² for any switches.

    S_iᵀ x_i has one entry for each region, so it is in M_k of its layer, and ‖S_iᵀ x_i‖ = ‖x_i‖: (1) holds
    for one layer after the other. So with every δ_k < 1 and the switches known, least squares brings x_0 back
    exactly.

    Parameters as in `several_layers`; of each pair in `deltas` δ_k is used.

    Returns
    -------
    lower, upper : two Statement
    """
    layers, deltas = checked_layers(layers), checked_deltas(deltas, len(layers))
    levels, _ = _generate([replace(layer, by="abs") for layer in layers], top, switches, None)
    squared, size = norm(levels[0]) ** 2, norm(levels[-1]) ** 2
    low = prod(max(0.0, 1 - delta_k) for delta_k, _ in deltas)
    high = prod(1 + delta_k for delta_k, _ in deltas)
    claim = partial(Statement, "Several layers, model-RIP (ours)", scale=size)
    return (
        claim("Π(1−δ_k) ‖x_L‖² ≤ ‖x_0‖²", low * size, squared),
        claim("‖x_0‖² ≤ Π(1+δ_k) ‖x_L‖²", squared, high * size),
    )


def composed_bound(deltas: Sequence[tuple[float, float]], by: str = "abs") -> float:
    """The factor of ‖x_0‖ in `several_layers` without noise or ReLU (every u_i zero); inf iff some δ_k ≥ 1.

    It takes ‖x_i‖ ≤ ‖x_{i-1}‖/√(1−δ_k) from the model-RIP. For one layer it is `reconstruction_bound_golden`.

    Parameters
    ----------
    deltas : sequence of (float, float)
        δ_k and δ_2k of each layer, from the input up.
    by : "abs" or "value"

    Examples
    --------
    >>> round(composed_bound([(0.05, 0.1)]), 3), round(composed_bound([(0.05, 0.1)] * 2), 3)
    (0.174, 1.011)
    """
    deltas = checked_deltas(deltas, None)
    kappa = POOLED[one_of(by, "by", tuple(POOLED))]
    if any(delta_k >= 1 for delta_k, _ in deltas):
        return float("inf")
    size, eta, total, gain = 1.0, 0.0, 0.0, 1.0
    for delta_k, delta_2k in deltas:
        size /= np.sqrt(1 - delta_k)
        wide = np.sqrt(1 + delta_2k)
        a = delta_2k * size + wide * eta
        total += gain * (GOLDEN * wide * a + eta)
        eta = kappa * a
        gain *= np.sqrt(1 + delta_k)
    return float(total)


def checked_deltas(deltas: Any, count: int | None) -> list[tuple[float, float]]:
    """`deltas` as (δ_k, δ_2k) for each layer."""
    if isinstance(deltas, str) or not np.iterable(deltas) or not len(list(deltas)):
        raise TypeError(f"deltas = {deltas!r} must be a sequence of pairs (delta_k, delta_2k)")
    pairs = list(deltas)
    if count is not None and len(pairs) != count:
        raise ValueError(
            f"deltas has {len(pairs)} entries; expected one for each of {count} layers"
        )
    for i, pair in enumerate(pairs):
        if not np.iterable(pair) or len(pair) != 2:
            raise TypeError(f"deltas[{i}] = {pair!r} must be a pair (delta_k, delta_2k)")
        pairs[i] = tuple(checked_delta(value, f"deltas[{i}]") for value in pair)
    return pairs


def _generate(
    layers: list[PooledLayer], top: Any, switches: Any, noise: Any
) -> tuple[list[Any], list[Any]]:
    """x_0, …, x_L from x_L down, and the switches."""
    top = real_array(top, "top", ndim=1)
    if len(top) != layers[-1].regions:
        raise ValueError(
            f"top has {len(top)} entries; the last layer has {layers[-1].regions} regions"
        )
    by_value, xp = layers[0].by == "value", array_namespace(top)
    if by_value and bool((top < 0).any()):
        raise ValueError("top has negative entries; layers that pool by value need none")
    if not isinstance(switches, Sequence) or len(switches) != len(layers):
        raise ValueError(f"switches must be a sequence of {len(layers)} arrays, one for each layer")
    made = [
        places(where, f"switches[{i}]", layer.W.shape[0])
        for i, (where, layer) in enumerate(zip(switches, layers, strict=True))
    ]
    levels = [top]
    for i in reversed(range(len(layers))):
        x = layers[i].decode(levels[0], made[i])
        levels.insert(0, xp.maximum(x, 0) if by_value and i else x)
    if noise is not None:
        noise = real_array(noise, "noise", ndim=1)
        if len(noise) != len(levels[0]):
            raise ValueError(f"noise has {len(noise)} entries; expected {len(levels[0])}")
        levels[0] = levels[0] + noise
    return levels, made
