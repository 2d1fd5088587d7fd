"""Small files of weights in every form, for the tests of the readers."""

import numpy as np
import scipy.io

from cnninv.architectures import ALEXNET, VGG16, Conv, MaxPool, Normalization, ReLU

VGG_MEAN_IMAGE = np.broadcast_to(np.array([123.68, 116.779, 103.939]), (224, 224, 3))


def arrays(architecture=VGG16, last="conv1_2", seed=0):
    """Random filters and biases of the first convolutions, named as in `.npz` files."""
    rng, named = np.random.default_rng(seed), {}
    for layer, shape in architecture.upto(last).shapes.items():
        named[f"{layer}_W"] = rng.standard_normal(shape).astype(np.float32)
        named[f"{layer}_b"] = rng.standard_normal(shape[0]).astype(np.float32)
    return named


def torchvision(named):
    """The same under torchvision's names."""
    indices = {layer.name: i for i, layer in enumerate(VGG16.layers)}
    kinds = {"W": "weight", "b": "bias"}
    return {
        f"features.{indices[name[:-2]]}.{kinds[name[-1]]}": array for name, array in named.items()
    }


def simple_nn(named, architecture=VGG16, last="conv1_2", old=False):
    """Structs as MatConvNet has them: filters (l1, l2, M, K), each layer with its type and parameters."""
    layers = []
    for layer in architecture.upto(last).layers:
        if isinstance(layer, Conv):
            filters = named[f"{layer.name}_W"].transpose(2, 3, 1, 0)
            biases = named[f"{layer.name}_b"][None]
            struct = {"type": "conv", "stride": [float(layer.stride)] * 2}
            struct["pad"] = np.full((1, 4), layer.padding, np.uint8)
            if old:
                struct |= {"filters": filters, "biases": biases}
            else:
                struct["weights"] = cell([filters, biases])
        elif isinstance(layer, ReLU):
            struct = {"type": "relu"}
        elif isinstance(layer, MaxPool):
            pool = {"pool": [float(layer.size)] * 2, "stride": float(layer.stride)}
            struct = {"type": "pool", "method": "max", "pad": [0.0, 1.0, 0.0, 1.0], **pool}
        elif isinstance(layer, Normalization):
            param = [layer.size, layer.k, layer.alpha / layer.size, layer.beta]
            struct = {"type": "normalize", "param": param}
        layers.append({"name": layer.name, **struct})
    return layers


def cell(items):
    """A cell array of one row."""
    row = np.empty((1, len(items)), dtype=object)
    for i, item in enumerate(items):
        row[0, i] = item
    return row


def save_mat(path, layers, mean=VGG_MEAN_IMAGE, compress=True, wrap=False, **more):
    """A `.mat` file of a SimpleNN."""
    content = {"layers": cell(layers), **more}
    if mean is not None:
        content["meta"] = {"normalization": {"averageImage": np.asarray(mean, np.float32)}}
    content = {"net": content} if wrap else content
    scipy.io.savemat(path, content, do_compression=compress)


__all__ = ["ALEXNET", "VGG16", "arrays", "cell", "save_mat", "simple_nn", "torchvision"]
