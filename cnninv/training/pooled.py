"""The first convolution with its normalisation, ReLU and pooling in one pass: h = W x is never stored.

h is four times as large as its pooled values, and a wide first layer spends its time on reading and writing
it. Three facts spare that (Gilbert 2017, Appendix C.1 has the layers in this order):

* normalisation and ReLU are monotone in h, so they may follow the pooling: the largest h of a window gives the
  largest output, or the smallest, where the scale is negative;
* mean and variance of h = w P over a batch follow from its patches P, with s = P 1 and G = P Pᵀ:
  mean = w s/N, variance = w (G/N − s sᵀ/N²) wᵀ;
* in the gradient with respect to w only one term needs more than s and G, that of g at the switches.
"""

from collections.abc import Iterator
from typing import Any

from cnninv.backend import array_namespace
from cnninv.training.convolution import Convolution, columns_of
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.patches import FILTERS, Buffers, blocks, window_columns


class PooledStage:
    """max-pool(ReLU(norm(W x))) over windows of 2 × 2, for a network's first layer.

    Equal to the four layers one after the other, up to rounding. What is learned, its gradients and the running
    averages stay in the two layers that it is made of.

    Parameters
    ----------
    convolution : Convolution
        Nothing in front of it learns.
    norm : BatchNormalisation
    """

    def __init__(self, convolution: Convolution, norm: BatchNormalisation) -> None:
        self.convolution, self.norm = convolution, norm
        self._buffers = Buffers()
        self._x: Any = None

    def forward(self, x: Any, training: bool = False) -> Any:
        """The pooled values, shape (K, height/2, width/2, batch), of x, shape (M, height, width, batch)."""
        w, xp, N = self._w, array_namespace(x), x[0].size
        scale, bias = self.norm.parameters["scale"], self.norm.parameters["bias"]
        # where the scale is negative, the largest of −h is wanted
        self._sign = xp.where(scale < 0, -1, 1).astype(w.dtype)
        pooled = self._pool(x, self._sign[:, None] * w, training)
        if training:
            mean, variance = self._statistics(w, N)
            self.norm.follow(mean, variance, N)
        else:
            mean, variance = self.norm.fixed["mean"], self.norm.fixed["variance"]
        inverse = 1 / xp.sqrt(variance + self.norm.eps)
        # y = max(scale · (h − mean)/√(variance + eps) + bias, 0)
        slope, shift = self._sign * scale * inverse, bias - scale * inverse * mean
        y = self._buffers.take("y", pooled.shape, x)
        for k in blocks(len(y), y[0].size * 4, xp.__name__):
            xp.multiply(pooled[k], slope[k, None, None, None], out=y[k])
            y[k] += shift[k, None, None, None]
            xp.maximum(y[k], 0, out=y[k])
        if training:
            self._x, self._pooled, self._y = x, pooled, y
            self._mean, self._inverse = mean, inverse
        return y

    def backward(self, g: Any) -> None:
        """Gradients of scale, bias and, if they learn, filters; g is overwritten."""
        xp, K = array_namespace(g), len(g)
        rows, pooled, y = (array.reshape(K, -1) for array in (g, self._pooled, self._y))
        d_scale, d_bias = xp.empty(K, g.dtype), xp.empty(K, g.dtype)
        for k in blocks(K, rows.shape[1] * 4, xp.__name__):
            rows[k] *= y[k] > 0
            d_bias[k] = rows[k].sum(axis=1)
            d_scale[k] = (rows[k][:, None, :] @ pooled[k][:, :, None])[:, 0, 0]
        # Σ g ĥ, ĥ = (h − mean)/√(variance + eps)
        d_scale = (self._sign * d_scale - self._mean * d_bias) * self._inverse
        self.norm.gradients = {"scale": d_scale, "bias": d_bias}
        if self.convolution.learned:
            dw = self._gradient_of_filters(g, d_scale, d_bias)
            self.convolution.gradients["filters"] = dw.reshape(self.convolution.filters.shape)

    @property
    def _w(self) -> Any:
        return self.convolution.filters.reshape(len(self.convolution.filters), -1)

    def _pool(self, x: Any, w: Any, training: bool) -> Any:
        """The largest entry of w p in each window; what the way back needs is kept."""
        (_, height, width, batch), (K, patch) = x.shape, w.shape
        xp, learning = array_namespace(x), training and self.convolution.learned
        pooled = self._buffers.take("pooled", (K, height // 2, width // 2, batch), x)
        if training:
            self._s, self._G = xp.zeros(patch), xp.zeros((patch, patch))
        if learning:
            shape = (3, *pooled.shape)
            self._switches = self._buffers.take("switches", shape, xp.empty(0, bool))
        for rows, P, k in self._blocks(x):
            if training and k.start == 0:
                self._s += P.sum(axis=1)
                self._G += P @ P.T
            h = self._windows(P, k)
            xp.matmul(w[k], P, out=h.reshape(len(h), -1))
            if learning:
                upper, lower, below = (columns_of(s[k], rows) for s in self._switches)
                xp.greater(h[:, 1], h[:, 0], out=upper)
                xp.greater(h[:, 3], h[:, 2], out=lower)
            xp.maximum(h[:, 0], h[:, 1], out=h[:, 0])
            xp.maximum(h[:, 2], h[:, 3], out=h[:, 2])
            if learning:
                xp.greater(h[:, 2], h[:, 0], out=below)
            xp.maximum(h[:, 0], h[:, 2], out=columns_of(pooled[k], rows))
        return pooled

    def _statistics(self, w: Any, N: int) -> tuple[Any, Any]:
        """Mean and variance of each filter's h, from s and G."""
        p = self._s / N
        C = self._G / N - p[:, None] * p
        wide = w.astype(p.dtype)
        variance = ((wide @ C) * wide).sum(axis=1)
        return (wide @ p).astype(w.dtype), variance.astype(w.dtype)

    def _gradient_of_filters(self, g: Any, d_scale: Any, d_bias: Any) -> Any:
        """∂/∂w = scale/σ · (Σ_j g_j p_j − mean(g) s − mean(g ĥ) (w G − mean s)/σ)."""
        w, xp, N = self._w, array_namespace(g), self._x[0].size
        dw = xp.zeros_like(w)
        for rows, P, k in self._blocks(self._x):
            upper, lower, below = (columns_of(s[k], rows) for s in self._switches)
            top, dh = columns_of(g[k], rows), self._windows(P, k)
            # g goes down the tree of comparisons that found the largest entry
            xp.multiply(top, below, out=dh[:, 2])
            xp.subtract(top, dh[:, 2], out=dh[:, 0])
            for pair, second in ((0, upper), (2, lower)):
                xp.multiply(dh[:, pair], second, out=dh[:, pair + 1])
                dh[:, pair] -= dh[:, pair + 1]
            dw[k] += dh.reshape(len(dh), -1) @ P.T
        s, G = self._s.astype(w.dtype), self._G.astype(w.dtype)
        dw -= (d_bias / N)[:, None] * s
        dw -= (d_scale / N * self._inverse)[:, None] * (w @ G - self._mean[:, None] * s)
        return (self.norm.parameters["scale"] * self._inverse)[:, None] * dw

    def _blocks(self, x: Any) -> Iterator[tuple[slice, Any, slice]]:
        """Rows of windows, their patches, and filters: every block of the one with every block of the other."""
        K, _, size, _ = self.convolution.filters.shape
        step = FILTERS if array_namespace(x).__name__ == "numpy" else K
        for rows, P in window_columns(x, size, self._buffers):
            for start in range(0, K, step):
                yield rows, P, slice(start, min(start + step, K))

    def _windows(self, P: Any, k: slice) -> Any:
        """Memory for what these filters make of these patches: four entries for each window."""
        shape = (k.stop - k.start, 4, P.shape[1] // 4)
        return self._buffers.take(f"h {shape}", shape, P)
