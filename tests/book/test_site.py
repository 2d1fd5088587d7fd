"""What the files of the web book must hold, without a browser."""

import json
import re
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from book.conftest import ROOT, extension
from cnninv.ledger import ledger
from cnninv.statement_table import statement_table

CHAPTERS = sorted((ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"))


class Page(HTMLParser):
    """The addresses, links and loaded files of a page, and the text by class."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what the tag carries."""
        values = {name: value or "" for name, value in attributes}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.loads.append(values["href"])
        elif "src" in values:
            self.loads.append(values["src"])


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_chapter_is_there(site):
    for chapter in CHAPTERS:
        assert (site / "chapters" / f"{chapter.stem}.html").is_file()


def test_internal_links_resolve(pages):
    broken = defaultdict(list)
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("http", "https", "mailto"), link
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                broken[path.name].append(link)
            elif parts.fragment and target.suffix == ".html":
                known = pages[target].ids
                if unquote(parts.fragment) not in known and parts.fragment not in known:
                    broken[path.name].append(link)
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for page in pages.values():
        for source in page.loads:
            assert not urlsplit(source).netloc, source
    for sheet in site.rglob("*.css"):
        for url in re.findall(r"url\(([^)]*)\)", sheet.read_text(encoding="utf-8")):
            url = url.strip("'\"")
            assert url.startswith(("data:", "#")) or (sheet.parent / urlsplit(url).path).exists(), (
                url
            )


def test_figures_carry_the_alternative_texts_of_the_chapters(site):
    for chapter in CHAPTERS:
        text = (site / "chapters" / f"{chapter.stem}.html").read_text(encoding="utf-8")
        alternatives = re.findall(r'<img alt="Figure (\d+)\.(\d+)\. ([^"]{20,})"', text)
        images = [
            output
            for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]
            for output in cell.get("outputs", [])
            if {"image/png", "image/jpeg"} & set(output.get("data", {}))
        ]
        assert [int(count) for _, count, _ in alternatives] == list(range(1, len(images) + 1))
        assert text.count("<figcaption") == len(images)


@pytest.mark.parametrize(
    "label",
    [
        *("Lemma B.1", "Lemma B.2", "Lemma B.3", "Lemma B.4", "Theorem 3.3", "Lemma A.1"),
        *("Theorem A.2", "Theorem 3.1", "Corollary 3.2", "Proposition 1", "Algorithm 1"),
        "Inequality (3)",
    ],
)
def test_a_statement_is_a_block_that_links_to_its_function_and_back(site, label):
    anchor = re.sub(r"\W+", "-", label.lower()).strip("-")
    row = next(row for row in statement_table() if row.label == label)
    chapters = {
        path: path.read_text(encoding="utf-8") for path in (site / "chapters").glob("*.html")
    }
    # where a section has the name of the statement, the block has a longer one
    home, text = next((p, t) for p, t in chapters.items() if f'id="{anchor}"' in t)
    if f'id="{anchor}-statement"' in text:
        anchor += "-statement"
    block = text[text.index(f'id="{anchor}"') :].split("statement-code", 1)[1][:700]
    assert f"{row.function}" in block
    assert 'href="../api/' in block
    table = (site / "statements.html").read_text(encoding="utf-8")
    assert f"chapters/{home.name}#{anchor}" in table
    functions = "".join(path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html"))
    assert f"chapters/{home.name}#{anchor}" in functions


def test_the_ledger_page_has_every_line(site):
    text = (site / "ledger.html").read_text(encoding="utf-8")
    legend = 4
    assert text.count('class="verdict ') == len(ledger()) + legend


def test_the_errata_page_has_every_erratum(site):
    chapter = next(path for path in CHAPTERS if path.name.startswith("05"))
    source = "\n".join(
        "".join(cell["source"])
        for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    )
    labels = re.findall(r"^\| (E\d+) \|", source, re.MULTILINE)
    text = (site / "errata.html").read_text(encoding="utf-8")
    assert len(labels) >= 23
    for label in labels:
        assert re.search(rf"admonition-title\">{label} ·", text), label


def test_every_public_name_is_in_the_reference(site):
    import cnninv
    from cnninv import theorems

    ids = set().union(*(Page(p.read_text("utf-8")).ids for p in (site / "api").glob("*.html")))
    for package in (cnninv, theorems):
        for name in package.__all__:
            full = f"{package.__name__}.{name}"
            # a name from two packages is documented once, a constant in its own module
            assert f"module-{full}" in ids or any(known.endswith(f".{name}") for known in ids), full


def test_a_copy_for_colab_is_the_chapter_behind_one_installing_cell():
    pytest.importorskip("sphinx", reason="needs Sphinx")
    launch = extension("launch")
    repository = launch.checked_repository("https://github.com/owner/name.git")
    chapter = json.loads(CHAPTERS[1].read_text(encoding="utf-8"))
    copy = launch.with_first_cell(chapter, repository)
    assert copy["cells"][1:] == chapter["cells"]
    first = "".join(copy["cells"][0]["source"])
    assert "git clone --quiet --depth 1 https://github.com/owner/name name\n" in first
    assert "%pip install --quiet --editable name\n" in first
    links = launch.links(CHAPTERS[1].name, repository)
    assert links["Run on Binder"].endswith(f"labpath=chapters%2F{CHAPTERS[1].name}")


@pytest.mark.parametrize("url", ["owner/name", "http://github.com/a/b", "https://github.com/a"])
def test_an_address_that_is_no_repository_is_refused(url):
    pytest.importorskip("sphinx", reason="needs Sphinx")
    with pytest.raises(SystemExit, match="OWNER/NAME"):
        extension("launch").checked_repository(url)
