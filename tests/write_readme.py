"""Rewrite the generated tables of the README: `make readme`."""

import json

from cnninv.files import data_folder
from cnninv.ledger import number
from cnninv.statement_table import ROOT, markdown, statement_table

README = ROOT / "README.md"
NAMES = {"K": "filters", "M": "channels"}
MEMORY = ("build", "a fill of W's memory")


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


def speed() -> str:
    """The recorded benchmarks as Markdown: each beside its peer and its physical limit."""
    recorded = json.loads((data_folder() / "bench.json").read_text(encoding="utf-8"))
    lines = [
        f"On {recorded['machine']}:",
        "",
        "| | time | beside a peer | beside a limit |",
        "|---|---|---|---|",
    ]
    for row in recorded["measures"]:
        seconds, ratio, share = row["seconds"], row["ratio"], row["share"]
        time = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"
        peer = "" if ratio is None else f"{ratio:.2g} times the time of {row['peer']}"
        limit = "" if share is None else f"{share:.0%} of {row['limit']}"
        if "GFLOP/s" in row["facts"]:
            limit = f"{row['facts']['GFLOP/s']:.1f} GFLOP/s"
        cells = (cell.replace("|", "\\|") for cell in (row["operation"], time, peer, limit))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| cost grows as a power of | non-zeros | filters | channels | pixels | batch |"]
    lines.append("|---|---|---|---|---|---|")
    found = {(row["operation"], row["size"]): row for row in recorded["exponents"]}
    for operation in dict.fromkeys(row["operation"] for row in recorded["exponents"]):
        cells = (
            found.get((operation, size)) for size in ("non-zeros", "K", "M", "pixels", "batch")
        )
        shown = ["" if c is None else f"{c['exponent']:.2f} (± {c['residual']:.0%})" for c in cells]
        lines.append(f"| {operation} | {' | '.join(shown)} |")
    reasons: dict[str, list[str]] = {}
    for row in recorded["exponents"]:
        if row["reason"] and row["operation"] not in MEMORY:
            fixed = row.get("fixed share at the smallest size")
            share = "" if fixed is None else f" {fixed:.0%}"
            over = NAMES.get(row["size"], row["size"])
            form = row["operation"].removeprefix("factored, ")
            reasons.setdefault(row["reason"], []).append(f"{form} over {over}{share}")
    if reasons:
        words = "; ".join(f"{reason} ({', '.join(found)})" for reason, found in reasons.items())
        lines += [
            "",
            "Exponents below 1 are those of costs that do not start at 0, by the share of the time at the "
            f"smallest size that does not grow: {words}. A build grows as a fill of its memory does.",
        ]
    return "\n".join(lines)


TABLES = {"statements": lambda: markdown(statement_table()), "figure 2": figure_2}
if (data_folder() / "bench.json").is_file():
    TABLES["speed"] = speed


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
