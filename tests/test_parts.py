"""Parts: what comes back is what was kept, bit for bit, and nothing that another run made."""

import json

import numpy as np
import pytest

from cnninv import parts as module
from cnninv.experiments import Row
from cnninv.parts import MISSING, Parts, pack, parts_beside, unpack


def test_a_part_comes_back_bit_for_bit():
    value = {
        "rates": np.array([0.1, np.nan, -0.0]),
        "pair": (1, 0.1 + 0.2, None, True, "ẑ"),
        "list": [np.float32(0.1), np.arange(3), np.array(2.0)],
        3: {},
    }
    again = unpack(pack(value))
    assert list(again) == list(value)
    assert again["rates"].tobytes() == value["rates"].tobytes()
    assert again["pair"] == value["pair"]
    assert type(again["list"][0]) is np.float32
    assert again["list"][2].shape == ()
    assert again[3] == {}


def test_a_dataclass_of_the_package_comes_back():
    value = Row("2(a)", "none", (0.1, 0.2), 0.15, None, "reproduced")
    assert unpack(pack([value])) == [value]


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), [lambda: 0]])
def test_what_cannot_be_kept_is_refused(value):
    with pytest.raises(TypeError, match=r"a task returned a .*; expected numbers, text, arrays"):
        pack(value)


def test_a_part_from_elsewhere_runs_no_code():
    text = json.dumps(["dataclass", ["os", "system", ["dict", []]]])
    with pytest.raises(ValueError, match="is no dataclass of cnninv"):
        module._value(json.loads(text), {})


def test_a_damaged_part_is_no_part(tmp_path):
    parts = Parts(tmp_path / "p", {}).of("a sweep")
    parts.keep(0, 1.5)
    assert parts.read(0) == 1.5
    assert parts.read(1) is MISSING
    (file,) = (tmp_path / "p").glob("*/0.npz")
    whole = file.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2], whole[:-30]):
        file.write_bytes(content)
        assert parts.read(0) is MISSING


def test_other_settings_have_other_parts(tmp_path):
    one, other = (parts_beside(tmp_path, "fig2", {"seed": seed}) for seed in (0, 1))
    one.keep(0, "of seed 0")
    assert other.read(0) is MISSING
    assert parts_beside(tmp_path, "fig2", {"seed": 0}).read(0) == "of seed 0"
    assert one.of("a").read(0) is MISSING


def test_sweeps_of_one_run_have_names_of_their_own(tmp_path):
    parts = Parts(tmp_path, {})
    parts.of("phase, step 1")
    with pytest.raises(ValueError, match="two sweeps are called 'phase: step 1'"):
        parts.of("phase: step 1")


def test_parts_of_other_code_are_deleted(tmp_path, monkeypatch):
    parts_beside(tmp_path, "fig2", {}).keep(0, 1)
    monkeypatch.setattr(module, "code", lambda: "changed")
    assert parts_beside(tmp_path, "fig2", {}).read(0) is MISSING
    assert list((tmp_path / "fig2.parts").iterdir()) == []


def test_dropped_parts_leave_those_of_other_settings(tmp_path):
    one, other = (parts_beside(tmp_path, "fig2", {"seed": seed}) for seed in (0, 1))
    one.keep(0, 1)
    other.keep(0, 2)
    one.drop()
    assert other.read(0) == 2
    other.drop()
    assert list(tmp_path.iterdir()) == []
    other.drop()
