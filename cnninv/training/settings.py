"""What decides a training run besides the data: of a network, of a decoder."""

from dataclasses import dataclass

from cnninv.validation import real_number, whole_number


@dataclass(frozen=True)
class Settings:
    """All that decides the result of a network's training, besides the data.

    Attributes
    ----------
    epochs : int
        Of the first cycle of the learning rate.
    again : int
        Of a second cycle, half as high; 0 for none.
    batch : int
    parts : int
        Of a batch, each with a thread and batch normalisation of its own.
    rate : float
        The highest learning rate; it rises for the first quarter and falls to zero (one cycle).
    momentum : float
        Nesterov's.
    decay : float
        Weight decay of filters and classifier.
    smoothing : float
        Of the labels.
    validation : int
        Training images kept aside.
    shift : int
        Images are shifted by up to so many pixels.
    flip : bool
        Half of them are mirrored.
    fused : bool
        The first convolution, its normalisation, ReLU and pooling go through in one pass (`PooledStage`): the
        same network up to rounding, in less time and memory where the layer is wide.
    seed : int
    """

    epochs: int = 25
    again: int = 0
    batch: int = 128
    parts: int = 1
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4
    smoothing: float = 0.0
    validation: int = 5000
    shift: int = 4
    flip: bool = True
    fused: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check_steps(self, least=2)
        for name in ("again", "shift", "validation"):
            whole_number(getattr(self, name), name, low=0)
        for name in ("momentum", "decay", "smoothing"):
            real_number(getattr(self, name), name, low=0)

    @property
    def total(self) -> int:
        """Epochs of both cycles."""
        return self.epochs + self.again


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
        _check_steps(self, least=1)
        whole_number(self.side, "side", low=1)
        whole_number(self.crop, "crop", low=1, high=self.side)


def _check_steps(settings: Settings | DecoderSettings, least: int) -> None:
    """What both have: epochs, batches of `least` at least that parts share evenly, a rate, a seed."""
    whole_number(settings.epochs, "epochs", low=1)
    whole_number(settings.batch, "batch", low=least)
    whole_number(settings.parts, "parts", low=1)
    if settings.batch % settings.parts:
        raise ValueError(f"parts = {settings.parts} must divide batch = {settings.batch}")
    real_number(settings.rate, "rate", low=0)
    whole_number(settings.seed, "seed", low=0)
