"""Pages written from the code, the data and the chapters, so that nothing is said twice."""

import inspect
import json
import os
import pkgutil
import re
from collections import Counter, defaultdict
from importlib import import_module
from pathlib import Path
from types import ModuleType

import launch
import yaml
from reference import escape
from sphinx.pycode import ModuleAnalyzer

import cnninv
from cnninv import experiments, theorems
from cnninv.ledger import Line, Run, ledger, number, recorded_runs
from cnninv.statement_table import statement_table

CHAPTERS = "[0-9][0-9]_*.ipynb"


def pages(root: Path) -> dict[str, str]:
    """Text of each page by its path within the sources."""
    chapters = {path.name: _cells(path) for path in sorted((root / "chapters").glob(CHAPTERS))}
    lines = ledger()
    start = next(iter(chapters.values()))
    parts = {
        "chapters": _list(chapters),
        "remote": _remote(chapters),
        "version": cnninv.__version__,
        "citation": _citation(root),
        "statements": _statements(root),
        "ledger": _ledger(lines, recorded_runs()),
        "errata": _errata(chapters),
        "differences": _differences(chapters),
        "notation": _section(start, "Notation"),
        "conventions": _section(start, "Conventions"),
    }
    written = {
        path.name: re.sub(
            r"<!-- (\w+) -->", lambda mark: parts[mark[1]], path.read_text(encoding="utf-8")
        )
        for path in (root / "book" / "pages").glob("*.md")
    }
    return {**written, **_api()}


def _cells(path: Path) -> list[str]:
    """The Markdown cells of a chapter."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def _section(cells: list[str], title: str) -> str:
    """Text below a heading, to the next of its level; empty if there is none."""
    text = "\n\n".join(cells)
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def _title(cells: list[str]) -> str:
    return cells[0].splitlines()[0].removeprefix("# ")


# pages that are written by hand but for a list


def _list(chapters: dict[str, list[str]]) -> str:
    lines = []
    for name, cells in chapters.items():
        count, _, title = _title(cells).partition(" · ")
        motivation = " ".join(cells[0].split("\n\n")[1].split())
        lines += [f"{count}\n: **[{title}](chapters/{name})**<br>{motivation}", ""]
    return "\n".join(lines)


def _remote(chapters: dict[str, list[str]]) -> str:
    repository = os.environ["BOOK_REPOSITORY"]
    if not repository:
        return (
            "This copy of the book was built without the address of a public repository. "
            "`make book REPOSITORY=https://github.com/OWNER/NAME` adds links to each chapter that run it on "
            "Binder and on Colab."
        )
    lines = [
        "[Binder](https://mybinder.org) builds the locked environment of the book and opens JupyterLab "
        "in it; the first start takes minutes. Colab opens a copy whose first cell installs the book.",
        "",
        "| chapter | | |",
        "|---|---|---|",
    ]
    for name, cells in chapters.items():
        links = [f"[{text}]({url})" for text, url in launch.links(name, repository).items()]
        lines.append(f"| [{_title(cells)}](chapters/{name}) | {' | '.join(links)} |")
    return "\n".join(lines)


def _citation(root: Path) -> str:
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    authors = " and ".join(
        f"{{{author['name']}}}"
        if "name" in author
        else f"{author['family-names']}, {author['given-names']}"
        for author in citation["authors"]
    )
    fields = {
        "title": f"{{{citation['title']}}}",
        "author": authors,
        "version": citation["version"],
    }
    if "date-released" in citation:
        fields["year"] = str(citation["date-released"])[:4]
    if os.environ["BOOK_REPOSITORY"]:
        fields["url"] = os.environ["BOOK_REPOSITORY"]
    width = max(map(len, fields))
    entry = ",\n".join(f"  {name:{width}} = {{{value}}}" for name, value in fields.items())
    return f"```bibtex\n@software{{cnninv,\n{entry}\n}}\n```"


# statements


def _statements(root: Path) -> str:
    lines = [
        "| statement | what it says | function | a test, of how many | chapters |",
        "|---|---|---|---|---|",
    ]
    for row in statement_table(root):
        test = f"{row.tests[0].replace('_', ' ')}, of {len(row.tests)}" if row.tests else "none"
        where = ", ".join(f"{{calls}}`{number} {row.function}`" for number in row.chapters)
        label = row.label.replace("|", r"\|")
        lines.append(f"| {label} | {row.title} | `{row.function}` | {test} | {where or 'none'} |")
    return "\n".join(lines)


# ledger


def _item(line: Line) -> str:
    """The item of the paper that a line belongs to."""
    found = re.match(r"(Table|footnote|Theorem|Corollary|Figure) [\d.]+|§[\d.]+|\d", line.quantity)
    item = found.group() if found else "Other"
    return f"Figure {item}" if item.isdigit() else item[0].upper() + item[1:]


def _place_in_order(item: str) -> tuple[int, str]:
    order = ("Theorem", "Corollary", "Footnote", "Figure", "§", "Table")
    return next((i for i, kind in enumerate(order) if item.startswith(kind)), len(order)), item


def _escape(text: str) -> str:
    return re.sub(r"([|*_$<>\[\]`\\])", r"\\\1", text)


def _ledger(lines: list[Line], runs: list[Run]) -> str:
    counts = Counter(line.verdict for line in lines)
    groups = defaultdict(list)
    for line in lines:
        groups[_item(line)].append(line)
    text = [
        f"{len(lines)} lines: "
        + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        + ". `cnninv ledger` prints the same in a terminal.",
    ]
    for item in sorted(groups, key=_place_in_order):
        commands = dict.fromkeys(line.command for line in groups[item] if line.command)
        text += ["", f"## {item}", "", ":::{table}", ":class: ledger", ""]
        text += ["| quantity | paper | ours | verdict |", "|---|---|---|---|"]
        text += [_row(line) for line in groups[item]]
        text += [":::", ""]
        if commands:
            text += ["Measured by " + ", ".join(f"`{command}`" for command in commands) + "."]
    text += ["", "## Time of the recorded runs", "", "| command | time, device |", "|---|---|"]
    text += [f"| `{run.command}` | {run.time} |" for run in runs]
    return "\n".join(text)


def _row(line: Line) -> str:
    note = '<span class="note">{}</span>'
    quantity = _escape(line.quantity)
    if line.convention:
        quantity += " " + note.format(_escape(line.convention))
    ours = number(line.ours)
    if line.spread:
        ours += " " + note.format(number(line.spread))
    scale = f", {line.scale} scale" if line.scale and line.scale != "paper" else ""
    verdict = f'<span class="verdict {line.verdict.replace(" ", "-")}">{line.verdict}</span>{scale}'
    if line.reason:
        verdict += " " + note.format(_escape(line.reason))
    return f"| {quantity} | {number(line.paper)} | {ours} | {verdict} |"


# errata


def _errata(chapters: dict[str, list[str]]) -> str:
    text = []
    for cells in chapters.values():
        for row in re.findall(r"^\| (E\d+) \| (.+) \|$", "\n".join(cells), re.MULTILINE):
            label, where, printed, found, repaired, chapter = [row[0], *row[1].split(" | ")]
            text += [
                f"```{{admonition}} {label} · {where}",
                ":class: erratum",
                "",
                f"**Printed.** {printed}",
                "",
                f"**Found.** {found}",
                "",
                f"**Repaired.** {repaired}",
                "",
                f"Chapter{'s' if ',' in chapter else ''} {chapter.replace(', ', ' and ')}.",
                "```",
                "",
            ]
    return "\n".join(text)


def _differences(chapters: dict[str, list[str]]) -> str:
    text = []
    for name, cells in chapters.items():
        differences = _section(cells, "Where the paper and we differ")
        if differences:
            text += [f"### [{_title(cells)}](chapters/{name})", "", differences, ""]
    return "\n".join(text)


# API reference


def _api() -> dict[str, str]:
    public = {
        id(getattr(package, name)): f"{package.__name__}.{name}"
        for package in (experiments, theorems, cnninv)
        for name in package.__all__
        if not inspect.ismodule(getattr(package, name))
    }
    modules = [
        import_module(found.name)
        for found in pkgutil.walk_packages(cnninv.__path__, "cnninv.")
        if not found.name.rpartition(".")[2].startswith("_")
    ]
    result = {}
    lines = [
        "API reference",
        "=============",
        "",
        "One page for each module, each a concept of the paper. What stands there as ``cnninv.name`` or "
        "``cnninv.theorems.name`` is imported from there. Every function says what it computes in the paper's "
        "letters, gives shapes and errors, and has an example that the tests run.",
    ]
    groups: dict[str, list[ModuleType]] = defaultdict(list)
    for module in modules:
        package = module.__name__.split(".")[1] if module.__name__.count(".") > 1 else ""
        is_package = hasattr(module, "__path__")
        groups[module.__name__.split(".")[1] if is_package else package].append(module)
    for package, members in sorted(groups.items()):
        title = f"cnninv.{package}" if package else "cnninv"
        lines += ["", title, "-" * len(title), "", ".. toctree::", "   :hidden:", ""]
        entries = []
        for module in members:
            names = _members(module, public)
            if not names and not hasattr(module, "__path__"):
                continue
            page = _api_page(module, names, module.__name__ in public.values())
            result[f"api/{module.__name__}.rst"] = page
            lines.append(f"   {module.__name__}")
            if names:
                first = _first_line(module).rstrip(".")
                links = ", ".join(f":py:obj:`~{path}`" for _, path in names)
                entries += [f":doc:`{module.__name__}`", f"   {first}. {links}", ""]
        lines += ["", *entries]
    result["api/index.rst"] = "\n".join(lines) + "\n"
    return result


def _first_line(module: ModuleType) -> str:
    text = (module.__doc__ or "").strip().split("\n\n")[0]
    return escape(" ".join(text.split()))


def _members(module: ModuleType, public: dict[int, str]) -> list[tuple[str, str]]:
    """(directive, path) of what a module defines, in its order, by the shortest public path."""
    analyzer = ModuleAnalyzer.for_module(module.__name__)
    analyzer.analyze()
    documented = {name for scope, name in analyzer.attr_docs if not scope}
    found = []
    for name, thing in vars(module).items():
        if name.startswith("_"):
            continue
        defined_here = getattr(thing, "__module__", None) == module.__name__
        if inspect.isfunction(thing) and defined_here:
            kind = "autofunction"
        elif inspect.isclass(thing) and defined_here:
            kind = "autoclass"
        elif name in documented and not inspect.ismodule(thing):
            found.append(("autodata", f"{module.__name__}.{name}"))
            continue
        else:
            continue
        if thing.__doc__:
            found.append((kind, public.get(id(thing), f"{module.__name__}.{name}")))
    return sorted(found, key=lambda entry: analyzer.tagorder.get(entry[1].rpartition(".")[2], 0))


def _api_page(module: ModuleType, names: list[tuple[str, str]], shared: bool) -> str:
    """The page of a module; `shared` if a function has the module's name, `cnninv.iht`."""
    title = module.__name__
    lines = [title, "=" * len(title), "", f".. automodule:: {module.__name__}"]
    lines += ["   :no-index:"] if shared else []
    for directive, path in names:
        lines += ["", f".. {directive}:: {path}"]
        if directive == "autoclass":
            lines += ["   :members:"]
        if directive == "autodata":
            lines += ["   :no-value:"]
    return "\n".join(lines) + "\n"
