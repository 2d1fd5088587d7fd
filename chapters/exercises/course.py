"""The problem sets as a course: `course.py assignments` and `course.py grade SUBMISSIONS`.

`assignments` writes the student edition, with nbgrader, to OUT/release. `grade` takes a folder with a notebook
for each student and set, SUBMISSIONS/STUDENT/SET/SET.ipynb, runs all of them under the limits of
`nbgrader_config.py`, and writes OUT/grades.csv and pages of feedback, OUT/feedback/STUDENT/SET/SET.html.
"""

import argparse
import csv
import json
import logging
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
SETS = sorted(path.name for path in (HERE / "source").iterdir() if path.is_dir())


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if all went well, 1 if a submission could not be graded, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE.parent.parent / "build" / "course")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("assignments", help="write the student edition")
    commands.add_parser("grade", help="grade a folder").add_argument("submissions", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "grade":
        problem = misplaced(options.submissions)
        if problem:
            print(f"course.py: {problem}", file=sys.stderr)
            return 2
    course = open_course(options.out)
    for name in SETS:
        succeed(course.generate_assignment(name), f"the student edition of {name}")
    if options.command == "assignments":
        print(f"wrote the student edition of {len(SETS)} problem sets to {options.out / 'release'}")
        return 0
    return grade(course, options.submissions, options.out)


def misplaced(folder: Path) -> str | None:
    """What is wrong with a folder of submissions, if anything."""
    if not folder.is_dir():
        return f"{folder} is no folder; expected one with STUDENT/SET/SET.ipynb for each submission"
    if not list(submissions(folder)):
        return f"{folder} has no STUDENT/SET/ folder with SET one of {', '.join(SETS)}"
    return None


def submissions(folder: Path) -> list[tuple[str, str]]:
    """(student, set) of each submission, in order."""
    found = [path for path in sorted(folder.glob("*/*")) if path.is_dir() and path.name in SETS]
    return [(path.parent.name, path.name) for path in found]


def open_course(out: Path):
    """An nbgrader course in a fresh folder, with the sources and settings of this one."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import PyFileConfigLoader

    # nbgrader calls alembic by its name, which a virtual environment that is not activated hides
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    for name in ("source", "release", "submitted", "autograded", "feedback"):
        shutil.rmtree(out / name, ignore_errors=True)
    (out / "gradebook.db").unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copytree(HERE / "source", out / "source")
    settings = PyFileConfigLoader("nbgrader_config.py", path=str(HERE)).load_config()
    settings.CourseDirectory.root = str(out.resolve())
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)
    return NbGraderAPI(config=settings)


def grade(course, folder: Path, out: Path) -> int:
    """Grade each submission; print and store the points."""
    # a kernel with more threads than cores only waits
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    shutil.copytree(folder, out / "submitted")
    rows, failed = [], 0
    for student, name in submissions(folder):
        problem = unreadable(folder / student / name / f"{name}.ipynb")
        if problem is None and not course.autograde(name, student)["success"]:
            problem = "nbgrader could not run it"
        if problem:
            failed += 1
            rows.append([student, name, "", "", f"not graded: {problem}"])
            continue
        course.generate_feedback(name, student)
        points = course.get_submission(name, student)
        rows.append([student, name, points["score"], points["max_score"], ""])
    with open(out / "grades.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["student", "set", "points", "of", "remark"], *rows])
    for student, name, points, most, remark in rows:
        print(f"{student:20} {name:34} {remark or f'{points:g} of {most:g}'}")
    print(f"points are in {out / 'grades.csv'}, what each student reads in {out / 'feedback'}")
    return 1 if failed else 0


def unreadable(path: Path) -> str | None:
    """Why a notebook cannot be read, if it cannot."""
    if not path.is_file():
        return f"{path.name} is missing"
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{path.name} is no notebook ({error})"
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return f"{path.name} is no notebook: it has no list of cells"
    return None


def succeed(result: dict, what: str) -> None:
    """Stop with nbgrader's own message if it could not make something."""
    if not result["success"]:
        sys.exit(f"course.py: nbgrader could not make {what}:\n{result.get('error', '')}")


if __name__ == "__main__":
    sys.exit(main())
