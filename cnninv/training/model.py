"""A network that can be trained: the layers of a plan, one after the other, forwards and backwards."""

from typing import Any

import numpy as np

from cnninv.architectures import Conv, MaxPool, ReLU
from cnninv.filters import random_filters
from cnninv.training.convolution import Convolution
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.plans import Plan
from cnninv.training.pooled import PooledStage
from cnninv.training.pooling import AveragePooling, Dropout, MaximumPooling, Rectifier
from cnninv.training.softmax import Linear
from cnninv.training.stack import Stack


class Model(Stack):
    """The layers of a plan with filters drawn from `rng`.

    Parameters
    ----------
    plan : Plan
    rng : numpy.random.Generator
    xp : module
        numpy or cupy: where the arrays live.
    dtype : dtype
    fused : bool
        Go through the first convolution, its normalisation, ReLU and pooling in one pass (`PooledStage`).

    Attributes
    ----------
    layers : dict
        Layers by name: conv1_1, conv1_1.norm, relu1_1, pool1, …, classifier.
    """

    def __init__(
        self,
        plan: Plan,
        rng: np.random.Generator,
        xp: Any = np,
        dtype: Any = np.float32,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.plan, self.xp, self.dtype, self.fused = plan, xp, np.dtype(dtype), fused
        architecture = plan.architecture
        side, K = architecture.crop, architecture.channels
        for layer in architecture.layers:
            if isinstance(layer, Conv):
                K, M, *size = architecture.shapes[layer.name]
                drawn = self._array(random_filters(K, M, tuple(size), rng))
                learned, first = plan.filters == "learned", not self.layers
                self.layers[layer.name] = Convolution(drawn, learned, first)
                self.layers[f"{layer.name}.norm"] = BatchNormalisation(
                    self._array(np.ones(K)), self._array(np.zeros(K)), first=first and not learned
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
        self._steps = self._fused() if fused else list(self.layers.values())

    @property
    def steps(self) -> list[Any]:
        """The layers; the first four as one, if they are fused."""
        return self._steps

    def forward(self, x: Any, rng: np.random.Generator | None = None) -> Any:
        """Logits, shape (classes, batch), of x, shape (3, height, width, batch); training if there is rng."""
        for layer in self.steps:
            if isinstance(layer, Dropout):
                layer.rng = rng
            x = layer.forward(x, training=rng is not None)
        return x

    def _fused(self) -> list[Any]:
        first, norm, relu, pool, *others = self.layers.values()
        if not (isinstance(relu, Rectifier) and isinstance(pool, MaximumPooling)):
            raise ValueError(
                f"fused = True needs a network that pools after its first convolution; expected False for "
                f"{self.plan.architecture.name}"
            )
        return [PooledStage(first, norm), *others]

    def twin(self) -> "Model":
        """A model that shares what is learned and the random filters, with running averages of its own."""
        twin = Model(self.plan, np.random.default_rng(0), self.xp, self.dtype, self.fused)
        for name, layer in twin.layers.items():
            layer.parameters = self.layers[name].parameters
            if isinstance(layer, Convolution):
                layer.filters, layer.fixed = self.layers[name].filters, self.layers[name].fixed
        return twin

    def _array(self, values: np.ndarray) -> Any:
        return self.xp.asarray(values.astype(self.dtype))
