"""Rewrite the statement table of the README from the code: `make statements`."""

from pathlib import Path

from cnninv.statement_table import ROOT, markdown, statement_table

BEGIN, END = "<!-- statements: written by `make statements` -->", "<!-- end of statements -->"


def with_table(text: str) -> str:
    """The README's text with the table between its two marks made anew."""
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError(f"README.md has no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n\n{markdown(statement_table())}\n\n{END}{tail}"


if __name__ == "__main__":
    readme = Path(ROOT / "README.md")
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
