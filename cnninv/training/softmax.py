"""The classifier on top: a linear map to one number per class, softmax and cross-entropy."""

from typing import Any

from cnninv.backend import array_namespace


class Linear:
    """V f + b for features f, which are all entries of the last layer.

    Parameters
    ----------
    weights : array, shape (classes, features)
    bias : array, shape (classes,)
    """

    def __init__(self, weights: Any, bias: Any) -> None:
        self.parameters = {"weights": weights, "bias": bias}
        self.fixed: dict[str, Any] = {}
        self.gradients: dict[str, Any] = {}

    def forward(self, h: Any, training: bool = False) -> Any:
        """V f + b, shape (classes, batch), for h of shape (K, height, width, batch)."""
        self._shape, self._f = h.shape, h.reshape(-1, h.shape[-1])
        return self.parameters["weights"] @ self._f + self.parameters["bias"][:, None]

    def backward(self, g: Any) -> Any:
        """Vᵀ g."""
        self.gradients = {"weights": g @ self._f.T, "bias": g.sum(axis=1)}
        return (self.parameters["weights"].T @ g).reshape(self._shape)


def cross_entropy(logits: Any, labels: Any, smoothing: float = 0.0) -> tuple[float, Any]:
    """Mean cross-entropy of softmax(logits) to the labels, and its gradient.

    Parameters
    ----------
    logits : array, shape (classes, batch)
    labels : array of int, shape (batch,)
    smoothing : float
        Part of the probability that is spread evenly over all classes.

    Returns
    -------
    loss : float
    gradient : array, shape (classes, batch)

    Examples
    --------
    >>> import numpy as np
    >>> loss, gradient = cross_entropy(np.zeros((2, 1)), np.array([0]))
    >>> round(loss, 3), gradient.ravel()
    (0.693, array([-0.5,  0.5]))
    """
    xp = array_namespace(logits)
    classes, batch = logits.shape
    target = xp.full(logits.shape, smoothing / classes, logits.dtype)
    target[labels, xp.arange(batch)] += logits.dtype.type(1 - smoothing)
    shifted = logits - logits.max(axis=0)
    log_p = shifted - xp.log(xp.exp(shifted).sum(axis=0))
    return -float((target * log_p).sum()) / batch, (xp.exp(log_p) - target) / batch
