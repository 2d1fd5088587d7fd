"""Filters of one layer: from arrays, from networks, and nothing that must be unpickled."""

import numpy as np
import pytest
from weightfiles import arrays, save_mat, simple_nn

from cnninv.filter_files import load_filters


def test_filters_are_read_from_npy_and_npz(tmp_path, rng):
    filters = rng.standard_normal((4, 3, 3, 3))
    np.save(tmp_path / "f.npy", filters)
    np.savez(tmp_path / "f.npz", conv1_W=filters, conv1_b=np.zeros(4), conv2_W=filters * 2)
    assert np.array_equal(load_filters(tmp_path / "f.npy"), filters)
    assert np.array_equal(load_filters(tmp_path / "f.npz", "conv2_W"), filters * 2)
    assert np.array_equal(load_filters(tmp_path / "f.npz", "conv2"), filters * 2)
    with pytest.raises(ValueError, match=r"--layer = None names no array .* conv1_W, conv2_W"):
        load_filters(tmp_path / "f.npz")


def test_filters_are_read_from_networks(tmp_path, monkeypatch):
    named = arrays()
    save_mat(tmp_path / "vgg.mat", simple_nn(named))
    assert np.array_equal(load_filters(tmp_path / "vgg.mat"), named["conv1_1_W"])
    assert np.array_equal(load_filters(tmp_path / "vgg.mat", "c(1,2)"), named["conv1_2_W"])
    with pytest.raises(ValueError, match="layer = 'conv9' must be one of 'conv1_1', 'conv1_2'"):
        load_filters(tmp_path / "vgg.mat", "conv9")
    monkeypatch.setenv("CNNINV_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="run `cnninv data fetch vgg16`"):
        load_filters("vgg16")


def test_nothing_is_unpickled(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (print, ("executed",))

    np.save(tmp_path / "hostile.npy", np.array([Hostile()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"hostile\.npy.* is no \.npy or \.npz file of numbers"):
        load_filters(tmp_path / "hostile.npy")
