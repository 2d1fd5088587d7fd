"""What the experiments measure, on the stand-in for a GPU: the same numbers, and arrays back in memory."""

import fakecupy
import numpy as np
import pytest

from cnninv import random_filters, random_network, sample_code
from cnninv.backend import to_device
from cnninv.experiments import (
    alike,
    coherences,
    fig2,
    inverting,
    layers,
    maps,
    model_rip,
    phase,
    pictures,
    proxy,
    reconstruction_errors,
    scaling,
    sparsities,
    switches,
    variants,
)
from cnninv.rip import model_rip_exact

FILTERS = random_filters(6, 4, (3, 3), np.random.default_rng(0))
ALEXNET = random_network("alexnet", np.random.default_rng(1))
X = np.float32(np.random.default_rng(2).random((3, 227, 227)))
SEEN = model_rip.Seen(
    FILTERS, np.float32(X.ravel()[: 4 * 36].reshape(-1, 1)), (0.1, 0.03), 1e-2, 300
)


def figure_2(device):
    z = sample_code(fig2.K, fig2.SHIFTS, 3, np.random.default_rng(0), batch=2)
    W = fig2.layer(np.random.default_rng(1))
    return list(fig2.ratios(to_device(W, device), to_device(z, device)).values())


def other_readings(device):
    found = variants.readings(ALEXNET.on(device))
    names = [
        "colours in the order BGR",
        "mean colour in place of the mean image",
        "filters flipped",
    ]
    return [variants.shares(found[name], ["sample"]) for name in names]


def table_4(device):
    inverting.subject.cache_clear()
    scene = inverting.Scene("sample", 32, 32, np.random.default_rng(0))
    return [
        found.value for found in reconstruction_errors.measure(scene, "vgg16-quarter", None, device)
    ]


def photograph(measure, *arguments, **options):
    """Numbers of one small photograph by an experiment of inverted codes."""

    def on(device):
        inverting.subject.cache_clear()
        layers._network.cache_clear()
        scene = inverting.Scene("sample", 16, 16, np.random.default_rng(0))
        return list(measure(scene, *arguments, **options, device=device).values())

    return on


MEASURED = {
    "alike": lambda device: list(alike.measures(to_device(FILTERS, device), groups=2).values()),
    "coherences": lambda device: coherences.layer_coherence(
        to_device(FILTERS, device), 2, shifts=True
    ),
    "fig2": figure_2,
    "layers": photograph(layers._of_one, ["pool1"], (1, 3), 1),
    "switches": photograph(switches._of_one, "vgg16-quarter", ["pool1", "pool2"], None),
    "maps": lambda device: [
        list(maps.crowding(h).values())
        for h in ALEXNET.on(device).forward(to_device(X, device), ["relu1", "relu2"]).values()
    ],
    "model_rip, drawn": lambda device: [
        list(found.values())
        for found in model_rip.draw_codes(
            model_rip.Drawing((6, 6), 2, np.random.default_rng(0)), device
        ).values()
    ],
    "model_rip, searched": lambda device: model_rip.search_codes(
        model_rip.Drawing((6, 6), 1, np.random.default_rng(0)), device
    ),
    "model_rip, recovered": lambda device: [
        [path[name] for name in ("ratio", "error", "share")]
        for path in model_rip.recover(SEEN, device)
    ],
    "phase": lambda device: phase.recover(
        2, 16, np.random.default_rng(0), K=6, D=9, codes=3, iterations=8, device=device
    ),
    "proxy": lambda device: list(
        proxy.bounds(to_device(FILTERS, device), 3, np.random.default_rng(0)).values()
    ),
    "scaling": lambda device: model_rip_exact(
        scaling.spread_layer(3, 2, 4, 20, 5, np.random.default_rng(0), device), 3, 2
    ),
    "sparsities": lambda device: sparsities._shares_of_one(
        ALEXNET.on(device), ["relu1", "pool5"], "sample", device
    ),
    "table4": table_4,
    "pictures": lambda device: [
        [way.activation_error, way.error, way.psnr, way.ssim]
        for way in pictures.ways_back(
            ("pool2", "sample", np.random.default_rng(0)), None, device, 32
        )
    ],
    "variants": other_readings,
}


@pytest.mark.parametrize("what", MEASURED)
def test_experiments_measure_the_same_on_the_device(what, monkeypatch):
    here = MEASURED[what]("cpu")
    fakecupy.install(monkeypatch)
    there = MEASURED[what]("cuda")
    _compare(there, here)


def _compare(there, here):
    if isinstance(here, (list, tuple)):
        for one, other in zip(there, here, strict=True):
            _compare(one, other)
        return
    if isinstance(there, fakecupy.ndarray):
        there = there.get()
    np.testing.assert_allclose(there, here, rtol=1e-6, atol=1e-7)
