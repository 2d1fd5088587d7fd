"""The problem sets' cells, run in the test's own process."""

from pathlib import Path

import nbformat

SOURCE = Path(__file__).parents[2] / "chapters" / "exercises" / "source"
SETS = sorted(path.name for path in SOURCE.iterdir() if path.is_dir())


def notebook(name: str) -> nbformat.NotebookNode:
    """The instructor's edition of a set."""
    return nbformat.read(SOURCE / name / f"{name}.ipynb", as_version=4)


def tasks(name: str) -> dict[str, nbformat.NotebookNode]:
    """Test cells by the name of the problem."""
    return {
        cell.metadata.nbgrader.grade_id.removeprefix("test-"): cell
        for cell in notebook(name).cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


def solutions(name: str) -> dict[str, object]:
    """A namespace in which the set-up and all answers of a set have been executed."""
    space: dict[str, object] = {}
    for cell in notebook(name).cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and (
            marks.get("grade_id") == "set-up" or marks.get("solution")
        ):
            exec(cell.source, space)
    return space


PROBLEMS = [(name, problem) for name in SETS for problem in tasks(name)]
