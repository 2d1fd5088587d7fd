"""Figures of the chapters: the alternative texts that their outputs carry, shown as numbered captions."""

import base64
import hashlib
import json
from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx.application import Sphinx


def alternative_texts(notebook: Path) -> dict[str, str]:
    """The alternative text of each stored image, by the hash that MyST-NB names its file with."""
    texts = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    content = base64.b64decode("".join(output["data"][kind]))
                    alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
                    texts[hashlib.sha256(content).hexdigest()] = alt
    return texts


class numbered_figure(nodes.General, nodes.Element):
    """An image with a caption. Screen readers get the caption as alternative text, and not twice."""


def number_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Make each image output of a chapter a figure with a number."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    texts = alternative_texts(path)
    chapter = int(path.name[:2])
    images = [
        image for image in doctree.findall(nodes.image) if PurePosixPath(image["uri"]).stem in texts
    ]
    for count, image in enumerate(images, start=1):
        name = f"Figure {chapter}.{count}"
        words = texts[PurePosixPath(image["uri"]).stem]
        image["alt"] = f"{name}. {words}"
        image["loading"] = "lazy"
        figure = numbered_figure(ids=[f"figure-{chapter}-{count}"], name=name, words=words)
        image.replace_self(figure)
        figure += image


def visit(translator, node: numbered_figure) -> None:
    """Open the figure."""
    translator.body.append(translator.starttag(node, "figure"))


def depart(translator, node: numbered_figure) -> None:
    """Write the caption and close the figure."""
    name, words = translator.encode(node["name"]), translator.encode(node["words"])
    translator.body.append(
        f'<figcaption aria-hidden="true"><b>{name}.</b> {words}</figcaption></figure>\n'
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_node(numbered_figure, html=(visit, depart))
    app.connect("doctree-read", number_figures, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
