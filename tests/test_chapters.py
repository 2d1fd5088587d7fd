"""The rules for chapters that executing them does not check (nbval does that)."""

import ast
import base64
import io
import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

import cnninv

CHAPTERS = sorted((Path(__file__).parent.parent / "chapters").glob("[0-9][0-9]_*.ipynb"))
KILOBYTE = 1000


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request) -> nbformat.NotebookNode:
    notebook = nbformat.read(request.param, as_version=4)
    notebook.path = request.param
    return notebook


def code(chapter) -> list[nbformat.NotebookNode]:
    return [c for c in chapter.cells if c.cell_type == "code" and c.source.strip()]


def prose(chapter) -> str:
    return "\n\n".join(c.source for c in chapter.cells if c.cell_type == "markdown")


def outputs(chapter) -> list[nbformat.NotebookNode]:
    return [output for cell in code(chapter) for output in cell.outputs]


def test_chapters_are_numbered_without_a_gap():
    assert [int(path.name[:2]) for path in CHAPTERS] == list(range(len(CHAPTERS)))
    assert len(CHAPTERS) >= 7


def test_every_code_cell_has_been_executed_in_order(chapter):
    counts = [cell.execution_count for cell in code(chapter)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_output_is_an_error_or_a_warning(chapter):
    assert not [
        o for o in outputs(chapter) if o.output_type == "error" or o.get("name") == "stderr"
    ]


def test_outputs_have_no_address_no_path_and_no_date(chapter):
    for output in outputs(chapter):
        text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        assert not re.search(
            r"0x[0-9a-f]{6,}|/(home|root|tmp|work|Users)/|\b20\d\d-\d\d-\d\d", text
        ), text


def test_a_chapter_opens_and_closes_as_the_rules_say(chapter):
    opening = chapter.cells[0].source
    assert re.match(rf"# {chapter.path.name[:2]} · \S", opening)
    for line in ("You will do", "You will learn", "You need", "Time and memory"):
        assert f"**{line}**" in opening, line
    headings = re.findall(r"^## (.+)$", prose(chapter), flags=re.MULTILINE)
    closing = ["Exercises", "What was learnt", "Where the paper and we differ"]
    assert [h for h in headings if h in closing] == closing


def test_exercises_have_folded_answers(chapter):
    text = prose(chapter)
    assert text.count("<details>") >= 2
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>")


def test_figures_are_small_and_have_an_alternative_text(chapter):
    for output in outputs(chapter):
        for kind, limit in (("image/png", 60), ("image/jpeg", 200)):
            if kind in output.get("data", {}):
                picture = base64.b64decode(output.data[kind])
                assert len(picture) <= limit * KILOBYTE
                assert len(output.metadata[kind]["alt"]) >= 20
                assert Image.open(io.BytesIO(picture)).width >= 300


def test_a_chapter_is_small(chapter):
    assert chapter.path.stat().st_size <= 500 * KILOBYTE


def test_chapters_use_public_names_that_exist(chapter):
    for cell in code(chapter):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Attribute):
                assert not re.match(r"_[a-z]", node.attr), f"private name {node.attr}"
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnninv"):
                assert not [alias.name for alias in node.names if alias.name.startswith("_")]
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id == "cnninv":
                    assert hasattr(cnninv, node.attr), f"cnninv.{node.attr}"
                if node.value.id == "theorems":
                    assert hasattr(cnninv.theorems, node.attr), f"theorems.{node.attr}"


def test_cells_do_not_hide_a_value_behind_a_semicolon(chapter):
    assert not [cell.source for cell in code(chapter) if cell.source.rstrip().endswith(";")]
