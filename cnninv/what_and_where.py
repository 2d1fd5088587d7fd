"""Codes with other switches or other values: how much of a picture sits in the "where", how much in the "what".

Gilbert 2017, §5: "considerable information captured in the switch units … that no mathematical model has yet
expressed".
"""

from typing import Any

import numpy as np

from cnninv.architectures import MaxPool
from cnninv.backend import array_namespace
from cnninv.encoding import Code
from cnninv.networks import Network, is_network
from cnninv.validation import generator, one_of

SWITCHES = ("known", "naive", "random", "shuffled")
VALUES = ("exact", "shuffled", "constant", "random", "flat")


def replace_switches(network: Network, code: Code, how: str, rng: np.random.Generator) -> Code:
    """The code with other switches, in all its poolings; its values stay.

    Parameters
    ----------
    network : Network
        The code's; it knows the windows.
    code : Code
    how : str
        "known": as they are. "naive": the first entry of each window (§4). "random": any entry of it.
        "shuffled": places within windows, exchanged among all windows of a pooling of an image, so that each
        place is named as often as before.
    rng : numpy.random.Generator

    Examples
    --------
    >>> from cnninv import encode, random_network
    >>> network = random_network("vgg16-quarter", np.random.default_rng(0))
    >>> code = encode(network, np.random.default_rng(1).random((3, 4, 4)), "pool1")
    >>> replace_switches(network, code, "naive", np.random.default_rng(0)).switches["pool1"][0, 0]
    array([[ 0,  2],
           [ 8, 10]], dtype=int32)
    """
    one_of(how, "how", SWITCHES)
    architecture, rng = is_network(network).architecture, generator(rng)
    code = _code(code)
    if how == "known":
        return code
    pools = {step.name: step for step in architecture.layers if isinstance(step, MaxPool)}
    switches = {
        name: _other(pools[name], places, code.planes[name], how, rng)
        for name, places in code.switches.items()
    }
    return code.replace(switches=switches)


def replace_values(code: Code, how: str, rng: np.random.Generator) -> Code:
    """The code with other values, of the same norm for each image; its switches stay.

    Parameters
    ----------
    code : Code
    how : str
        "exact": as they are. "shuffled": those that are not zero, exchanged among their places. "constant": one
        number wherever there was one that is not zero. "random": |N(0, 1)| everywhere, as in Table 4, scaled.
        "flat": one number everywhere, so that nothing is left but the switches.
    rng : numpy.random.Generator

    Examples
    --------
    >>> from cnninv import encode, random_network
    >>> network = random_network("vgg16-quarter", np.random.default_rng(0))
    >>> code = encode(network, np.random.default_rng(1).random((3, 4, 4)), "pool1")
    >>> other = replace_values(code, "random", np.random.default_rng(0))
    >>> bool(np.isclose(np.linalg.norm(other.values), np.linalg.norm(code.values)))
    True
    """
    one_of(how, "how", VALUES)
    values, rng = _code(code).values, generator(rng)
    if how == "exact":
        return code
    xp = array_namespace(values)
    flat = values.reshape(len(values), -1)
    on = flat != 0
    if how == "shuffled":
        other = flat.copy()
        for image, kept in zip(other, on, strict=True):
            places = xp.flatnonzero(kept)
            image[places] = image[places[xp.asarray(rng.permutation(len(places)))]]
    elif how == "constant":
        other = on.astype(values.dtype)
    elif how == "random":
        other = xp.asarray(abs(rng.standard_normal(flat.shape)), dtype=values.dtype)
    else:
        other = xp.ones_like(flat)
    sizes = xp.linalg.norm(other, axis=1, keepdims=True)
    scale = xp.linalg.norm(flat, axis=1, keepdims=True) / xp.where(sizes == 0, 1, sizes)
    return code.replace(values=(other * scale).reshape(values.shape))


def _code(code: Any) -> Code:
    if not isinstance(code, Code):
        raise TypeError(f"code = {code!r} must be a Code, as `encode` returns it")
    return code


def _other(
    pool: MaxPool, switches: Any, plane: tuple[int, int], how: str, rng: np.random.Generator
) -> Any:
    """Other places in the windows of one pooling."""
    xp, (batch, _, n1, n2) = array_namespace(switches), switches.shape
    top = xp.arange(n1)[:, None] * pool.stride
    left = xp.arange(n2)[None, :] * pool.stride
    # what a window that reaches over the end has left
    height, width = (xp.minimum(pool.size, n - c) for n, c in zip(plane, (top, left), strict=True))
    if how == "naive":
        down, right = xp.zeros_like(switches), xp.zeros_like(switches)
    elif how == "random":
        down, right = (
            (xp.asarray(rng.random(switches.shape)) * extent).astype(switches.dtype)
            for extent in (height, width)
        )
    else:
        down, right = switches // plane[1] - top, switches % plane[1] - left
        for image in range(batch):
            order = xp.asarray(rng.permutation(down[image].size))
            down[image] = down[image].reshape(-1)[order].reshape(down[image].shape)
            right[image] = right[image].reshape(-1)[order].reshape(right[image].shape)
        down, right = xp.minimum(down, height - 1), xp.minimum(right, width - 1)
    return ((top + down) * plane[1] + left + right).astype(switches.dtype)
