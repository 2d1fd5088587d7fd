"""Batch normalisation with learnable scale and bias (Gilbert 2017, footnote 5 and Appendix C.1)."""

from typing import Any

from cnninv.backend import array_namespace
from cnninv.training.patches import Buffers, blocks


class BatchNormalisation:
    """y = scale · (h − mean)/√(variance + eps) + bias, channel by channel.

    In training mean and variance are those of the batch; in evaluation, running averages of them, and the layer
    is the affine map of `cnninv.batch_norm_matrix`.

    Parameters
    ----------
    scale, bias : array, shape (K,)
    momentum : float
        Weight of the newest batch in the running averages.
    eps : float
    first : bool
        Whether nothing in front learns.
    """

    def __init__(
        self,
        scale: Any,
        bias: Any,
        momentum: float = 0.1,
        eps: float = 1e-5,
        first: bool = False,
    ) -> None:
        xp = array_namespace(scale)
        self.parameters = {"scale": scale, "bias": bias}
        self.fixed = {"mean": xp.zeros_like(bias), "variance": xp.ones_like(scale)}
        self.gradients: dict[str, Any] = {}
        self.momentum, self.eps, self.first = momentum, eps, first
        self._buffers = Buffers()
        self._h_hat: Any = None
        self._inverse: Any = None

    def forward(self, h: Any, training: bool = False) -> Any:
        """y, for h of shape (K, height, width, batch)."""
        scale, bias = (_column(self.parameters[name]) for name in ("scale", "bias"))
        rows, xp = h.reshape(len(h), -1), array_namespace(h)
        y = self._buffers.take("y", rows.shape, h)
        if not training:
            mean, variance = (_column(self.fixed[name]) for name in ("mean", "variance"))
            a = scale / xp.sqrt(variance + self.eps)
            xp.multiply(rows, a, out=y)
            y += bias - a * mean
            return y.reshape(h.shape)
        h_hat = self._buffers.take("h_hat", rows.shape, h)
        mean, variance = xp.empty_like(scale), xp.empty_like(scale)
        for k in blocks(len(rows), rows.shape[1] * 4, xp.__name__):
            mean[k] = rows[k].mean(axis=1, keepdims=True)
            xp.subtract(rows[k], mean[k], out=h_hat[k])
            variance[k] = _dot(h_hat[k], h_hat[k]) / rows.shape[1]
            h_hat[k] /= xp.sqrt(variance[k] + self.eps)
            xp.multiply(h_hat[k], scale[k], out=y[k])
            y[k] += bias[k]
        self._h_hat, self._inverse = h_hat, 1 / xp.sqrt(variance + self.eps)
        self.follow(mean[:, 0], variance[:, 0], rows.shape[1])
        return y.reshape(h.shape)

    def follow(self, mean: Any, variance: Any, count: int) -> None:
        """Take mean and variance of a batch, of `count` entries a channel, into the running averages."""
        unbiased = variance * (count / max(count - 1, 1))
        for name, value in (("mean", mean), ("variance", unbiased)):
            self.fixed[name] += self.momentum * (value - self.fixed[name])

    def backward(self, g: Any) -> Any:
        """The gradient with respect to h, whose mean and variance count too; None for the first layer."""
        scale, xp = _column(self.parameters["scale"]), array_namespace(g)
        rows = g.reshape(len(g), -1)
        d_scale, d_bias = xp.empty_like(scale), xp.empty_like(scale)
        dh = None if self.first else self._buffers.take("dh", rows.shape, g)
        for k in blocks(len(rows), rows.shape[1] * 4, xp.__name__):
            h_hat = self._h_hat[k]
            d_bias[k] = rows[k].sum(axis=1, keepdims=True)
            d_scale[k] = _dot(rows[k], h_hat)
            if self.first:
                continue
            # ∂/∂h = scale/σ · (g − mean(g) − ĥ mean(g ĥ))
            xp.multiply(h_hat, d_scale[k] / -rows.shape[1], out=dh[k])
            dh[k] += rows[k]
            dh[k] -= d_bias[k] / rows.shape[1]
            dh[k] *= scale[k] * self._inverse[k]
        self.gradients = {"scale": d_scale[:, 0], "bias": d_bias[:, 0]}
        return None if self.first else dh.reshape(g.shape)


def _column(values: Any) -> Any:
    return values[:, None]


def _dot(a: Any, b: Any) -> Any:
    """Inner products of the rows of a and b, shape (K, 1)."""
    return (a[:, None, :] @ b[:, :, None])[:, 0]
