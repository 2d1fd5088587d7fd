"""What decides a decoder's training, and the memory that it takes."""

from dataclasses import dataclass

from cnninv.encoding import input_planes
from cnninv.mirrored import mirrored_shapes
from cnninv.networks import Network
from cnninv.training.patches import BLOCK
from cnninv.validation import real_number, whole_number


@dataclass(frozen=True)
class DecoderSettings:
    """All that decides the result of a decoder's training, besides the data.

    Attributes
    ----------
    epochs : int
        In each, one crop of every photograph.
    batch : int
    parts : int
        Of a batch, each with a thread.
    rate : float
        Adam's highest learning rate; it rises for the first tenth and falls to zero (one cycle).
    side : int
        Photographs are reduced to so many pixels.
    crop : int
        Height and width of the crops.
    seed : int
    """

    epochs: int = 32
    batch: int = 8
    parts: int = 2
    rate: float = 8e-3
    side: int = 128
    crop: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number(self.epochs, "epochs", low=1)
        whole_number(self.batch, "batch", low=1)
        whole_number(self.parts, "parts", low=1)
        if self.batch % self.parts:
            raise ValueError(f"parts = {self.parts} must divide batch = {self.batch}")
        whole_number(self.side, "side", low=1)
        whole_number(self.crop, "crop", low=1, high=self.side)
        whole_number(self.seed, "seed", low=0)
        real_number(self.rate, "rate", low=0)


def memory_needed(network: Network, layer: str, settings: DecoderSettings) -> int:
    """Bytes, nearly, that a step of training takes in float32.

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
