import json

import matplotlib.pyplot as plt
import pytest

from cnninv.cli import main
from cnninv.experiments import EXPERIMENTS, Experiment, Outcome, row
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
