"""The filters of one layer from a file: an array, or a network's."""

from pathlib import Path

import numpy as np

from cnninv.architectures import ARCHITECTURES
from cnninv.filters import check_filters
from cnninv.network_files import load_network


def load_filters(path: str | Path, layer: str | None = None) -> np.ndarray:
    """Filters from a `.npy` file, an array of a `.npz` file, or a network. Nothing is unpickled.

    Parameters
    ----------
    path : path, "vgg16" or "alexnet"
        A ``.mat`` or ``.safetensors`` file is one of a network (see `load_network`).
    layer : str, optional
        Name of the array in a `.npz` file, with or without its ``_W``; needed if it holds several of
        filter shape. Of a network: a convolution, the first one if not given.

    Returns
    -------
    filters : ndarray, shape (K, M, l1, l2)

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file or array, or it holds no filters.
    """
    path = Path(path)
    if not path.is_file() and str(path) not in ARCHITECTURES:
        raise FileNotFoundError(
            f"--filters = {str(path)!r}: no such file; expected 'random' or a file"
        )
    if str(path) in ARCHITECTURES or path.suffix.lower() in (".mat", ".safetensors"):
        network = load_network(path)
        return network.filters(layer or network.convolutions[0])
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if hasattr(loaded, "files") else {path.stem: loaded}
    except Exception:  # np.load passes on whatever a damaged file provokes, and advises unpickling
        raise ValueError(
            f"--filters = {str(path)!r} is no .npy or .npz file of numbers, nor a network's weights"
        ) from None
    filters = {name: array for name, array in arrays.items() if array.ndim == 4}
    if layer is None and len(filters) == 1:
        (layer,) = filters
    layer = f"{layer}_W" if f"{layer}_W" in filters else layer
    if layer not in filters:
        names = ", ".join(filters) or "none"
        raise ValueError(
            f"--layer = {layer!r} names no array of four axes in {path.name}; there: {names}"
        )
    return check_filters(filters[layer])
