"""Layers one after the other, forwards and backwards, with what they learn by name."""

from typing import Any


class Stack:
    """Layers by name, in order; each has `forward`, `backward`, and dicts of what it learns and holds."""

    def __init__(self) -> None:
        self.layers: dict[str, Any] = {}

    @property
    def steps(self) -> list[Any]:
        """What is gone through, forwards and backwards: the layers."""
        return list(self.layers.values())

    @property
    def parameters(self) -> dict[str, Any]:
        """What is learned, by names like conv1_1.filters; the arrays are changed in place."""
        return self._gather("parameters")

    @property
    def gradients(self) -> dict[str, Any]:
        """Of the parameters, from the last `backward`."""
        return self._gather("gradients")

    @property
    def state(self) -> dict[str, Any]:
        """All that evaluation needs: what is learned, random filters, running means and variances."""
        return self.parameters | self._gather("fixed")

    def backward(self, g: Any) -> None:
        """From the gradient of the loss with respect to what comes out to those of all parameters."""
        for layer in reversed(self.steps):
            g = layer.backward(g)
            if g is None:  # nothing in front of it learns
                return

    def _gather(self, kind: str) -> dict[str, Any]:
        return {
            f"{name}.{key}": value
            for name, layer in self.layers.items()
            for key, value in getattr(layer, kind).items()
        }
