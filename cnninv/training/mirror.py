"""A decoder that can be trained: unpooling with switches, and convolutions mirrored from the encoder's."""

from typing import Any

import numpy as np

from cnninv.architectures import Conv, MaxPool
from cnninv.backend import to_host
from cnninv.decoder_files import fingerprint
from cnninv.encoding import encode_columns, input_planes, layers_upto
from cnninv.layers import flat_places
from cnninv.mirrored import Decoder, mirrored_shapes
from cnninv.networks import Network
from cnninv.training.convolution import Convolution
from cnninv.training.fold import folded
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.pooling import Plain, Rectifier
from cnninv.training.stack import Stack


class Unpooling(Plain):
    """Values at their switches, zero elsewhere; `places` is set for every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.plane: tuple[int, int] = (0, 0)
        self.places: Any = None

    def forward(self, h: Any, training: bool = False) -> Any:
        """Of shape (K, *plane, batch)."""
        shape = (len(h), *self.plane, h.shape[-1])
        x = self._buffers.take("x", shape, h)
        x[...] = 0
        x.reshape(-1)[self.places] = h
        return x

    def backward(self, g: Any) -> Any:
        """g at the switches."""
        return g.reshape(-1)[self.places]


class Bias(Plain):
    """h + b, a number for each channel, written over h."""

    def __init__(self, bias: Any) -> None:
        super().__init__()
        self.parameters = {"bias": bias}

    def forward(self, h: Any, training: bool = False) -> Any:
        """h + b."""
        h += self.parameters["bias"][:, None, None, None]
        return h

    def backward(self, g: Any) -> Any:
        """g itself."""
        self.gradients = {"bias": g.reshape(len(g), -1).sum(axis=1)}
        return g


class Mirror(Stack):
    """The layers of a decoder for an encoder's pooling, which starts as Wᵀ, layer by layer.

    Each convolution but the last is batch-normalised in training, so that no ReLU dies; `decoder` folds that
    away. Inside, values are divided by `scales["values"]` and images by `scales["images"]`, so that both
    have numbers about 1, whatever the encoder's are; these are folded into the first and the last filters.

    Parameters
    ----------
    network : Network
        The encoder.
    layer : str
        A pooling.
    xp : module
        numpy or cupy: where the arrays live.
    dtype : dtype
    """

    def __init__(
        self,
        network: Network,
        layer: str,
        xp: Any = np,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__()
        self.network, self.layer, self.xp, self.dtype = network, layer, xp, np.dtype(dtype)
        self.scales = {"values": np.ones(()), "images": np.ones(())}
        bottom = network.convolutions[0]
        mirrored_shapes(network.architecture, layer)  # refuses what cannot be mirrored
        for step in reversed(layers_upto(network.architecture, layer)):
            if isinstance(step, MaxPool):
                self.layers[step.name] = Unpooling()
            elif isinstance(step, Conv):
                # Wᵀ is the convolution with filters flipped, channels and filters exchanged
                w = to_host(network.filters(step.name))[:, :, ::-1, ::-1].swapaxes(0, 1)
                top = len(self.layers) == 1
                self.layers[step.name] = Convolution(self._array(w), first=top)
                zeros = self._array(np.zeros(len(w)))
                if step.name == bottom:
                    self.layers[f"{step.name}.bias"] = Bias(zeros)
                else:
                    ones = self._array(np.ones(len(w)))
                    self.layers[f"{step.name}.norm"] = BatchNormalisation(ones, zeros)
                    self.layers[f"{step.name}.relu"] = Rectifier()

    @property
    def state(self) -> dict[str, Any]:
        """What is learned, and the scales."""
        return super().state | {f"scale of {name}": value for name, value in self.scales.items()}

    def encode(self, x: Any) -> Any:
        """Values, scaled, of preprocessed x with the images last; the switches go to the unpoolings."""
        values, switches = encode_columns(self.network, x, self.layer)
        planes = input_planes(self.network.architecture, x.shape[1:3], self.layer)
        for name, places in switches.items():
            unpooling, (height, width) = self.layers[name], planes[name]
            unpooling.plane, unpooling.places = (height, width), flat_places(places, height * width)
        return (values / self.dtype.type(self.scales["values"])).astype(self.dtype, copy=False)

    def forward(self, values: Any, training: bool = False) -> Any:
        """Preprocessed images, scaled, from the values that `encode` returned last."""
        h = values
        for layer in self.layers.values():
            h = layer.forward(h, training)
        return h

    def start(self, x: Any) -> None:
        """Scales and filters such that all that comes out of a layer has mean square 1 for x.

        As Mishkin and Matas 2016 do; unpooled values are mostly zero, which no rule for the variance of the
        filters alone takes into account.
        """
        self.scales["images"][...] = _size(x)
        self.scales["values"][...] = 1
        self.scales["values"][...] = _size(self.encode(x)) or 1
        h = self.encode(x)
        for layer in self.layers.values():
            h = layer.forward(h)
            if isinstance(layer, Convolution):
                size = h.dtype.type(_size(h) or 1)
                layer.filters /= size
                h /= size

    def learn(self, x: Any) -> float:
        """Mean squared error, over the mean square of the images, of what comes back for x; with gradients.

        ∂/∂x̂ of Σ (x̂ − x)²/N is 2(x̂ − x)/N.
        """
        error = self.forward(self.encode(x), training=True)
        error -= x / self.dtype.type(self.scales["images"])
        loss = float((error * error).mean())
        error *= self.dtype.type(2 / error.size)
        self.backward(error)
        return loss

    def twin(self) -> "Mirror":
        """A model that shares what is learned."""
        twin = Mirror(self.network, self.layer, self.xp, self.dtype)
        twin.scales = self.scales
        for name, layer in twin.layers.items():
            layer.parameters = self.layers[name].parameters
            if isinstance(layer, Convolution):
                layer.filters = self.layers[name].filters
        return twin

    def decoder(self) -> Decoder:
        """What has been learned, for codes as they are."""
        filters, biases = {}, {}
        for name in mirrored_shapes(self.network.architecture, self.layer):
            filters[name] = to_host(self.layers[name].filters).astype(np.float32)
            if f"{name}.norm" in self.layers:
                filters[name], biases[name] = folded(filters[name], self.layers[f"{name}.norm"])
            else:
                biases[name] = to_host(self.layers[f"{name}.bias"].parameters["bias"])
        top, bottom = next(iter(filters)), self.network.convolutions[0]
        filters[top] = filters[top] / np.float32(self.scales["values"])
        filters[bottom] = filters[bottom] * np.float32(self.scales["images"])
        biases[bottom] = biases[bottom] * np.float32(self.scales["images"])
        architecture, preprocessing = self.network.architecture, self.network.preprocessing
        code = fingerprint(self.network)
        return Decoder(architecture, self.layer, filters, biases, preprocessing, code)

    def _array(self, values: np.ndarray) -> Any:
        return self.xp.asarray(np.ascontiguousarray(values, self.dtype))


def _size(values: Any) -> float:
    """Root mean square."""
    return float((values * values).mean()) ** 0.5
