"""Iterating through a whole network: an image from a code, without training (footnote 4, ours).

What Algorithm 1 does for one layer, done for all at once: find out which units were on, then fit their values,
again and again. The switches come with the code; the masks of the ReLUs between do not, and are those of the
iterate.
"""

from typing import Any

from cnninv.backend import array_namespace
from cnninv.encoding import Code
from cnninv.least_squares import cgls
from cnninv.linearized import linearize
from cnninv.networks import Network, is_network
from cnninv.smooth import Chain, Smooth
from cnninv.validation import whole_number


def recover_image(
    network: Network, code: Code, rounds: int = 20, steps: int = 10, power: float = 1.0
) -> tuple[Any, dict[str, list[float]]]:
    """An image whose code is near a given one, from x = 0, by Gauss and Newton with a prior of smooth images.

    Each round linearizes the network at x with the code's switches, values ≈ A x + offset (`linearize`), and
    takes `steps` of conjugate gradients towards the smoothest correction of what is missing, x ← x + S y with
    A S y = values − A x − offset (`Smooth`). Zeros of the code are not used: they are inequalities.

    Parameters
    ----------
    network : Network
        Without normalisation over channels.
    code : Code
        Of one image.
    rounds, steps : int
        A round costs 2·steps + 3 passes through the network.
    power : float
        Of the prior; 0 is none.

    Returns
    -------
    image : array, shape (3, height, width)
        About [0, 1], not clipped.
    history : dict
        ``residual``: ‖values − A x − offset‖/‖values‖ before each round.

    Raises
    ------
    TypeError, ValueError
        If there is no code, or one of several images.

    Examples
    --------
    >>> import numpy as np
    >>> from cnninv import encode, load_network
    >>> network = load_network("vgg16-quarter")
    >>> image = 0.5 + 0.4 * np.sin(np.arange(3 * 16 * 16).reshape(3, 16, 16) * np.pi / 8)
    >>> x_hat, history = recover_image(network, encode(network, image, "pool1"))
    >>> bool(np.linalg.norm(x_hat - image) < 0.1 * np.linalg.norm(image))
    True
    """
    if not isinstance(code, Code):
        raise TypeError(f"code = {code!r} must be a Code, as `encode` returns it")
    if len(code.values) != 1:
        raise ValueError(f"code is of {len(code.values)} images; expected 1")
    rounds, steps = whole_number(rounds, "rounds", low=0), whole_number(steps, "steps", low=1)
    shape = (is_network(network).architecture.channels, *code.size)
    xp, S = array_namespace(code.values), Smooth(shape, power)
    x, residuals = xp.zeros(shape), []
    given = code.values[0].reshape(-1).astype(float)
    for _ in range(rounds):
        A = linearize(network, x, code.layer, code)
        missing = given[A.active] - A.values(x.reshape(-1))  # values − A x − offset
        residuals.append(float(xp.linalg.norm(missing) / xp.linalg.norm(given)))
        y, _ = cgls(Chain(A, S), missing, steps)
        x = x + (S @ y).reshape(shape)
    return network.preprocessing.restore(x), {"residual": residuals}
