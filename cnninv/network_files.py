"""Networks from their files: shipped with the book, fetched, or the reader's own."""

from pathlib import Path

from cnninv.architectures import ARCHITECTURES
from cnninv.files import data_folder
from cnninv.networks import Network
from cnninv.validation import one_of
from cnninv.weights import read_weights

SHIPPED = ("vgg16-quarter",)
"""Networks in the folder of data that comes with the book; the others are fetched."""


def load_network(
    name_or_path: str | Path, architecture: str | None = None, channels: str = "RGB"
) -> Network:
    """A network from a file of weights, one that `cnninv data fetch` has fetched, or the one that is shipped.

    Parameters
    ----------
    name_or_path : str or path
        "vgg16-quarter", which the book ships; "vgg16" or "alexnet", once fetched; or a file: MatConvNet's
        ``.mat``, ``.npz``, ``.safetensors`` (see `read_weights`).
    architecture : "vgg16", "alexnet" or "vgg16-quarter", optional
        Found by the names in the file if not given.
    channels : "RGB" or "BGR"
        The order in which the file's first filters see the colours.

    Returns
    -------
    Network
        With as many layers as the file has; its repr says how many.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds no such network.
    """
    if architecture is not None:
        architecture = ARCHITECTURES[one_of(architecture, "architecture", tuple(ARCHITECTURES))]
    if not isinstance(name_or_path, (str, Path)):
        raise TypeError(
            f"name_or_path = {name_or_path!r} must be one of {', '.join(ARCHITECTURES)}, or a path"
        )
    if str(name_or_path) in SHIPPED and not Path(name_or_path).is_file():
        path = data_folder() / f"{name_or_path}.safetensors"
        return Network(read_weights(path, ARCHITECTURES[str(name_or_path)]))
    if str(name_or_path) in ARCHITECTURES and not Path(name_or_path).is_file():
        from cnninv.datasets import fetched

        return Network(read_weights(fetched(str(name_or_path)), ARCHITECTURES[str(name_or_path)]))
    return Network(read_weights(name_or_path, architecture, channels))
