"""Sphinx configuration; building needs no network."""

import mlelogit

project = "mlelogit"
author = "The mlelogit developers"
copyright = "2026, The mlelogit developers"
version = release = mlelogit.__version__

extensions = [
    "myst_nb",
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

# Pages with a kernel in their head are notebooks: they run when the documentation is built, and
# an error or an unforeseen warning in them fails it.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_output_stderr = "warn"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["notebook.css"]
html_title = f"mlelogit {release}"


def setup(app):
    """Tell browsers and screen readers which pages are in Japanese."""

    def name_language(_app, page, _template, context, _doctree):
        if page.endswith(".ja"):
            context["language"] = "ja"

    app.connect("html-page-context", name_language)
