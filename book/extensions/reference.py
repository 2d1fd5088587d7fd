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


def back_links(app: Sphinx, pagename: str, templatename, context: dict, doctree) -> None:
    """From the source code back to where it is documented: by the name that it has there."""
    if not pagename.startswith("_modules/cnninv"):
        return
    module = pagename.removeprefix("_modules/").replace("/", ".")
    objects = app.env.domains["py"].objects

    def mended(found: re.Match) -> str:
        name = found[2].rpartition(".")[2]
        parts = found[2].split(".")
        ends = [".".join(parts[i:]) for i in range(1, len(parts))]
        known = [full for end in ends for full in (f"{module}.{end}", found[2]) if full in objects]
        full = next((n for n in known if not objects[n].aliased), known[0] if known else "")
        return f'href="{found[1]}#{objects[full].node_id}"' if full else f'href="#{name}"'

    pattern = r'href="([^"#]*/api/[^"#]*)#([\w.]+)"'
    context["body"] = re.sub(pattern, mended, context["body"])


def forget_what_has_no_source(app: Sphinx, env) -> None:
    """Constants have no page of source code; the index of these pages would name one."""
    modules = getattr(env, "_viewcode_modules", {})
    for name in [name for name, entry in modules.items() if not entry]:
        del modules[name]


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
    app.connect("html-page-context", back_links)
    app.connect("env-updated", forget_what_has_no_source)
    app.connect("doctree-read", opening_tables, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
