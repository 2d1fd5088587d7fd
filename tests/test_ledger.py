import json

import pytest

from cnninv.cli import main
from cnninv.ledger import format_ledger, ledger, recorded_runs


@pytest.fixture
def book(tmp_path):
    (tmp_path / "recorded").mkdir()
    printed = [
        {"quantity": "Table 3 (1,1) learned", "paper": 0.943, "needs": "the weights"},
        {"quantity": "2(c)", "paper": [0.1, 0.2], "needs": "cnninv run fig2"},
    ]
    (tmp_path / "paper.json").write_text(json.dumps(printed))
    return tmp_path


def record(book, *rows):
    result = {"experiment": "fig2", "scale": "paper", "seed": 0, "rows": list(rows)}
    result |= {"seconds": 95.1, "device": "cpu"}
    (book / "recorded" / "fig2.json").write_text(json.dumps(result))


def a_row(quantity, ours, verdict):
    row = {"quantity": quantity, "convention": "c", "paper": [0.1, 0.2], "ours": ours}
    return row | {"spread": [ours, ours], "verdict": verdict}


def test_a_printed_number_without_a_result_is_not_run_and_says_what_it_takes(book):
    line = ledger(book)[0]
    assert (line.verdict, line.ours, line.reason) == ("not run", None, "the weights")


def test_every_convention_of_a_printed_number_is_a_line(book):
    record(book, a_row("2(c) known", 0.31, "differs"), a_row("2(c) squared", 0.1, "reproduced"))
    lines = ledger(book)
    assert [line.verdict for line in lines] == ["not run", "differs", "reproduced"]
    assert lines[1].command == "cnninv run fig2 --scale paper --seed 0"
    assert "3 lines: 1 not run, 1 differs, 1 reproduced" in format_ledger(lines, [])


def test_the_ledger_names_the_commands_the_data_that_they_need_and_their_times(book):
    record(book, a_row("2(c) known", 0.31, "differs"))
    path = book / "recorded" / "fig2.json"

    def printed():
        return format_ledger(ledger(book), recorded_runs(book))

    assert "\n  cnninv run fig2 --scale paper --seed 0  95 s, cpu\n" in printed()
    more = {"data": True, "seconds": 4464, "device": "cuda", "workers": 2}
    path.write_text(json.dumps(json.loads(path.read_text()) | more))
    assert "--seed 0 --data DIR  1 h 14 min, cuda, 2 workers\n" in printed()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"workers": 1}))
    assert "1 h 14 min, cuda\n" in printed()


def test_recorded_runs_are_those_of_the_book_the_shortest_first():
    runs = recorded_runs()
    assert {"fig1", "phase", "fig2", "table3"} <= {run.experiment for run in runs}
    assert [run.seconds for run in runs] == sorted(run.seconds for run in runs)


def test_the_book_lists_every_number_of_the_tables():
    quantities = [line.quantity for line in ledger()]
    counts = {
        "Table 1": 6,
        "Table 2": 18,
        "Table 3": 26,
        "Table 4": 24,
        "Table 6": 10,
        "Table 7": 8,
    }
    for table, count in counts.items():
        assert sum(q.startswith(table) for q in quantities) >= count, table


def test_the_command_prints_the_ledger(capsys):
    assert main(["ledger"]) == 0
    assert "2(c) ‖x̂−x‖/‖x‖" in capsys.readouterr().out
