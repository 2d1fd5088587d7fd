"""Convolution as a product with W, and backpropagation through it as products with Wᵀ and with patches."""

from typing import Any

from cnninv.backend import array_namespace
from cnninv.training.patches import Buffers, patch_columns


class Convolution:
    """h = W x for filters of odd size, stride 1, zeros beyond the border; no bias: normalisation follows.

    Parameters
    ----------
    filters : array, shape (K, M, l, l)
    learned : bool
        Whether the filters have a gradient; random ones stay as drawn.
    first : bool
        Whether nothing in front needs the gradient of the input.

    Attributes
    ----------
    parameters, gradients : dict
        Of what is learned, by name.
    """

    def __init__(self, filters: Any, learned: bool = True, first: bool = False) -> None:
        self.filters = filters
        self.learned, self.first = learned, first
        self.parameters = {"filters": filters} if learned else {}
        self.fixed = {} if learned else {"filters": filters}
        self.gradients: dict[str, Any] = {}
        self._forward, self._backward = Buffers(), Buffers()
        self._x: Any = None

    def forward(self, x: Any, training: bool = False) -> Any:
        """W x, for x of shape (M, height, width, batch)."""
        K, _, l, _ = self.filters.shape
        h = self._forward.take("h", (K, *x.shape[1:]), x)
        # h = w P: filter i times the patch about position j
        w, xp = self.filters.reshape(K, -1), array_namespace(x)
        for rows, P in patch_columns(x, l, self._forward):
            xp.matmul(w, P, out=columns_of(h, rows))
        self._x = x if training else None
        return h

    def backward(self, g: Any) -> Any:
        """Wᵀ g, for the gradient g with respect to h; None for the first layer."""
        if self.first:
            if self.learned:
                self.gradients["filters"] = self._from_patches_of_input(g)
            return None
        (K, M, l, _), xp = self.filters.shape, array_namespace(g)
        # Wᵀ is a convolution too: filters flipped, channels and filters exchanged
        flipped = xp.ascontiguousarray(self.filters[:, :, ::-1, ::-1].swapaxes(0, 1))
        flipped = flipped.reshape(M, -1)
        dx = self._backward.take("dx", (M, *g.shape[1:]), g)
        dw = xp.zeros_like(flipped)
        for rows, Q in patch_columns(g, l, self._backward):
            # ∂/∂x = Wᵀ g
            xp.matmul(flipped, Q, out=columns_of(dx, rows))
            if self.learned:
                # ∂/∂w(m, i, τ) = Σ_j x_m(j) g_i(j − τ)
                dw += columns_of(self._x, rows) @ Q.T
        if self.learned:
            dw = dw.reshape(M, K, l, l)[:, :, ::-1, ::-1].swapaxes(0, 1)
            self.gradients["filters"] = xp.ascontiguousarray(dw)
        return dx

    def _from_patches_of_input(self, g: Any) -> Any:
        """∂/∂w = Σ over positions of g times the patch there; cheaper while M < K."""
        K, _, l, _ = self.filters.shape
        dw = array_namespace(g).zeros((K, self.filters[0].size), g.dtype)
        for rows, P in patch_columns(self._x, l, self._backward):
            dw += columns_of(g, rows) @ P.T
        return dw.reshape(self.filters.shape)


def columns_of(h: Any, rows: slice) -> Any:
    """Some rows of positions of h as a matrix, a column for each position and image; a view."""
    return h.reshape(len(h), h.shape[1], -1)[:, rows].reshape(len(h), -1)
