"""A whole network as one matrix: with switches and ReLU masks held fixed, every layer is linear (§2.3, §4.5).

values = A x + offset with A = R_L W_L ⋯ R_1 W_1, where R_i selects what is kept behind convolution i: the
positive entries, and of each pooling window the one that its switch names.
"""

from math import prod
from typing import Any

from cnninv.architectures import Conv, MaxPool, ReLU
from cnninv.backend import array_namespace
from cnninv.encoding import Code, layers_upto, pooling_name
from cnninv.layers import flat_places, pool_with_switches
from cnninv.networks import Network, is_network
from cnninv.stage import Stage
from cnninv.transposed import Implicit
from cnninv.validation import real_array


class Linearization(Implicit):
    """A of values = A x + offset: ``@`` on ``(3*height*width,)`` and ``(…, batch)``, ``.T``, ``.to_matrix()``.

    Made by `linearize`.

    Attributes
    ----------
    shape : (p, 3*height*width)
        p values of the code are held: those that are not zero.
    offset : array, shape (p,)
        What the biases leave where x is zero.
    active : integer array, shape (p,)
        Which of the values, in C order of (K, n1, n2).
    values_shape : (K, n1, n2)
    stages : list of Stage
        A is their product, and the choice of `active`.
    """

    def __init__(
        self, stages: list[Stage], active: Any, values_shape: tuple[int, int, int]
    ) -> None:
        self.stages, self.active, self.values_shape = stages, active, values_shape
        self.shape = (len(active), stages[0].W.shape[1])
        self.dtype = stages[0].W.dtype
        self.offset = self._forward(self.xp.zeros(self.shape[1], self.dtype), biased=True)

    def __repr__(self) -> str:
        return f"Linearization({self.shape[0]} × {self.shape[1]}, {len(self.stages)} convolutions)"

    @property
    def xp(self) -> Any:
        """numpy or cupy."""
        return self.stages[0].W.xp

    def __matmul__(self, x: Any) -> Any:
        """A x."""
        return self._forward(self._fitting(x, self.shape[1]), biased=False)

    def transposed_product(self, y: Any) -> Any:
        """Aᵀ y."""
        y = self._fitting(y, self.shape[0])
        x = self.xp.zeros((prod(self.values_shape), *y.shape[1:]), y.dtype)
        x[self.active] = y
        for stage in reversed(self.stages):
            x = stage.T @ x
        return x

    def values(self, x: Any) -> Any:
        """A x + offset."""
        return self._forward(self._fitting(x, self.shape[1]), biased=True)

    def to_matrix(self) -> Any:
        """The explicit A, as a sparse array in memory."""
        matrices = [stage.to_matrix() for stage in self.stages]
        A = matrices[-1][self.active]
        for matrix in reversed(matrices[:-1]):
            A = A @ matrix
        A = A.tocsr()
        A.sort_indices()
        return A

    @property
    def products(self) -> int:
        """Multiplications in A x: one for each tap that a filter lays on its input, as in W stored by rows."""
        return sum(s.W.shape[0] * prod(s.W.filters.shape[1:]) for s in self.stages)

    def _forward(self, x: Any, biased: bool) -> Any:
        for stage in self.stages:
            x = stage.values(x) if biased else stage @ x
        return x[self.active]


def linearize(network: Network, x: Any, layer: str, code: Code | None = None) -> Linearization:
    """The network up to a pooling as one matrix, at x: with the switches and ReLU masks that x has there.

    Parameters
    ----------
    network : Network
        Without normalisation over channels.
    x : array, shape (3, height, width)
        An input that has been preprocessed, as `network.preprocessing.whole(image)` gives it.
    layer : str
        A pooling.
    code : Code, optional
        Of one image of that size: then the switches and the values that are not zero are the code's, and only
        the masks of ReLUs that no pooling follows, which the code does not hold, are those of x.

    Returns
    -------
    Linearization
        In the dtype of the network's filters.

    Raises
    ------
    TypeError, ValueError
        If x, the layer or the code does not fit, or a layer is no matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from cnninv import encode, random_network
    >>> network = random_network("vgg16-quarter", np.random.default_rng(0))
    >>> image = np.random.default_rng(1).random((3, 8, 8))
    >>> x = network.preprocessing.whole(image)
    >>> A = linearize(network, x, "pool1")
    >>> A
    Linearization(197 × 192, 2 convolutions)
    >>> code = encode(network, image, "pool1")
    >>> bool(np.allclose(A.values(x.ravel()), code.values.ravel()[A.active], atol=1e-3))
    True
    """
    layer = pooling_name(is_network(network).architecture, layer)
    x = real_array(x, "x", ndim=3)
    if x.shape[0] != network.architecture.channels:
        raise ValueError(f"x has shape {x.shape}; expected (3, height, width)")
    switches = _switches(code, layer, x)
    stages, h = [], x.astype(network.dtype, copy=False)
    steps = layers_upto(network.architecture, layer)
    for position, step in enumerate(steps):
        if not isinstance(step, (Conv, ReLU, MaxPool)):
            raise ValueError(
                f"network has {step.name}, which is not linear with its switches fixed"
            )
        if not isinstance(step, Conv):
            continue
        W = network.operator(step.name, h.shape[1:])
        hidden = W.forward(h.reshape(-1), network.bias(step.name)).reshape(
            step.K, *W.layer.positions
        )
        pool = next((s for s in steps[position + 1 : position + 3] if isinstance(s, MaxPool)), None)
        last = pool is not None and pool.name == layer
        shape, kept = _kept(hidden, pool, switches)
        values = hidden.reshape(-1)[kept]
        # where nothing comes in, as at x = 0 without biases, a ReLU between is taken to be on
        on = values > 0 if last else values >= 0
        if last and code is not None:
            on = code.values[0].reshape(-1) > 0
        places = array_namespace(values).flatnonzero(on)
        kept = kept[places]
        h = array_namespace(values).zeros(prod(shape), values.dtype)
        h[places] = values[places]
        h = h.reshape(shape)
        bias = network.bias(step.name)[kept // prod(hidden.shape[1:])]
        stages.append(Stage(W, bias, kept, places, h.size))
    return Linearization(stages, places, tuple(shape))


def _kept(hidden: Any, pool: MaxPool | None, switches: dict[str, Any]) -> tuple[Any, Any]:
    """Shape of what follows a convolution, and for each entry of it the entry of the convolution."""
    xp, entries = array_namespace(hidden), prod(hidden.shape[1:])
    if pool is None:
        return hidden.shape, xp.arange(hidden.size)
    if pool.name in switches:
        where = switches[pool.name][..., None]
    else:
        where = pool_with_switches(hidden[..., None], pool.size, pool.stride)[1]
    return where.shape[:3], flat_places(where, entries).reshape(-1)


def _switches(code: Code | None, layer: str, x: Any) -> dict[str, Any]:
    if code is None:
        return {}
    if not isinstance(code, Code):
        raise TypeError(f"code = {code!r} must be a Code, as `encode` returns it, or None")
    if code.layer != layer or len(code.values) != 1 or code.size != x.shape[1:]:
        raise ValueError(
            f"code = {code!r}; expected {layer} of 1 image of {x.shape[1]} × {x.shape[2]}"
        )
    return {name: switches[0] for name, switches in code.switches.items()}
