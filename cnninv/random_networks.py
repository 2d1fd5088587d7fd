"""Networks of random filters, of the sizes that real ones have (Gilbert 2017, §4.3, Tables 3 and 6)."""

import numpy as np

from cnninv.architectures import ARCHITECTURES, VGG_MEAN, plain_name
from cnninv.filters import random_filters
from cnninv.networks import Network
from cnninv.preprocessing import Preprocessing
from cnninv.validation import generator, one_of
from cnninv.weights import Weights


def random_network(architecture: str, rng: np.random.Generator, last: str | None = None) -> Network:
    """A network of Gaussian filters of an architecture's sizes (Tables 3 and 6, row "random"), no biases.

    Parameters
    ----------
    architecture : "vgg16", "alexnet" or "vgg16-quarter"
    rng : numpy.random.Generator
    last : str, optional
        The last convolution; all if not given.

    Examples
    --------
    >>> print(random_network("alexnet", np.random.default_rng(0), last="conv2"))
    AlexNet: the first 2 of 5 convolutions, to conv2, from random filters
      input: 227 × 227 middle pixels, RGB in 0 … 255, minus (123.68, 116.779, 103.939)
      conv1: 96 filters of 3 × 11 × 11, stride 4; normalisation over 5 channels; pool1 3 × 3, stride 2
      conv2: 256 filters of 48 × 5 × 5, 2 groups; normalisation over 5 channels; pool2 3 × 3, stride 2
    """
    network = ARCHITECTURES[one_of(architecture, "architecture", tuple(ARCHITECTURES))]
    if last is not None:
        network = network.upto(one_of(plain_name(last), "last", tuple(network.shapes)))
    rng = generator(rng)
    filters = {
        name: random_filters(K, M, size, rng).astype(np.float32)
        for name, (K, M, *size) in network.shapes.items()
    }
    biases = {name: np.zeros(len(values), np.float32) for name, values in filters.items()}
    mean = np.array(network.mean or VGG_MEAN)
    preprocessing = Preprocessing(network.crop, mean)
    return Network(Weights(network, filters, biases, preprocessing, "random filters"))
