"""The ledger: every number that the paper prints beside ours, with a verdict.

`data/paper.json` lists what the paper prints, `data/recorded/*.json` what was measured. A printed number
whose label begins no recorded row is *not run*, and the ledger says what it would take.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnninv.files import data_folder, read_json


@dataclass(frozen=True)
class Line:
    """One line of the ledger."""

    quantity: str
    convention: str
    paper: Any
    ours: float | None
    spread: tuple[float, float] | None
    scale: str
    verdict: str
    reason: str
    command: str


@dataclass(frozen=True)
class Run:
    """One recorded run of an experiment, and what it took."""

    experiment: str
    command: str
    seconds: float
    device: str
    workers: int | None
    """Processes, if it was told how many."""

    @property
    def time(self) -> str:
        """Its time and where it ran, in words."""
        many = f", {self.workers} workers" if (self.workers or 1) > 1 else ""
        return f"{duration(self.seconds)}, {self.device}{many}"


def recorded_runs(folder: Path | None = None) -> list[Run]:
    """What was recorded, the shortest run first.

    Parameters
    ----------
    folder : pathlib.Path, optional
        In place of the book's `data/`.
    """
    runs = [
        Run(
            result["experiment"],
            _command(result),
            result["seconds"],
            result["device"],
            result.get("workers"),
        )
        for result in _recorded(folder or data_folder())
    ]
    return sorted(runs, key=lambda run: run.seconds)


def _recorded(folder: Path) -> list[dict[str, Any]]:
    return [read_json(path) for path in sorted((folder / "recorded").glob("*.json"))]


def ledger(folder: Path | None = None) -> list[Line]:
    """All lines, in the order of the paper.

    Parameters
    ----------
    folder : pathlib.Path, optional
        In place of the book's `data/`.
    """
    folder = folder or data_folder()
    recorded = _recorded(folder)
    lines = []
    for printed in read_json(folder / "paper.json"):
        found = [line for result in recorded for line in _matching(result, printed["quantity"])]
        lines += found or [_not_run(printed)]
    return lines


def format_ledger(lines: list[Line], runs: list[Run]) -> str:
    """The ledger as a table for the terminal, the recorded runs with their times, the count of each verdict."""
    header = ("quantity", "convention", "paper", "ours", "98 % spread", "scale", "verdict")
    rows = [
        (
            line.quantity,
            line.convention,
            number(line.paper),
            number(line.ours),
            number(line.spread),
            line.scale,
            line.verdict + (f": {line.reason}" if line.reason else ""),
        )
        for line in lines
    ]
    limits = (46, 44, 11, 9, 16, 6, 200)
    widths = [
        min(limit, max(_width(row[i]) for row in [header, *rows])) for i, limit in enumerate(limits)
    ]
    text = [_columns(row, widths) for row in [header, *rows]]
    counts = Counter(line.verdict for line in lines)
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    width = max((len(run.command) for run in runs), default=0)
    measured = [f"  {run.command:{width}}  {run.time}" for run in runs]
    measured = ["", "measured by", *measured] if runs else []
    return "\n".join([*text, *measured, "", f"{len(lines)} lines: {summary}"])


def number(value: Any) -> str:
    """A number or an interval, short."""
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return " … ".join(number(end) for end in value)
    return f"{value:.4g}"


def duration(seconds: float) -> str:
    """A time in the units that a reader would take.

    Examples
    --------
    >>> duration(0.28), duration(95.1), duration(1112), duration(4464)
    ('0.3 s', '95 s', '19 min', '1 h 14 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _columns(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell if _width(cell) <= width else cell[: width - 1] + "…"
        for cell, width in zip(row, widths, strict=True)
    ]
    padded = [
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: the hat of ẑ takes none."""
    return sum(not unicodedata.combining(letter) for letter in text)


def _command(result: dict[str, Any]) -> str:
    command = f"cnninv run {result['experiment']} --scale {result['scale']} --seed {result['seed']}"
    return command + (" --data DIR" if result.get("data") else "")


def _matching(result: dict[str, Any], quantity: str) -> list[Line]:
    return [
        Line(
            row["quantity"],
            row["convention"],
            row["paper"],
            row["ours"],
            row["spread"],
            result["scale"],
            row["verdict"],
            row.get("reason", ""),
            _command(result),
        )
        for row in result["rows"]
        if row["quantity"].startswith(quantity)
    ]


def _not_run(printed: dict[str, Any]) -> Line:
    return Line(
        printed["quantity"],
        "",
        printed["paper"],
        None,
        None,
        "",
        "not run",
        printed["needs"],
        "",
    )
