"""The docstrings, made safe for reStructuredText, and tables and code that fit a page."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

SUBSTITUTION = re.compile(r"(?<!\\)\|")
STAR = re.compile(r"(?<![\w*\\])\*(?=\w)(?![^*]*\w[.)]?\*(?!\w))")
REFERENCE = re.compile(r"(?<=\w)_(?=[\s,.;:)\]|]|$)")


def escape(text: str) -> str:
    """|z| is a modulus, W_ a letter and *positions a shape here, not markup; code stays as it is."""
    pieces = re.split(r"(``.*?``|`[^`]*`)", text)
    pieces[::2] = [
        STAR.sub(r"\*", REFERENCE.sub(r"\_", SUBSTITUTION.sub(r"\|", piece)))
        for piece in pieces[::2]
    ]
    return "".join(pieces)


def escape_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    """The same for a docstring but for its examples."""
    inside = False
    introduction = True
    for number, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            inside = True
        elif not line.strip():
            inside = False
        introduction = introduction and not line.lstrip().startswith((":", "..", "*", "-", ">>>"))
        if not inside:
            lines[number] = escape(line)
            # what stands indented before the parameters is displayed formulas, line by line
            if introduction and line.startswith(" ") and line.strip():
                indent = len(line) - len(line.lstrip())
                lines[number] = f"{' ' * indent}| {lines[number].lstrip()}"


def plain_types(app: Sphinx, doctree: nodes.document) -> None:
    """Types are prose, `array, shape (K, n)`: only the names of classes can be links there."""
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link.get("refspecific"):
            name = link["reftarget"].rpartition(".")[2]
            is_class = name[:1].isupper() and not name.isupper()
            link.replace_self([nodes.literal("", name)] if is_class else link.children)


def opening_tables(app: Sphinx, doctree: nodes.document) -> None:
    """The table that opens a chapter has no header: its first row is one like the others."""
    for table in doctree.findall(nodes.table):
        head = next(iter(table.findall(nodes.thead)), None)
        if head is not None and head.astext().startswith("You will do"):
            body = next(iter(table.findall(nodes.tbody)))
            body.insert(0, head.children)
            head.parent.remove(head)
            table["classes"].append("opening")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", escape_docstring, priority=900)
    app.connect("doctree-read", plain_types)
    app.connect("doctree-read", opening_tables, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
