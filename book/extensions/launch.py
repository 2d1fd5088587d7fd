"""Ways to run a chapter: download it, or open it on Binder or Colab.

The last two need the address of a public repository, which only whoever publishes the book knows:
`make book REPOSITORY=https://github.com/OWNER/NAME`. Colab opens the copies that `write_colab` puts into the
site, from the branch `gh-pages`; their first cell installs the book. The chapters themselves stay as they are.
"""

import copy
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?$")


def checked_repository(url: str) -> str:
    """The address without `.git`; empty if none is given."""
    if not url:
        return ""
    match = GITHUB.match(url)
    if not match:
        raise SystemExit(f"--repository {url!r} is not of the form https://github.com/OWNER/NAME")
    return f"https://github.com/{match[1]}/{match[2]}"


def links(name: str, repository: str) -> dict[str, str]:
    """Text and address of each link that runs the chapter stored as `name`."""
    if not repository:
        return {}
    owner_and_name = repository.removeprefix("https://github.com/")
    lab = quote(f"chapters/{name}", safe="")
    return {
        "Run on Binder": f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?labpath={lab}",
        "Open in Colab": f"https://colab.research.google.com/github/{owner_and_name}/blob/gh-pages/colab/{name}",
    }


def first_cell(repository: str) -> dict:
    """The cell that installs the book on a machine that does not have it."""
    folder = repository.rpartition("/")[2]
    source = [
        "# installs the book beside this notebook; run it once\n",
        f"!test -d {folder} || git clone --quiet --depth 1 {repository} {folder}\n",
        f"%pip install --quiet --editable {folder}\n",
        "import sys\n",
        "\n",
        f'sys.path.insert(0, "{folder}")',
    ]
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def with_first_cell(notebook: dict, repository: str) -> dict:
    """A copy of a chapter that begins with the installation."""
    result = copy.deepcopy(notebook)
    result["cells"].insert(0, first_cell(repository))
    return result


def write_colab(chapters: list[Path], site: Path) -> None:
    """Write the copies for Colab into the site, if it is known where the book can be cloned from."""
    repository = os.environ["BOOK_REPOSITORY"]
    if repository:
        (site / "colab").mkdir(exist_ok=True)
        for path in chapters:
            notebook = with_first_cell(json.loads(path.read_text(encoding="utf-8")), repository)
            text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
            (site / "colab" / path.name).write_text(text, encoding="utf-8")


def add_links(app: Sphinx, doctree: nodes.document) -> None:
    """Put the links below the title of a chapter."""
    name = Path(app.env.doc2path(app.env.docname)).name
    if not name.endswith(".ipynb"):
        return
    line = nodes.paragraph(classes=["launch"])
    line += addnodes.download_reference(
        "", "Download this notebook", reftarget=f"/chapters/{name}", refdoc=app.env.docname
    )
    for text, address in links(name, app.config.book_repository).items():
        line += [nodes.Text(" · "), nodes.reference("", text, refuri=address)]
    title = next(iter(doctree.findall(nodes.title)))
    title.parent.insert(title.parent.index(title) + 1, line)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("book_repository", "", "env", [str])
    app.connect("doctree-read", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
