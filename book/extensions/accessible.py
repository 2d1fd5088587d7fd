"""Names and levels that the theme leaves out and screen readers need."""

from pathlib import Path

from sphinx.application import Sphinx

REPLACED = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Contents of the book">',
    '<aside class="toc-drawer': '<aside aria-label="On this page" class="toc-drawer',
    '<th class="head"><p></p></th>': "<td></td>",
    '<div id="search-results"></div>': '<h1>Search</h1><div id="search-results"></div>',
}


def level_captions(app: Sphinx, pagename, templatename, context: dict, doctree) -> None:
    """The captions of the table of contents are headings: of level 2."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


def complete_pages(app: Sphinx, error: Exception | None) -> None:
    """Names for the two columns beside the text, a title for the search page, no empty headers."""
    if error:
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        named = text
        for old, new in REPLACED.items():
            named = named.replace(old, new)
        if named != text:
            page.write_text(named, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", level_captions, priority=900)
    app.connect("build-finished", complete_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
