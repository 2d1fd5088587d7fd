import json
from dataclasses import replace

import matplotlib.pyplot as plt
import pytest

from cnninv.cli import main
from cnninv.experiments import EXPERIMENTS, Experiment, Outcome, row, runner
from cnninv.experiments.runner import run_experiment

KEYS = ["experiment", "paper_item", "scale", "seed", "device", "versions", "seconds", "rows"]


def an_experiment(run) -> Experiment:
    return Experiment("tiny", "Figure 0", "a test", run)


def draw(context) -> Outcome:
    number = float(context.streams(1)[0].random())
    return Outcome([row("0 number", "none", None, number)], plt.figure(figsize=(1, 1)))


def test_a_run_writes_its_numbers_and_its_figure(tmp_path):
    result = run_experiment(an_experiment(draw), tmp_path, seed=5)
    stored = json.loads((tmp_path / "tiny.json").read_text())
    assert list(stored) == KEYS
    assert stored == json.loads(json.dumps(result))
    assert (tmp_path / "tiny.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_numbers(tmp_path):
    first = run_experiment(an_experiment(draw), tmp_path, seed=5)["rows"]
    assert run_experiment(an_experiment(draw), tmp_path, seed=5)["rows"] == first
    assert run_experiment(an_experiment(draw), tmp_path, seed=6)["rows"] != first


def test_an_interrupted_run_leaves_the_last_good_result(tmp_path):
    run_experiment(an_experiment(draw), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(context):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(an_experiment(interrupted), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_run_that_is_begun_anew_computes_only_what_was_missing(tmp_path):
    computed = []

    def task(number):
        if len(computed) == 3:
            raise KeyboardInterrupt
        computed.append(number)
        return number / 3

    def sweep(context):
        numbers = context.sweep(task, range(20), "tiny")
        return Outcome([row("0 number", "none", None, numbers)], plt.figure(figsize=(1, 1)))

    with pytest.raises(KeyboardInterrupt):
        run_experiment(an_experiment(sweep), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.parts"]
    computed[:] = []
    with pytest.raises(KeyboardInterrupt):
        run_experiment(an_experiment(sweep), tmp_path, seed=1)  # other numbers, other parts
    assert computed == [0, 1, 2]
    computed[:] = ["so that none stops"] * 4
    result = run_experiment(an_experiment(sweep), tmp_path)
    assert computed[4:] == list(range(3, 20))
    assert result["rows"][0]["ours"] == pytest.approx(sum(range(20)) / 60)
    # the result is written: its parts are gone, those of the other seed are not
    assert (tmp_path / "tiny.json").is_file()
    assert len(list((tmp_path / "tiny.parts").iterdir())) == 1
    run_experiment(an_experiment(sweep), tmp_path, seed=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.json", "tiny.png"]


def test_photographs_that_change_are_other_settings(tmp_path):
    (data := tmp_path / "data").mkdir()
    (data / "a.jpg").write_bytes(b"1")
    before = runner._listing(str(data))
    assert runner._listing(str(data)) == before
    (data / "a.jpg").write_bytes(b"12")
    assert runner._listing(str(data)) != before


def test_the_result_names_the_device_that_ran(tmp_path, monkeypatch):
    seen = []

    def look(context):
        seen.append(context.device)
        return draw(context)

    monkeypatch.setattr(runner, "select", lambda device: {"auto": "cuda"}.get(device, device))
    monkeypatch.setattr(runner, "device_versions", lambda device: {})
    for gpu, device, expected in (
        (True, "auto", "cuda"),
        (True, "cpu", "cpu"),
        (False, "cuda", "cpu"),
    ):
        experiment = replace(an_experiment(look), gpu=gpu)
        assert run_experiment(experiment, tmp_path, device=device)["device"] == expected
        assert seen[-1] == expected


def test_figure_1_has_the_rows_and_columns_of_section_2_2(tmp_path, capsys):
    assert main(["run", "fig1", "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "fig1.json").read_text())["rows"]
    assert {row["verdict"] for row in rows} == {"reproduced", "measured"}
    report = (tmp_path / "report.html").read_text()
    assert "Figure 1" in report
    assert "fig1.png" in report
    assert f"report: {tmp_path / 'report.html'}" in capsys.readouterr().out


def test_every_experiment_names_its_item_and_what_it_needs():
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.paper_item
        assert experiment.needs
