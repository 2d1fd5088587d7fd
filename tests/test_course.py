"""The way from the source to points, through nbgrader: what `make assignments` and `make grade` run."""

import csv
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from checks.editions import SETS, SOURCE, tasks

pytest.importorskip("nbgrader")
COURSE = SOURCE.parent / "course.py"
FIRST = SETS[0]
LOOP = "while True:\n        pass"
HOG = "return np.ones((10**6, 10**6))"
PRINTER = "for _ in range(10**6):\n            print('x' * 1000)"


def course(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, COURSE, *map(str, arguments)], capture_output=True, text=True, timeout=900
    )


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("course")
    done = course("--out", out, "assignments")
    assert done.returncode == 0, done.stderr
    return out / "release"


@pytest.fixture(scope="module")
def graded(release, tmp_path_factory) -> tuple[dict, Path]:
    """Points of (student, set), and the folder of feedback, for a class of students."""
    folder, out = tmp_path_factory.mktemp("submissions"), tmp_path_factory.mktemp("graded")
    for name in SETS:
        hand_in(nbformat.read(SOURCE / name / f"{name}.ipynb", 4), folder / "solved", name)
        hand_in(nbformat.read(release / name / f"{name}.ipynb", 4), folder / "blank", name)
    hand_in(hostile(release), folder / "hostile", FIRST)
    hand_in(rearranged(), folder / "rearranged", FIRST)
    damaged = folder / "damaged" / FIRST
    damaged.mkdir(parents=True)
    (damaged / f"{FIRST}.ipynb").write_text("{ not a notebook")
    done = course("--out", out, "grade", folder)
    assert done.returncode == 1, done.stdout + done.stderr
    with open(out / "grades.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["student"], row["set"]): row for row in rows}, out / "feedback"


def hand_in(notebook: nbformat.NotebookNode, student: Path, name: str) -> None:
    (student / name).mkdir(parents=True)
    nbformat.write(notebook, student / name / f"{name}.ipynb")


def hostile(release: Path) -> nbformat.NotebookNode:
    """Loops forever, exhausts memory and prints a gigabyte; the last three problems are solved."""
    notebook = nbformat.read(release / FIRST / f"{FIRST}.ipynb", 4)
    solved = {cell.id: cell for cell in nbformat.read(SOURCE / FIRST / f"{FIRST}.ipynb", 4).cells}
    harm = {"output_length": LOOP, "correlation_matrix": HOG, "back_project": PRINTER}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in harm:
            cell.source = cell.source.replace("raise NotImplementedError", harm[name])
        elif name in ("unseen_entries", "faintest_signal", "fewest_filters"):
            cell.source = solved[cell.id].source
    for cell in notebook.cells:  # the last problem relies on the first
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "fewest_filters":
            cell.source = cell.source.replace(
                "output_length(D, l, stride, 0)", "(D - l) // stride + 1"
            )
    return notebook


def rearranged() -> nbformat.NotebookNode:
    """Solved, but one test cell is deleted and another is there twice."""
    notebook = nbformat.read(SOURCE / FIRST / f"{FIRST}.ipynb", 4)
    cells = [c for c in notebook.cells if c.id != "test-back_project"]
    twin = next(c for c in cells if c.id == "test-unseen_entries").copy()
    twin["id"] = "twin"
    notebook.cells = [*cells, nbformat.from_dict(twin)]
    return notebook


def test_the_student_edition_has_no_solution_and_no_output(release):
    for name in SETS:
        text = (release / name / f"{name}.ipynb").read_text(encoding="utf-8")
        assert "SOLUTION" not in text
        notebook = nbformat.reads(text, 4)
        blanks = [c for c in notebook.cells if c.source.endswith("raise NotImplementedError")]
        assert len(blanks) == len(tasks(name))
        assert not any(c.get("outputs") for c in notebook.cells)


@pytest.mark.parametrize("name", SETS)
def test_the_solutions_score_full_marks(name, graded):
    row = graded[0]["solved", name]
    most = sum(task.metadata.nbgrader.points for task in tasks(name).values())
    assert float(row["points"]) == float(row["of"]) == most


@pytest.mark.parametrize("name", SETS)
def test_the_blank_edition_scores_zero_and_its_feedback_says_what_is_missing(name, graded):
    points, feedback = graded
    assert float(points["blank", name]["points"]) == 0
    page = (feedback / "blank" / name / f"{name}.html").read_text(encoding="utf-8")
    for problem in tasks(name):
        assert f"`{problem}` is not written yet" in page


def test_an_endless_loop_a_memory_hog_and_a_gigabyte_of_output_are_stopped(graded):
    points, feedback = graded
    assert float(points["hostile", FIRST]["points"]) == 7
    page = feedback / "hostile" / FIRST / f"{FIRST}.html"
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 1_000_000
    for sign in ("CellTimeoutError", "MemoryError", "printed more than 100000 characters"):
        assert sign in text, sign


def test_a_deleted_or_doubled_test_cell_changes_no_other_points(graded):
    row = graded[0]["rearranged", FIRST]
    assert float(row["of"]) - float(row["points"]) in (0, 4)


def test_a_damaged_notebook_is_reported_and_the_others_are_graded(graded):
    row = graded[0]["damaged", FIRST]
    assert row["points"] == ""
    assert "is no notebook" in row["remark"]


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_a_folder_without_submissions_is_one_clear_error(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    done = course("--out", tmp_path / "out", "grade", tmp_path / folder)
    assert done.returncode == 2
    assert done.stderr.startswith("course.py: ")
    assert "STUDENT/" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
