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


def ledger(folder: Path | None = None) -> list[Line]:
    """All lines, in the order of the paper.

    Parameters
    ----------
    folder : pathlib.Path, optional
        In place of the book's `data/`.
    """
    folder = folder or data_folder()
    recorded = [read_json(path) for path in sorted((folder / "recorded").glob("*.json"))]
    lines = []
    for printed in read_json(folder / "paper.json"):
        found = [line for result in recorded for line in _matching(result, printed["quantity"])]
        lines += found or [_not_run(printed)]
    return lines


def format_ledger(lines: list[Line]) -> str:
    """The ledger as a table for the terminal, and the count of each verdict."""
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
    commands = dict.fromkeys(line.command for line in lines if line.command)
    measured = ["", "measured by", *(f"  {command}" for command in commands)] if commands else []
    return "\n".join([*text, *measured, "", f"{len(lines)} lines: {summary}"])


def number(value: Any) -> str:
    """A number or an interval, short."""
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return " … ".join(number(end) for end in value)
    return f"{value:.4g}"


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


def _matching(result: dict[str, Any], quantity: str) -> list[Line]:
    command = f"cnninv run {result['experiment']} --scale {result['scale']} --seed {result['seed']}"
    command += " --data DIR" if result.get("data") else ""
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
            command,
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
