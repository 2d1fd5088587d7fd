"""The table statement → function → test → chapter, generated from the code, the tests and the chapters."""

import ast
import json
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cnninv.statement import REGISTRY, Entry

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class TableRow:
    """Where one item of the paper lives."""

    label: str
    title: str
    function: str
    tests: tuple[str, ...]
    """Names of the tests that call the function."""
    chapters: tuple[str, ...]
    """Numbers of the chapters whose code calls it."""


def statement_table(root: Path = ROOT) -> list[TableRow]:
    """One row for each registered statement, in the order of the paper.

    Parameters
    ----------
    root : pathlib.Path
        A checkout: with `tests/` and `chapters/`.

    Raises
    ------
    FileNotFoundError
        If there are no tests or chapters there, as in an installed package.
    """
    import_module("cnninv.experiments")  # registers what the theory modules do not
    if not (root / "tests").is_dir() or not (root / "chapters").is_dir():
        raise FileNotFoundError(f"root = {root.name!r} has no tests/ and chapters/; use a checkout")
    tests = [test for path in sorted((root / "tests").rglob("test_*.py")) for test in _tests(path)]
    chapters = {
        path.name[:2]: _called(_code(path))
        for path in sorted((root / "chapters").glob("[0-9][0-9]_*.ipynb"))
    }
    return [
        TableRow(
            entry.label,
            entry.title,
            entry.function,
            _tests_of(entry, tests),
            tuple(number for number, called in chapters.items() if entry.function in called),
        )
        for entry in sorted(REGISTRY, key=lambda entry: _place(entry.label))
    ]


def markdown(rows: list[TableRow]) -> str:
    """The table as Markdown, with the nearest test of each row."""
    lines = ["| statement | what it says | function | test | chapter |", "|---|---|---|---|---|"]
    for row in rows:
        tests = f"`{row.tests[0]}`" if row.tests else "**none**"
        chapters = ", ".join(row.chapters) or "**none**"
        lines.append(f"| {row.label} | {row.title} | `{row.function}` | {tests} | {chapters} |")
    return "\n".join(lines)


def _tests_of(entry: Entry, tests: list[tuple[str, str, set[str]]]) -> tuple[str, ...]:
    """The tests that use an entry's function: named after it first, then those of its module's file."""
    found = [(name, file) for file, name, used in tests if entry.function in used]
    found.sort(
        key=lambda test: (
            "bad_input" in test[0],
            not test[0].startswith(f"test_{entry.function}"),
            test[1] != f"test_{entry.module}",
        )
    )
    return tuple(name for name, _ in found)


ORDER = ("§2.2", "§2.3", "Equation (1)", "Equation (2)", "Algorithm 1", "Footnote 4")
ORDER += ("Proposition", "Lemma A", "Theorem A", "Inequality (3)", "Tail", "Theorem 3.1")
ORDER += ("Corollary 3.2", "Lemma B", "Theorem 3.3", "Figure", "Algorithm 2", "Footnote 8")
ORDER += ("Several layers", "Certificate")


def _place(label: str) -> tuple[int, str]:
    """Position of a label in the paper."""
    for position, start in enumerate(ORDER):
        if label.startswith(start):
            return position, label
    raise ValueError(f"label = {label!r} begins with none of {', '.join(ORDER)}; add it to ORDER")


def _tests(path: Path) -> list[tuple[str, str, set[str]]]:
    """File, name and called functions of each test of a file; what a helper of the file calls counts too."""
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    called = {name: _names(node) for name, node in functions.items()}
    for name, names in called.items():
        for helper in names & set(functions) - {name}:
            called[name] = called[name] | called[helper]
    return [(path.stem, name, used) for name, used in called.items() if name.startswith("test_")]


def _code(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return "\n".join(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE) for source in code)


def _called(source: str) -> set[str]:
    """Names of the functions that code calls."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {getattr(call, "id", None) or getattr(call, "attr", "") for call in calls}


def _names(node: ast.AST) -> set[str]:
    """All names and attributes that code mentions."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return names | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
