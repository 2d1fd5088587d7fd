"""The memory that a step of training takes, nearly, in float32: of a network, of a decoder."""

from cnninv.architectures import Conv, MaxPool
from cnninv.encoding import input_planes
from cnninv.mirrored import mirrored_shapes
from cnninv.networks import Network
from cnninv.training.patches import BLOCK
from cnninv.training.plans import Plan
from cnninv.training.settings import DecoderSettings


def network_memory(plan: Plan, batch: int, fused: bool = False) -> int:
    """Bytes that a network's step takes.

    For every convolution: its output, with its gradient, before and after normalisation; its input, with its
    gradient; and a block of patches for either direction. Of a fused first one, the output is pooled.

    Examples
    --------
    >>> from cnninv.training.plans import paper_plan
    >>> round(network_memory(paper_plan(3, "random"), 128) / 2**30, 1)
    7.9
    """
    side, entries = plan.architecture.crop, 0
    for layer in plan.architecture.layers:
        if isinstance(layer, Conv):
            K, M, size, _ = plan.architecture.shapes[layer.name]
            pixels = batch * side**2
            pooled = fused and not entries
            entries += (5 * K // (4 if pooled else 1) + 2 * M) * pixels + 4 * K * M * size**2
            entries += 2 * min(BLOCK, max(K, M) * size**2 * pixels)
        elif isinstance(layer, MaxPool):
            side //= 2
    return 4 * entries


def decoder_memory(network: Network, layer: str, settings: DecoderSettings) -> int:
    """Bytes that a decoder's step takes.

    For every convolution of the decoder: what is unpooled or comes in, what comes out, gradients of both, and
    the padded copies; for each of the encoder's the larger of two outputs; a block of patches either way.
    """
    planes = input_planes(network.architecture, (settings.crop,) * 2, layer)
    entries = 0
    for name, (M, K, size, _) in mirrored_shapes(network.architecture, layer).items():
        pixels = settings.batch * planes[name][0] * planes[name][1]
        entries += (3 * K + 3 * M) * pixels + 5 * K * M * size**2
        entries += 2 * settings.parts * min(BLOCK, max(K, M) * size**2 * pixels)
    return 4 * entries
