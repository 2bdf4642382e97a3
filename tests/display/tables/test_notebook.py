"""Tables in a notebook, whose theme has rules for tables of its own, in a real browser."""

import pytest

from tests.browsers import CHROMIUM, OPTIONS
from tests.display.tables.samples import make_tables

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

# What JupyterLab's theme says of tables, with its colours; it comes after the table's own rules.
PAGE = """<!doctype html><body><div class="jp-RenderedHTMLCommon jp-RenderedHTML">%s</div>
<style>
.jp-RenderedHTMLCommon table { border: none; table-layout: fixed; margin-left: auto; }
.jp-RenderedHTMLCommon thead { border-bottom: 1px solid #bdbdbd; vertical-align: bottom; }
.jp-RenderedHTMLCommon td, .jp-RenderedHTMLCommon th, .jp-RenderedHTMLCommon tr {
  vertical-align: middle; padding: 0.5em; white-space: normal; border: none; }
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon td,
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon th,
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon tr { text-align: right; }
.jp-RenderedHTMLCommon th { font-weight: bold; }
.jp-RenderedHTMLCommon tbody tr:nth-child(odd) { background: white; }
.jp-RenderedHTMLCommon tbody tr:nth-child(even) { background: #f5f5f5; }
</style>"""
STYLES = """(selector) => [...document.querySelectorAll(selector)].map(one => {
    const style = getComputedStyle(one);
    return [style.textAlign, style.backgroundColor, style.borderTopWidth, style.whiteSpace];
})"""


def test_the_theme_of_a_notebook_does_not_get_in():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = chromium.new_page()
        page.set_content(PAGE % make_tables()["wide"].as_html())
        clear = "rgba(0, 0, 0, 0)"
        assert {row[1] for row in page.evaluate(STYLES, "tr, td, th")} == {clear}
        names = page.evaluate(STYLES, "tbody th")
        assert {(row[0], row[3]) for row in names} == {("left", "nowrap")}
        assert {row[0] for row in page.evaluate(STYLES, "thead th[colspan]")} == {"center"}
        assert page.evaluate(STYLES, "table")[0][2] == "2px"
        rules = page.evaluate(STYLES, "tbody tr:first-child > *")
        assert {row[2] for row in rules} == {"1px"}
        chromium.close()
