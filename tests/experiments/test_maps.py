import numpy as np
import pytest
from PIL import Image

from cnninv.experiments import EXPERIMENTS, Context, maps
from cnninv.random_networks import random_network


def test_crowding_is_that_counted_by_hand(rng):
    h = np.maximum(rng.standard_normal((3, 5, 6)), 0)
    counts, kept, energy = [], 0.0, 0.0
    for channel in h:
        for i in (0, 2):  # the fifth row is left out
            for j in (0, 2, 4):
                region = channel[i : i + 2, j : j + 2]
                counts.append(np.count_nonzero(region))
                kept += region.max() ** 2
                energy += (region**2).sum()
    found = maps.crowding(h)
    several, some = (sum(count > least for count in counts) for least in (1, 0))
    assert found["more than one"] == pytest.approx(100 * several / some)
    assert found["energy kept"] == pytest.approx(100 * kept / energy)


def test_one_entry_a_region_loses_nothing():
    h = np.zeros((2, 4, 4))
    h[0, 1, 2] = h[1, 3, 0] = 5.0
    assert maps.crowding(h) == {"more than one": 0.0, "energy kept": 100.0}
    assert maps.crowding(np.zeros((2, 4, 4))) == {"more than one": 0.0, "energy kept": 0.0}


def test_varied_channels_are_not_copies_of_each_other(rng):
    first, second = rng.random((2, 1, 6, 6))
    h = np.concatenate([3 * first, 2 * first, second, 0 * first])
    assert maps.varied(h, 2) == [0, 2]
    assert sorted(maps.varied(h, 9)) == [0, 1, 2, 3]


def test_without_weights_the_rows_are_those_of_random_filters():
    outcome = EXPERIMENTS["maps"].run(Context("quick", 0))
    assert all(row.quantity.endswith(" random") and row.spread for row in outcome.rows)
    assert len(outcome.rows) == 2 * 4
    crowded = [row.ours for row in outcome.rows if "more than one" in row.quantity]
    assert min(crowded) > 85


def test_a_folder_gives_rows_for_the_layers_that_are_there(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(maps, "_random", lambda context: [])
    random_network("vgg16", rng, last="conv1_1").save(tmp_path / "vgg16.npz")
    pixels = np.uint8(255 * rng.random((224, 224, 3)))
    for i in range(20):
        Image.fromarray(pixels).save(tmp_path / f"{i:02}.png")
    rows = EXPERIMENTS["maps"].run(Context("quick", 0, data=str(tmp_path))).rows
    assert [row.quantity for row in rows] == [
        "§4.4 more than one, c(1,1) learned",
        "§4.4 energy kept, c(1,1) learned",
    ]
    (tmp_path / "00.png").unlink()
    assert not EXPERIMENTS["maps"].run(Context("quick", 0, data=str(tmp_path))).rows


@pytest.mark.shared
def test_vggs_regions_have_more_than_one_entry(shared_data):
    network = maps.loaded(str(shared_data), "vgg16")
    h = network.activations(maps.portrait(), ["relu1_2", "relu3_3"])
    early, late = (maps.crowding(h[layer]) for layer in ("relu1_2", "relu3_3"))
    assert early["more than one"] > 85 > late["more than one"] > 65
    assert 25 < early["energy kept"] < late["energy kept"] < 60
