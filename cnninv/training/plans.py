"""What can be trained, as data: the paper's networks (Gilbert 2017, Appendix C.1), and a small VGG."""

from dataclasses import dataclass

from cnninv.architectures import VGG16_QUARTER, Architecture, Conv, Layer, MaxPool, ReLU
from cnninv.validation import one_of, whole_number

FILTERS = ("random", "learned")


@dataclass(frozen=True)
class Plan:
    """Convolutions, each followed by batch normalisation; then averages, dropout and softmax.

    Attributes
    ----------
    architecture : Architecture
    filters : "random" or "learned"
        Random filters stay as drawn; all else is learned.
    average : int
        Window of the average pooling on top; 1 for none.
    dropout : float
        Of the features that the classifier sees.
    classes : int
    """

    architecture: Architecture
    filters: str = "learned"
    average: int = 1
    dropout: float = 0.0
    classes: int = 10


def paper_plan(
    layers: int,
    filters: str,
    width: int | None = None,
    size: int | None = None,
    side: int = 32,
) -> Plan:
    """One of the six networks of Tables 1 and 5, with averages down to 4 × 4 on top.

    Parameters
    ----------
    layers : 1, 2 or 3
    filters : "random" or "learned"
    width : int, optional
        K of the first convolution, the others in proportion; as in Table 5 if not given.
    size : 3, 5 or 7, optional
        Of the filters; 3 if not given, 5 for one layer (Table 5's one-layer size is illegible: 3 or 5).
    side : int
        Height and width of the images; a multiple of 2**layers.

    Examples
    --------
    >>> paper_plan(3, "random").architecture.shapes["conv3"]
    (1024, 2048, 3, 3)
    """
    layers = _among(layers, "layers", (1, 2, 3))
    one_of(filters, "filters", FILTERS)
    full = {"random": (2048, 2048, 1024), "learned": (1024, 1024, 1024)}[filters]
    width = full[0] if width is None else whole_number(width, "width", low=2)
    size = (5 if layers == 1 else 3) if size is None else _among(size, "size", (3, 5, 7))
    if whole_number(side, "side", low=2) % 2**layers:
        raise ValueError(f"side = {side} must be a multiple of {2**layers} for {layers} poolings")
    sequence: list[Layer] = []
    for i in range(layers):
        sequence += [
            Conv(f"conv{i + 1}", full[i] * width // full[0], size, padding=size // 2),
            ReLU(f"relu{i + 1}"),
            MaxPool(f"pool{i + 1}", 2, 2),
        ]
    name = f"paper-{layers}"
    title = f"{layers} convolutional layer{'s' if layers > 1 else ''} (Table 5)"
    architecture = Architecture(name, title, tuple(sequence), crop=side)
    # 32 → 16 → 8 → 4 by max pooling, the rest by averages
    return Plan(architecture, filters, average=max(1, side // 2**layers // 4), dropout=0.5)


def plan(
    name: str, filters: str = "learned", width: int | None = None, size: int | None = None
) -> Plan:
    """The plan of that name: paper-1, paper-2, paper-3 or vgg16-quarter.

    Raises
    ------
    ValueError
        If there is none, or it does not take that width or size.
    """
    one_of(name, "NAME", PLANS)
    if name != "vgg16-quarter":
        return paper_plan(int(name[-1]), filters, width, size)
    for option, value in (("width", width), ("size", size)):
        if value is not None:
            raise ValueError(f"{option} = {value} is for the paper's networks; {name} has its own")
    return Plan(VGG16_QUARTER, one_of(filters, "filters", FILTERS))


def _among(value: int, name: str, allowed: tuple[int, ...]) -> int:
    if value not in allowed:
        raise ValueError(f"{name} = {value!r} must be one of {', '.join(map(str, allowed))}")
    return int(value)


PLANS = ("paper-1", "paper-2", "paper-3", "vgg16-quarter")
