"""The paper's statements as blocks with the paper's own numbers, and links from all that names them.

Chapters quote a statement as a block quote that begins with its label in bold, `> **Lemma B.3** ...`.
Here such a quote becomes a block with an address, the function that is the statement, and the list of
places that mention it. Prose and docstrings that say *Lemma B.3*, *chapter 05* or `model_project` link
there, once a section.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from cnninv.statement_table import TableRow, statement_table

KINDS = "Lemma|Theorem|Corollary|Proposition|Algorithm|Inequality|Equation|Footnote|Figure|Table"
NUMBER = r"(?:\(\d\)|[AB]\.\d|\d\.\d|\d{1,2})(?![\d.]?\d)"
SUFFIX = r"(?:,\s+(?:repaired|sharper|best constant|contraction)(?:\s+\(ours\))?)?"
JOIN = r"(?:,\s+|\s*–\s*|\s+(?:and|to|or|bis)\s+)"
LABEL = re.compile(
    rf"(?P<kind>{KINDS}|footnote|inequality|Fig\.)(?P<list>s\s+{NUMBER}(?:{JOIN}{NUMBER})*|\s+{NUMBER}{SUFFIX})"
)
CHAPTER = re.compile(rf"[Cc]hapters?\s+\d\d(?:{JOIN}\d\d)*(?!\d)")
TAIL = "Tail of ‖Wᵀz‖², repaired (ours)"
PLAIN = (nodes.literal, nodes.literal_block, nodes.reference, nodes.title, nodes.math, nodes.raw)
PLAIN += (addnodes.desc_signature, addnodes.pending_xref, addnodes.download_reference)


class mention(nodes.Inline, nodes.TextElement):
    """Words that name a statement or a chapter, until it is known where that is."""


@dataclass
class Records:
    """What the pages contain, by page."""

    blocks: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """(key, id, label) of each statement."""
    mentions: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    """(key, id, title) of each section or function that names a statement."""
    ledger: list[str] = field(default_factory=list)
    """Addresses of the sections of the ledger."""
    calls: dict[str, dict[str, str]] = field(default_factory=dict)
    """Address of the section that first calls a function, by its name."""


def records(env: BuildEnvironment) -> Records:
    """The records of this build."""
    if not hasattr(env, "paper_records"):
        env.paper_records = Records()
    return env.paper_records


def keys(label: str) -> list[str]:
    """What a label is looked up by: `§4.2, Figure 2` is Figure 2, a joint label is both."""
    label = re.sub(r"\s+", " ", label).strip(" .")
    label = re.sub(r"^§[\d.]+, (?=[A-Z][a-z]+ )", "", label)
    if label.startswith("Tail of"):
        return [TAIL]
    first, joined, second = label.partition(" and ")
    if joined:
        return [first + "".join(second.partition(",")[1:]), second]
    return [label]


# reading a page


def read(app: Sphinx, doctree: nodes.document) -> None:
    """Turn quotes into blocks and mark what names a statement or chapter."""
    found = records(app.env)
    docname = app.env.docname
    found.blocks[docname] = list(_blocks(doctree))
    found.mentions[docname] = []
    if docname == "ledger":
        found.ledger = [section["ids"][0] for section in doctree.findall(nodes.section)]
    found.calls[docname] = dict(_calls(doctree)) if docname.startswith("chapters/") else {}
    seen: set[tuple[int, str]] = set()
    for text in list(doctree.findall(nodes.Text)):
        if any(isinstance(parent, PLAIN) for parent in _parents(text)):
            continue
        where, anchor, title = _place(text)
        pieces: list[nodes.Node] = []
        for words, key in _split(text.astext()):
            scope = text.parent if key.startswith("chapter ") else where
            if docname == "ledger":  # its sections are the statements
                scope = doctree
            if key and (id(scope), key) not in seen:
                seen.add((id(scope), key))
                found.mentions[docname].append((key, anchor, title))
                pieces.append(mention("", words, key=key))
            else:
                pieces.append(nodes.Text(words))
        if any(isinstance(piece, mention) for piece in pieces):
            text.parent.replace(text, pieces)


def _blocks(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    for quote in list(doctree.findall(nodes.block_quote)):
        if not (len(quote) and isinstance(quote[0], nodes.paragraph)):
            continue
        strong = next((n for n in quote[0] if not (isinstance(n, nodes.Text) and not n.strip())), 0)
        if not isinstance(strong, nodes.strong):
            continue
        label = strong.astext().strip(" .")
        anchor = nodes.make_id(keys(label)[0])
        while anchor in doctree.ids:  # a section of the same name, or the same statement again
            anchor += "-statement"
        ours = ["ours"] if "ours" in quote[0].astext()[: len(label) + 10] else []
        block = nodes.container(
            "", *quote.children, is_div=True, classes=["statement", *ours], ids=[anchor]
        )
        block["label"] = label
        doctree.ids[anchor] = block
        entry = [("single", key, anchor, "main", None) for key in keys(label)]
        quote.replace_self([addnodes.index(entries=entry), block])
        for key in keys(label):
            yield key, anchor, label


def _calls(doctree: nodes.document) -> Iterator[tuple[str, str]]:
    """(name, address of the section) of each function called, the first call last."""
    cells = [
        cell
        for cell in doctree.findall(nodes.literal_block)
        if "cell_input" in cell.parent.get("classes", [])
    ]
    for cell in reversed(cells):
        address = _place(cell)[1]
        for call in re.findall(r"\b(\w+)\(", cell.astext()):
            yield call, address


def calls_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    """{calls}`05 lemma_b3` is 05, and leads to where chapter 05 first calls lemma_b3."""
    return [mention("", text[:2], key=f"call {text}")], []


def _parents(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _place(text: nodes.Node) -> tuple[nodes.Node, str, str]:
    """The table row, function or section around some words; the address and title of the latter two."""
    row = None
    for parent in _parents(text):
        if isinstance(parent, nodes.row):
            row = row or parent
        if isinstance(parent, addnodes.desc) and parent[0].get("ids"):
            return row or parent, parent[0]["ids"][0], parent[0].get("fullname", "")
        if isinstance(parent, nodes.section):
            return row or parent, parent["ids"][0], parent[0].astext()
    return row or parent, "", ""


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Words with the key that they name; empty where they name none."""
    end = 0
    for found in sorted([*LABEL.finditer(text), *CHAPTER.finditer(text)], key=re.Match.start):
        if found.re is LABEL and found["list"][0] != "s":
            words = re.sub(r"\s+", " ", found.group()).replace("Fig.", "Figure")
            spans = [(*found.span(), words[0].upper() + words[1:])]
        else:
            part = re.compile(NUMBER if found.re is LABEL else r"\d\d")
            kind = found["kind"].capitalize() if found.re is LABEL else "chapter"
            spans = [
                (number.start(), number.end(), f"{kind} {number.group()}")
                for number in part.finditer(text, *found.span())
            ]
            spans[0] = (found.start(), *spans[0][1:])
        for start, stop, key in spans:
            yield text[end:start], ""
            yield text[start:stop], key
            end = stop
    yield text[end:], ""


# writing a page


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make marked words links, and write below each block where it is used."""
    targets, names = _lookup(app)
    for node in list(doctree.findall(mention)):
        target = targets.get(node["key"]) or targets.get(node["key"].partition(",")[0])
        inside = {
            i for parent in _parents(node) for i in getattr(parent, "attributes", {}).get("ids", ())
        }
        if target and not (target[0] == docname and (target[1] in inside or not target[1])):
            node.replace_self(_link(app, docname, *target, node.children, "mention"))
        else:
            node.replace_self(node.children)
    seen: set[tuple[int, str]] = set()
    for literal in list(doctree.findall(nodes.literal)):
        name = re.sub(
            r"^(?:cnninv\.)?(?:theorems\.|plots\.|filterbanks\.)?|\(.*\)$", "", literal.astext()
        )
        if name not in names or any(isinstance(parent, PLAIN) for parent in _parents(literal)):
            continue
        where, anchor, _ = _place(literal)
        if (id(where), name) not in seen and names[name] != (docname, anchor):
            seen.add((id(where), name))
            link = _link(app, docname, *names[name], [literal.deepcopy()], "mention")
            literal.replace_self(link)
    rows = {key: row for row in _table(app) for key in keys(row.label)}
    for block in list(doctree.findall(nodes.container)):
        if "label" in block:
            _finish(app, docname, block, rows, names)


def _lookup(app: Sphinx) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    """Where each statement and chapter is, and each function; found once a build."""
    if not hasattr(app, "paper_lookup"):
        app.paper_lookup = _targets(app.env), _names(app.env)
    return app.paper_lookup


def _targets(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Page and address of each key; the first chapter that quotes a statement has it."""
    targets = {}
    for docname in sorted(env.found_docs):
        if docname.startswith("chapters/"):
            targets[f"chapter {docname.split('/')[1][:2]}"] = (docname, "")
        for name, anchor in records(env).calls.get(docname, {}).items():
            targets[f"call {docname.split('/')[1][:2]} {name}"] = (docname, anchor)
        for key, anchor, _ in records(env).blocks.get(docname, []):
            targets.setdefault(key, (docname, anchor))
    for anchor in records(env).ledger:
        targets.setdefault(anchor.replace("-", " ").capitalize(), ("ledger", anchor))
    return targets


def _names(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Page and address of each function and class whose short name is unique."""
    names: dict[str, tuple[str, str] | None] = {}
    for full, entry in env.domains["py"].objects.items():
        if entry.objtype in ("function", "class") and not entry.aliased:
            short = full.rpartition(".")[2]
            # a name from the top of the package goes before one from a module
            if short not in names or full.count(".") == 1:
                names[short] = (entry.docname, entry.node_id)
    return {name: place for name, place in names.items() if place and len(name) > 2}


def _table(app: Sphinx) -> list[TableRow]:
    if not hasattr(app, "paper_table"):
        app.paper_table = statement_table()
    return app.paper_table


def _link(
    app: Sphinx, docname: str, target: str, anchor: str, children: list[nodes.Node], name: str
) -> nodes.reference:
    address = app.builder.get_relative_uri(docname, target) + (f"#{anchor}" if anchor else "")
    return nodes.reference("", "", *children, internal=True, refuri=address, classes=[name])


def _finish(app: Sphinx, docname: str, block, rows: dict[str, TableRow], names: dict) -> None:
    """The permalink of a block, its function, and what mentions it."""
    anchor, own = block["ids"][0], keys(block["label"])
    mark = nodes.reference("", "¶", refuri=f"#{anchor}", internal=True, classes=["headerlink"])
    mark["reftitle"] = f"Link to {block['label']}"
    block[0] += mark
    links: list[list[nodes.Node]] = []
    for row in [rows[key] for key in own if key in rows]:
        code = nodes.literal("", row.function)
        if row.function in names:
            code = _link(app, docname, *names[row.function], [code], "mention")
        line = [nodes.Text("In code: "), code]
        if row.tests:
            line += [nodes.Text(", checked by "), nodes.literal("", row.tests[0])]
        links.append(line)
    used = []
    for page in sorted(app.env.found_docs):
        for key, place, title in records(app.env).mentions.get(page, []):
            here = page == docname and place in [i for p in _parents(block) for i in _ids(p)]
            if key in own and not here and (page, place) not in [u[:2] for u in used]:
                used.append((page, place, title))
    for line in links:
        block += nodes.paragraph("", "", *line, classes=["statement-code"])
    if used:
        items = nodes.bullet_list(classes=["statement-uses"])
        for page, place, title in used:
            number = re.match(r"chapters/(\d\d)", page)
            where = f"{number[1]} · {title}" if number else title or page
            text = nodes.Text(where) if number or page.count("/") == 0 else nodes.literal("", where)
            link = _link(app, docname, page, place, [text], "mention")
            items += nodes.list_item("", nodes.paragraph("", "", link))
        count = f"Mentioned in {len(used)} place{'s' if len(used) > 1 else ''}"
        block += nodes.raw("", f"<details class='uses'><summary>{count}</summary>", format="html")
        block += items
        block += nodes.raw("", "</details>", format="html")


def _ids(node: nodes.Node) -> list[str]:
    return getattr(node, "attributes", {}).get("ids", [])


# books are kept when only some pages are read again


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page."""
    records(env).blocks.pop(docname, None)
    records(env).mentions.pop(docname, None)
    records(env).calls.pop(docname, None)


def outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Blocks name the pages that mention them: when one page is read anew, write all with blocks."""
    return [page for page, blocks in records(env).blocks.items() if blocks]


def skip_text(translator, node: nodes.Node) -> None:
    """Nothing to write: resolved before."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("book_code", "", "env", [str])
    app.add_node(mention, html=(skip_text, skip_text))
    app.add_role("calls", calls_role)
    app.connect("doctree-read", read)
    app.connect("doctree-resolved", resolve)
    app.connect("env-purge-doc", purge)
    app.connect("env-updated", outdated)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
