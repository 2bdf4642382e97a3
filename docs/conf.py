"""Sphinx configuration; neither building nor reading needs a network."""

import sys
from pathlib import Path

import mlelogit

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "mlelogit"
author = "The mlelogit developers"
copyright = "2026, The mlelogit developers"
version = release = mlelogit.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # A copy of MathJax, so that formulas show without a network.
    "sphinx-mathjax-offline",
    # Our own: the tables of the reference.
    "reference",
]
# The notebooks that sphinx-gallery offers for download are copies of pages, not pages.
exclude_patterns = ["_build", "_extensions", "gallery", "auto_gallery/**.ipynb"]
root_doc = "index"
default_role = "py:obj"
# A name in single backticks is a link, and one that leads nowhere is told, but for those of others.
nitpicky = True
_OTHERS = "dask|distributed|matplotlib|numpy|pandas|pyarrow|scipy|sklearn|statsmodels|torch"
nitpick_ignore_regex = [("py:.*", rf"({_OTHERS})(\..*)?")]

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

# Pages with a kernel in their head are notebooks: they run when the documentation is built, and
# an error or an unforeseen warning in them fails it.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_output_stderr = "warn"

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "subsection_order": [f"gallery/{part}" for part in ("answers", "checks", "paper", "networks")],
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = False
# A signature longer than this has an argument a line.
maximum_signature_line_length = 80
numpydoc_show_class_members = False
# Our own classes and errors in lists of parameters and errors are links; other words stay words.
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"mlelogit {release}"
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "changelog": [], "contributing": []}
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}


def setup(app):
    """Tell browsers and screen readers which pages are in Japanese."""

    def name_language(_app, page, _template, context, _doctree):
        if page.endswith(".ja"):
            context["language"] = "ja"

    app.connect("html-page-context", name_language)
