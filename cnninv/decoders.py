"""From a code back to images by Wᵀ, layer by layer, with the code's switches: nothing is learned (§4.5).

The learned decoders are in `cnninv.mirrored`.
"""

from typing import Any

from cnninv.architectures import Architecture, Conv, MaxPool, Normalization
from cnninv.backend import array_namespace
from cnninv.encoding import Code, input_planes, layers_upto, pooling_name
from cnninv.layers import unpool_with_switches
from cnninv.networks import Network, is_network
from cnninv.validation import POSITIVE, real_number

CONTRAST = 0.25
"""Root mean square of a photograph's values in [0, 1] about their mean: 64 grey levels."""


class TransposeDecoder:
    """Unpooling with switches, then Wᵀ of each convolution and ReLU, down to the image: a deconvnet.

    Between the layers max(·, 0), since every activation but the image is one after ReLU (Zeiler and Fergus
    2014); no biases. That map is positively homogeneous, so it knows no scale: the image is scaled to a root
    mean square of `contrast` about the network's mean colour.

    Parameters
    ----------
    network : Network
    layer : str
    contrast : float
    """

    def __init__(self, network: Network, layer: str, contrast: float = CONTRAST) -> None:
        self.network, self.layer = network, pooling_name(is_network(network).architecture, layer)
        self.contrast = real_number(contrast, "contrast", low=POSITIVE)
        for step in layers_upto(network.architecture, self.layer):
            if isinstance(step, Normalization):
                raise ValueError(
                    f"network has {step.name}, a normalisation over channels, which is no matrix to be "
                    f"transposed; expected convolutions, ReLU and poolings up to {self.layer}"
                )

    def __call__(self, code: Code) -> Any:
        """Images, shape (batch, 3, height, width), about [0, 1], not clipped.

        Parameters
        ----------
        code : Code
            Of this network and layer.

        Raises
        ------
        ValueError
            If it is of another layer.
        """
        check_code(code, self.layer, self.network.architecture)
        first = self.network.filters(self.network.convolutions[0])
        xp = array_namespace(code=code.values, network=first)
        h = xp.ascontiguousarray(xp.moveaxis(code.values.astype(first.dtype), 0, -1))
        planes = input_planes(self.network.architecture, code.size, self.layer)
        for step in reversed(layers_upto(self.network.architecture, self.layer)):
            if isinstance(step, MaxPool):
                switches = xp.moveaxis(code.switches[step.name], 0, -1)
                h = unpool_with_switches(h, switches, planes[step.name])
            elif isinstance(step, Conv):
                W = self.network.operator(step.name, planes[step.name])
                # x̂ = Wᵀ z, and ReLU unless it is the image; of norm 1, so that no number grows too large
                x = W.T @ h.reshape(W.shape[0], -1)
                if step.name != self.network.convolutions[0]:
                    x = xp.maximum(x, 0)
                h = _of_norm_1(x).reshape(W.layer.M, *planes[step.name], -1)
        image = xp.moveaxis(h, -1, 0) * (self.contrast * float(h[..., 0].size) ** 0.5)
        return image + self.network.preprocessing.restore(xp.zeros_like(image))


def transpose_decoder(network: Network, layer: str, contrast: float = CONTRAST) -> TransposeDecoder:
    """The decoder that needs no training: Wᵀ layer by layer, with the code's switches.

    Parameters
    ----------
    network : Network
        Without normalisation over channels.
    layer : str
        The pooling whose codes it takes.
    contrast : float
        Root mean square of the images about the mean colour; Wᵀ knows no scale.

    Raises
    ------
    ValueError
        If the network has no such pooling, or a layer that is no matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from cnninv import encode, random_network
    >>> network = random_network("vgg16-quarter", np.random.default_rng(0))
    >>> code = encode(network, np.random.default_rng(1).random((3, 24, 40)), "pool2")
    >>> transpose_decoder(network, "pool2")(code).shape
    (1, 3, 24, 40)
    """
    return TransposeDecoder(network, layer, contrast)


def check_code(code: Any, layer: str, architecture: Architecture) -> None:
    """Refuse what is no code of that layer of that architecture.

    Raises
    ------
    TypeError, ValueError
    """
    if not isinstance(code, Code):
        raise TypeError(f"code = {code!r} must be a Code, as `encode` returns it")
    if code.layer != layer:
        raise ValueError(f"code is of {code.layer}; expected one of {layer}, as the decoder is")
    convolutions = [s for s in layers_upto(architecture, layer) if isinstance(s, Conv)]
    K, channels = code.values.shape[1], convolutions[-1].K
    if channels != K:
        raise ValueError(f"code has {K} channels; expected {channels}, as {layer} has")


def _of_norm_1(x: Any) -> Any:
    """The columns of x over their norms; zero columns as they are."""
    norms = (x * x).sum(axis=0) ** 0.5
    return x / (norms + (norms == 0))
