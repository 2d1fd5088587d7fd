"""The table of switches and values: rows for all kinds, and what must come out whatever the weights."""

import numpy as np
import pytest

from cnninv.encoding import encode
from cnninv.experiments import EXPERIMENTS, Context, switches
from cnninv.experiments.inverting import Scene, subject


@pytest.fixture
def at():
    return subject("vgg16-quarter", None, "cpu")


def test_correlation_is_blind_to_brightness_and_contrast(rng):
    x = rng.random((3, 6, 5))
    assert switches.correlation(x, 0.1 * x + 0.3) == pytest.approx(1)
    assert switches.correlation(x, 1 - x) == pytest.approx(-1)
    assert switches.correlation(x, np.full_like(x, 0.3)) == 0


def test_scrambled_codes_decode_as_they_do_one_by_one(at, rng):
    image = rng.random((3, 16, 16))
    codes = switches.scrambled(at.network, encode(at.network, image, "pool2"), rng)
    assert len(codes) == len(switches.KINDS)
    decode = next(iter(at.decoders["pool2"].values()))
    batch = decode(switches.together(codes))
    for i in (0, 7, 19):
        assert np.allclose(batch[i], decode(codes[i])[0], atol=1e-5)


def test_switches_quick_has_a_row_for_each_kind(monkeypatch, rng):
    drawn = [Scene("sample", 64, 16, stream, drawn=True) for stream in rng.spawn(20)]
    monkeypatch.setattr(switches, "scenes", lambda context, name: (drawn, "20 crops, 16 × 16"))
    monkeypatch.setattr(switches, "_fits", lambda at, layer, scene: layer == "pool1")
    monkeypatch.setattr(switches, "SIZE", 32)
    outcome = EXPERIMENTS["switches"].run(Context("quick", 0))
    per_decoder = len(switches.KINDS) * len(switches.MEASURES)
    assert (len(outcome.rows) - len(switches.MEASURES)) % per_decoder == 0
    assert all(row.verdict == "measured" and row.spread for row in outcome.rows)
    ours = {(row.quantity, row.convention): row.ours for row in outcome.rows}
    for (quantity, convention), value in ours.items():
        if "correlation, pool(1), known switches, exact" in quantity:
            other = quantity.replace("known", "random").replace("exact", "random")
            assert value > ours[other, convention]
    again = EXPERIMENTS["switches"].run(Context("quick", 0))
    assert [row.ours for row in again.rows] == [row.ours for row in outcome.rows]
