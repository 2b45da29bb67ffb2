"""What Sphinx asks: `build.py` lays the sources out beside this file's pages and calls it."""
# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]  # the extensions below, and this checkout's code

from chinese import TRANSLATED  # noqa: E402

from mla_core.version import __version__  # noqa: E402

project = "MLA Lab"
author = "MLA Lab contributors"
copyright = "MLA Lab contributors, MIT licensed"  # noqa: A001 - Sphinx calls it so
version = release = __version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "chinese",
    "mathml",
]
exclude_patterns = ["README.md"]  # included by the first pages
default_role = "py:obj"  # `name` is a link where it names something, and code elsewhere
templates_path = [str(HERE / "templates")]

language = "en"  # `build.py` builds the Chinese pages, too
locale_dirs = [str(HERE / "locale")]
gettext_compact = False  # a catalogue for each page
gettext_location = False  # a line more on a page is no change of its texts
gettext_uuid = False
html_context = {"translated": TRANSLATED}

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 4

nb_execution_mode = "off"  # `notebooks.py` has executed them
nb_ipywidgets_js = {name: {"defer": "defer"} for name in ("kept_model.js", "living.js")}
nb_merge_streams = True

autodoc_typehints = "none"  # the docstrings say the types, in words
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = "MLA Lab"
html_static_path = [str(HERE / "static"), str(ROOT / "widgets" / "page" / "kept_model.js")]
html_css_files = ["site.css"]
html_js_files = [("figures.js", {"defer": "defer"})]
html_extra_path = [str(ROOT / "docs" / "playground.html")]
toc_object_entries = False  # the reference has hundreds, and every page would carry them
html_show_search_summary = False  # a page opened from a folder may not read another
html_show_sourcelink = False
html_copy_source = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
