"""Execute the chapters, store them with their outputs, and render them: `python chapters/build.py [NN ...]`.

Each chapter runs in a fresh kernel, without a network, within 60 s and 2 GB. What is stored has no time
stamp and no path of the machine, so that an unchanged chapter executes to an unchanged file.
"""

import argparse
import contextlib
import copy
import html
import re
import sys
import threading
import time
import unicodedata
import warnings
from pathlib import Path

import latex2mathml.converter
import nbformat
import psutil
from nbclient import NotebookClient
from nbconvert import HTMLExporter

CHAPTERS = Path(__file__).parent
SECONDS, MEGABYTES = 60, 2048
SLOWER = 1.5  # how much slower than a quiet two-core laptop a machine may be
TEX = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\s](?:[^$]*?[^$\s])?)\$(?!\d)", re.DOTALL)
LETTER = re.compile(r'<mi mathvariant="(script|double-struck)">([A-Z])</mi>')
NO_ALT = 'alt="No description has been provided for this image"'


def main() -> int:
    """Build the chapters whose names start as asked; 0 if all are within their budgets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", nargs="*", help="first characters of the names; all if not given")
    parser.add_argument("--html", type=Path, default=CHAPTERS.parent / "build" / "chapters")
    options = parser.parse_args()
    chosen = [
        path
        for path in sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
        if not options.prefix or path.name.startswith(tuple(options.prefix))
    ]
    if not chosen:
        print(f"no chapter starts with {' or '.join(options.prefix)}", file=sys.stderr)
        return 2
    failures = [problem for path in chosen for problem in build(path, options.html)]
    for problem in failures:
        print(problem, file=sys.stderr)
    print(f"rendered {len(chosen)} chapters in {options.html}")
    return 1 if failures else 0


def build(path: Path, pages: Path) -> list[str]:
    """Execute, store and render one chapter; returns what went over its budget."""
    notebook = nbformat.read(path, as_version=4)
    seconds, megabytes = execute(notebook, path.parent)
    clean(notebook)
    nbformat.write(notebook, path)
    render(notebook, path.stem, pages)
    print(f"{path.name}: {seconds:.1f} s, {megabytes:.0f} MB, {path.stat().st_size / 1000:.0f} kB")
    problems = []
    if seconds > SLOWER * SECONDS:
        problems.append(f"{path.name} took {seconds:.0f} s; the budget is {SECONDS} s")
    if megabytes > MEGABYTES:
        problems.append(f"{path.name} took {megabytes:.0f} MB; the budget is {MEGABYTES} MB")
    return problems


def execute(notebook: nbformat.NotebookNode, folder: Path) -> tuple[float, float]:
    """Run all cells in a fresh kernel; returns the seconds and the kernel's largest memory in MB."""
    # the kernel warns of its local sockets at every start; errors still show
    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": folder}},
    )
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            provisioner = getattr(client.km, "provisioner", None)
            process = getattr(provisioner, "process", None)
            if process is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    peak[0] = max(peak[0], psutil.Process(process.pid).memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        client.execute()
    finally:
        done.set()
        watcher.join()
    return time.perf_counter() - start, peak[0] / 1e6


def clean(notebook: nbformat.NotebookNode) -> None:
    """Keep only the metadata that a reader's Jupyter needs."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k == "tags"})


def alternative_texts(notebook: nbformat.NotebookNode) -> list[str]:
    """The alternative text of each stored image, in order; empty where one is missing."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [
        output.metadata.get(kind, {}).get("alt", "")
        for output in outputs
        for kind in output.get("data", {})
        if kind.startswith("image/")
    ]


def with_mathml(source: str) -> str:
    """Markdown with its TeX as MathML, which browsers show without fetching anything."""

    def convert_one(match: re.Match) -> str:
        display, inline = match.group(1), match.group(2)
        markup = latex2mathml.converter.convert(
            display or inline, display="block" if display else "inline"
        )
        unknown = re.search(r"\\[a-zA-Z]+", markup)
        if unknown:
            raise ValueError(
                f"{unknown.group()} in {match.group()} has no MathML; write it otherwise"
            )
        markup = LETTER.sub(_letter, markup)
        return markup.replace("|", "&#x7C;").replace("*", "&#x2A;").replace("_", "&#x5F;")

    pieces = re.split(r"(```.*?```|`[^`\n]*`)", source, flags=re.DOTALL)
    pieces[::2] = [TEX.sub(convert_one, piece) for piece in pieces[::2]]
    return "".join(pieces)


def _letter(match: re.Match) -> str:
    """ℳ for a script M: browsers do not honour `mathvariant` on a plain letter."""
    name = f"{match.group(1)} capital {match.group(2)}".upper()
    for prefix in ("MATHEMATICAL ", ""):
        with contextlib.suppress(KeyError):
            return f"<mi>{unicodedata.lookup(prefix + name)}</mi>"
    raise ValueError(f"no letter is called {name}")


def render(notebook: nbformat.NotebookNode, name: str, folder: Path) -> None:
    """Write `folder/name.html`; a warning is an error."""
    folder.mkdir(parents=True, exist_ok=True)
    page = copy.deepcopy(notebook)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        body, _ = HTMLExporter().from_notebook_node(page)
    body = re.sub(
        r"<title>[^<]*</title>", f"<title>{name.replace('_', ' ')}</title>", body, count=1
    )
    # nbconvert does not write the alternative texts that the outputs carry
    for alt in alternative_texts(notebook):
        body = body.replace(NO_ALT, f'alt="{html.escape(alt, quote=True)}"', 1)
    (folder / f"{name}.html").write_text(body, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
