"""Rewrite the generated tables of the README: `make readme`."""

import json

from cnninv.files import data_folder
from cnninv.ledger import number
from cnninv.statement_table import ROOT, markdown, statement_table

README = ROOT / "README.md"


def figure_2() -> str:
    """The recorded rows of Figure 2 as Markdown."""
    recorded = json.loads((data_folder() / "recorded" / "fig2.json").read_text(encoding="utf-8"))
    lines = ["| Figure 2, at its own size | paper | ours (98 % spread) | |", "|---|---|---|---|"]
    for row in recorded["rows"]:
        if row["paper"] is not None:
            ours = f"{row['ours']:.3g} ({number(row['spread'])})"
            quantity = row["quantity"].replace("|", "\\|")
            lines.append(f"| {quantity} | {number(row['paper'])} | {ours} | {row['verdict']} |")
    return "\n".join(lines)


TABLES = {"statements": lambda: markdown(statement_table()), "figure 2": figure_2}


def with_tables(text: str) -> str:
    """The README's text with each table between its two marks made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: written by `make readme` -->", f"<!-- end of {name} -->"
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"README.md has no {begin} … {end}")
        text = f"{head}{begin}\n\n{table()}\n\n{end}{tail}"
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
