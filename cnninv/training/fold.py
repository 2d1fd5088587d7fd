"""Batch normalisation folded into the convolutions: what is left is h = W x + b, as the theory wants it."""

from pathlib import Path

import numpy as np

from cnninv.backend import to_host
from cnninv.batchnorm import batch_norm_matrix
from cnninv.files import data_folder
from cnninv.networks import Network
from cnninv.preprocessing import Preprocessing
from cnninv.readers import read_safetensors
from cnninv.safetensors import write_safetensors
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.trained import Trained
from cnninv.weights import Weights

CLASSIFIER = ("classifier.weight", "classifier.bias")


def fold(trained: Trained) -> Network:
    """The network that a trained model is in evaluation, with plain convolutions.

    Of A(Wx) + c, with the diagonal A and the shift c of `batch_norm_matrix`, AW is the matrix of the filters
    times their entries of A, and c the bias.
    """
    architecture = trained.model.plan.architecture
    filters, biases = {}, {}
    for name in architecture.shapes:
        w = to_host(trained.model.layers[name].filters)
        filters[name], biases[name] = folded(w, trained.model.layers[f"{name}.norm"])
    preprocessing = Preprocessing(architecture.crop, trained.mean, trained.deviation)
    return Network(Weights(architecture, filters, biases, preprocessing, "training"))


def folded(filters: np.ndarray, norm: BatchNormalisation) -> tuple[np.ndarray, np.ndarray]:
    """Filters and biases of a convolution and the normalisation behind it, in evaluation, in float32."""
    w = filters.astype(np.float64)
    learned = {key: to_host(value) for key, value in (norm.parameters | norm.fixed).items()}
    A, c = batch_norm_matrix(**learned, n=1, eps=norm.eps)
    return (A @ w.reshape(len(w), -1)).reshape(w.shape).astype(np.float32), c.astype(np.float32)


def export(trained: Trained, path: str | Path) -> None:
    """Write the folded network and its classifier to a `.safetensors` file that `load_network` reads."""
    network, classifier = fold(trained), trained.model.layers["classifier"].parameters
    arrays = {}
    for name in network.convolutions:
        arrays[f"{name}.weight"] = network.filters(name)
        arrays[f"{name}.bias"] = network.bias(name)
    for name, key in zip(CLASSIFIER, ("weights", "bias"), strict=True):
        arrays[name] = to_host(classifier[key])
    arrays |= {"mean_RGB": trained.mean, "deviation_RGB": trained.deviation}
    write_safetensors(path, arrays, {"architecture": network.architecture.name})


def read_classifier(path: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(V, b) of the classifier in a file that `export` wrote: logits are V f + b for the last features f.

    Parameters
    ----------
    path : path, optional
        The shipped vgg16-quarter if not given.

    Returns
    -------
    V : ndarray, shape (classes, features)
    b : ndarray, shape (classes,)

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it has no classifier.
    """
    path = data_folder() / "vgg16-quarter.safetensors" if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path = {str(path)!r}: no such file")
    entries = read_safetensors(path).entries
    if not set(CLASSIFIER) <= set(entries):
        raise ValueError(f"path = {str(path)!r} has no {' and '.join(CLASSIFIER)}")
    V, b = (entries[name].read() for name in CLASSIFIER)
    if V.ndim != 2 or b.shape != V.shape[:1] or not np.isfinite(V).all():
        raise ValueError(f"path = {str(path)!r}: the classifier has shapes {V.shape} and {b.shape}")
    return V, b


def classify(
    network: Network, classifier: tuple[np.ndarray, np.ndarray], images: np.ndarray
) -> np.ndarray:
    """Logits of images by the folded network.

    Parameters
    ----------
    network : Network
    classifier : (V, b)
        As `read_classifier` returns it.
    images : ndarray of uint8, shape (batch, 3, height, width)

    Returns
    -------
    ndarray, shape (batch, classes)
    """
    (V, b), last = classifier, network.layers[-1]
    logits = []
    for part in np.split(images, range(500, len(images), 500)):
        features = network.activations(part.astype(np.float32) / 255, last)[last]
        logits.append(features.reshape(len(part), -1) @ V.T + b)
    return np.concatenate(logits)
