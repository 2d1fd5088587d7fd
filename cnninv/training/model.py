"""A network that can be trained: the layers of a plan, one after the other, forwards and backwards."""

from typing import Any

import numpy as np

from cnninv.architectures import Conv, MaxPool, ReLU
from cnninv.filters import random_filters
from cnninv.training.convolution import Convolution
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.plans import Plan
from cnninv.training.pooling import AveragePooling, Dropout, MaximumPooling, Rectifier
from cnninv.training.softmax import Linear


class Model:
    """The layers of a plan with filters drawn from `rng`.

    Parameters
    ----------
    plan : Plan
    rng : numpy.random.Generator
    xp : module
        numpy or cupy: where the arrays live.
    dtype : dtype

    Attributes
    ----------
    layers : dict
        Layers by name: conv1_1, conv1_1.norm, relu1_1, pool1, …, classifier.
    """

    def __init__(
        self, plan: Plan, rng: np.random.Generator, xp: Any = np, dtype: Any = np.float32
    ) -> None:
        self.plan, self.xp, self.dtype = plan, xp, np.dtype(dtype)
        self.layers: dict[str, Any] = {}
        architecture = plan.architecture
        side, K = architecture.crop, architecture.channels
        for layer in architecture.layers:
            if isinstance(layer, Conv):
                K, M, *size = architecture.shapes[layer.name]
                drawn = self._array(random_filters(K, M, tuple(size), rng))
                learned = plan.filters == "learned"
                self.layers[layer.name] = Convolution(drawn, learned, first=not self.layers)
                self.layers[f"{layer.name}.norm"] = BatchNormalisation(
                    self._array(np.ones(K)), self._array(np.zeros(K))
                )
            elif isinstance(layer, ReLU):
                self.layers[layer.name] = Rectifier()
            elif isinstance(layer, MaxPool) and layer.size == layer.stride == 2:
                self.layers[layer.name], side = MaximumPooling(), side // 2
            else:
                raise ValueError(f"layer {layer} cannot be trained")
        if plan.average > 1:
            self.layers["average"], side = AveragePooling(plan.average), side // plan.average
        if plan.dropout:
            self.layers["dropout"] = Dropout(plan.dropout)
        features = K * side**2
        V = rng.standard_normal((plan.classes, features)) / np.sqrt(features)
        self.layers["classifier"] = Linear(self._array(V), self._array(np.zeros(plan.classes)))

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

    def forward(self, x: Any, rng: np.random.Generator | None = None) -> Any:
        """Logits, shape (classes, batch), of x, shape (3, height, width, batch); training if there is rng."""
        for layer in self.layers.values():
            if isinstance(layer, Dropout):
                layer.rng = rng
            x = layer.forward(x, training=rng is not None)
        return x

    def backward(self, g: Any) -> None:
        """From the gradient of the loss with respect to the logits to those of all parameters."""
        for layer in reversed(self.layers.values()):
            g = layer.backward(g)

    def twin(self) -> "Model":
        """A model that shares what is learned and the random filters, with running averages of its own."""
        twin = Model(self.plan, np.random.default_rng(0), self.xp, self.dtype)
        for name, layer in twin.layers.items():
            layer.parameters = self.layers[name].parameters
            if isinstance(layer, Convolution):
                layer.filters, layer.fixed = self.layers[name].filters, self.layers[name].fixed
        return twin

    def _gather(self, kind: str) -> dict[str, Any]:
        return {
            f"{name}.{key}": value
            for name, layer in self.layers.items()
            for key, value in getattr(layer, kind).items()
        }

    def _array(self, values: np.ndarray) -> Any:
        return self.xp.asarray(values.astype(self.dtype))
