"""A page with the numbers and figures of all runs in a folder."""

import html
from pathlib import Path
from typing import Any

from cnninv.files import read_json, write_whole
from cnninv.ledger import number

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ccc; }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
img { max-width: 100%; }
.differs { color: #a33c00; } .reproduced { color: #00613f; }
"""


def write_report(out: Path, titles: dict[str, str]) -> Path:
    """Write `out/report.html` from the results in `out`; returns its path.

    Parameters
    ----------
    out : pathlib.Path
    titles : dict
        Title of each experiment, by name, in the order of the page.
    """
    sections = [
        _section(read_json(out / f"{name}.json"), title)
        for name, title in titles.items()
        if (out / f"{name}.json").is_file()
    ]
    page = (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>cnninv: results</title>"
        f"<style>{STYLE}</style></head><body><h1>cnninv: results beside the paper's</h1>"
        "<p>Each row is one number under one convention. The spread is the central 98 % over seeds.</p>"
        + "".join(sections)
        + "</body></html>\n"
    )
    path = out / "report.html"
    write_whole(path, page)
    return path


def _section(result: dict[str, Any], title: str) -> str:
    name = html.escape(result["experiment"])
    facts = f"{result['scale']} scale, seed {result['seed']}, {result['seconds']:.0f} s"
    rows = "".join(_row(row) for row in result["rows"])
    head = "".join(
        f"<th>{h}</th>" for h in ("quantity", "convention", "paper", "ours", "spread", "verdict")
    )
    return (
        f"<h2>{html.escape(result['paper_item'])}: {html.escape(title)}</h2>"
        f"<p><code>cnninv run {name}</code>: {facts}</p>"
        f"<img src='{name}.png' alt='Figure of {name}; the table below has its numbers'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(row: dict[str, Any]) -> str:
    verdict = html.escape(row["verdict"])
    reason = f": {html.escape(row['reason'])}" if row.get("reason") else ""
    numbers = "".join(
        f"<td class='n'>{number(row[key])}</td>" for key in ("paper", "ours", "spread")
    )
    return (
        f"<tr><td>{html.escape(row['quantity'])}</td><td>{html.escape(row['convention'])}</td>"
        f"{numbers}<td class='{verdict.split()[0]}'>{verdict}{reason}</td></tr>"
    )
