"""Sphinx configuration; building needs no network."""

import mlelogit

project = "mlelogit"
author = "The mlelogit developers"
copyright = "2026, The mlelogit developers"
version = release = mlelogit.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
root_doc = "index"
default_role = "py:obj"

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"mlelogit {release}"
