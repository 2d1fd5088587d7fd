"""ReLU, pooling and dropout, forward and backward, on arrays of shape (K, height, width, batch)."""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.training.patches import Buffers, blocks


class Plain:
    """A layer with nothing to learn."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.fixed: dict[str, Any] = {}
        self.gradients: dict[str, Any] = {}
        self._buffers = Buffers()


class Rectifier(Plain):
    """max(h, 0), written over h."""

    def forward(self, h: Any, training: bool = False) -> Any:
        """max(h, 0)."""
        self._y = array_namespace(h).maximum(h, 0, out=h)
        return self._y

    def backward(self, g: Any) -> Any:
        """g where h was positive, written over g."""
        for k in blocks(len(g), g[0].size * 4, array_namespace(g).__name__):
            g[k] *= self._y[k] > 0
        return g


class MaximumPooling(Plain):
    """The largest entry of each 2 × 2 window; which one it was, the switch, is kept for the way back."""

    def forward(self, h: Any, training: bool = False) -> Any:
        """The largest entries, shape (K, height/2, width/2, batch)."""
        quarters, xp = _quarters(h), array_namespace(h)
        y = self._buffers.take("y", quarters[0].shape, h)
        xp.maximum(quarters[0], quarters[1], out=y)
        for quarter in quarters[2:]:
            xp.maximum(y, quarter, out=y)
        self._h, self._y = (h, y) if training else (None, None)
        return y

    def backward(self, g: Any) -> Any:
        """g at the switches (the first largest entry of each window), zero elsewhere."""
        dh, xp = self._buffers.take("dh", self._h.shape, g), array_namespace(g)
        for k in blocks(len(g), g[0].size * 8, xp.__name__):
            left = xp.ones(g[k].shape, bool)
            for quarter, target in zip(_quarters(self._h[k]), _quarters(dh[k]), strict=True):
                switch = quarter == self._y[k]
                switch &= left
                left ^= switch
                xp.multiply(g[k], switch, out=target)
        return dh


class AveragePooling(Plain):
    """The mean of each window × window region."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, h: Any, training: bool = False) -> Any:
        """The means, shape (K, height/window, width/window, batch)."""
        K, height, width, batch = h.shape
        p = self.window
        return h.reshape(K, height // p, p, width // p, p, batch).mean(axis=(2, 4))

    def backward(self, g: Any) -> Any:
        """An equal share of g for each entry of a region."""
        (K, height, width, batch), p = g.shape, self.window
        dh = self._buffers.take("dh", (K, height * p, width * p, batch), g)
        regions = dh.reshape(K, height, p, width, p, batch)
        regions[...] = (g / g.dtype.type(p**2))[:, :, None, :, None]
        return dh


class Dropout(Plain):
    """Each entry is zero with probability `rate` in training, else divided by 1 − rate."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.rng: np.random.Generator | None = None

    def forward(self, h: Any, training: bool = False) -> Any:
        """h with some entries dropped; h itself in evaluation."""
        if not training:
            return h
        kept = self.rng.random(h.shape, dtype=np.float32) >= self.rate
        xp = array_namespace(h)
        self._mask = xp.asarray(kept).astype(h.dtype) / h.dtype.type(1 - self.rate)
        return h * self._mask

    def backward(self, g: Any) -> Any:
        """g where h was kept."""
        return g * self._mask


def _quarters(h: Any) -> list[Any]:
    """Views of h: the four places of each 2 × 2 window."""
    return [h[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
