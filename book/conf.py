"""Sphinx configuration of the web book; `book/build.py` runs it."""

import hashlib
import os
import sys
from pathlib import Path

import cnninv

BOOK = Path(__file__).parent
sys.path.insert(0, str(BOOK / "extensions"))

project = "The invertibility of convolutional networks"
author = "The cnninv authors"
copyright = "the cnninv authors; MIT licence"
version = release = cnninv.__version__
language = "en"
html_title = project
html_baseurl = ""

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.githubpages",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "mathematics",
    "reference",
    "figures",
    "launch",
    "statements",
    "accessible",
]
book_repository = os.environ["BOOK_REPOSITORY"]
# all pages are read again when what reads them has changed
book_code = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted((BOOK / "extensions").glob("*.*")))
).hexdigest()

# chapters: as they are stored
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "attrs_inline", "colon_fence", "deflist"]
myst_dmath_double_inline = True
myst_heading_anchors = 3
myst_links_external_new_tab = False

# docstrings
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = ["Source", "Sources"]
add_module_names = False
toc_object_entries_show_parents = "hide"
viewcode_line_numbers = True

# pages
html_theme = "furo"
html_math_renderer = "katex"
html_static_path = [str(BOOK / "static")]
html_favicon = str(BOOK / "static" / "icon.svg")
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_show_sourcelink = False
html_show_sphinx = False
html_copy_source = False
html_permalinks_icon = "¶"
pygments_style = "github-light-high-contrast"
pygments_dark_style = "github-dark-high-contrast"
copybutton_selector = "div.cell_input pre, div.highlight:not(.output *) pre"
copybutton_prompt_text = ">>> "
copybutton_exclude = ".linenos, .gp, .go"

html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#00497a",
        "color-brand-content": "#00559e",
        "color-brand-visited": "#00559e",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8cc4f2",
        "color-brand-content": "#8cc4f2",
        "color-brand-visited": "#8cc4f2",
    },
}
