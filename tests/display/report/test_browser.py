"""The report in a real browser: light and dark, narrow and wide, on paper and by ear."""

import re

import pytest

import mlelogit as ml
from tests.browsers import CHROMIUM, OPTIONS
from tests.reference_cases import load_case

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")

WIDTHS = (400, 1400)
# Elements that stick out of the page, other than inside what scrolls by itself.
STICKS_OUT = """
() => [...document.querySelectorAll('body *')].filter(one => {
    if (one.closest('.scroll, pre, .skip')) return false;
    const box = one.getBoundingClientRect();
    return box.width > 0 && (box.right > window.innerWidth + 0.5 || box.left < -0.5);
}).map(one => one.outerHTML.slice(0, 120))
"""
# Scrolling containers that are wider than the page.
WIDE_CONTAINERS = """
() => [...document.querySelectorAll('.scroll, pre')].filter(one =>
    one.getBoundingClientRect().right > window.innerWidth + 0.5
).length
"""


def make_pages():
    anes = ml.datasets.load_anes96()
    wide = ml.mnlogit("PID ~ selfLR + C(vote)", anes).fit()
    case = load_case("iris")
    separated = ml.mnlogit(case.formula, case.data, **case.options).fit()
    return {"seven categories": wide, "separated": separated}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.warns(ml.exceptions.SeparationWarning):
        fits = make_pages()
    paths = {}
    for number, (name, res) in enumerate(fits.items()):
        paths[name] = folder / f"{number}.html"
        res.report(paths[name])
    return paths


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, pages):
    opened = []

    def start(name, width=1400, scheme="light"):
        view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        said, asked = [], []
        view.on("console", lambda message: said.append(message.text))
        view.on("pageerror", lambda error: said.append(str(error)))
        view.on("request", lambda request: asked.append(request.url))
        view.goto(pages[name].as_uri())
        opened.append(view)
        return view, said, asked

    yield start
    for view in opened:
        view.close()


def wait_until(view, condition):
    """Wait for what the page's own policy keeps playwright from waiting for."""
    for _ in range(100):
        if view.evaluate(condition):
            return
        view.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


@pytest.mark.parametrize("name", ["seven categories", "separated"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_says_nothing_and_asks_for_nothing(open_page, pages, name, scheme):
    view, said, asked = open_page(name, WIDTHS[0], scheme)
    for width in WIDTHS:
        view.set_viewport_size({"width": width, "height": 900})
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        assert view.evaluate(STICKS_OUT) == []
        assert view.evaluate(WIDE_CONTAINERS) == 0
    assert view.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert said == []
    assert {url for url in asked if not url.startswith("data:")} == {pages[name].as_uri()}
    background = view.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in re.findall(r"\d+", background)]
    assert (max(levels) < 64) == (scheme == "dark")


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        ("seven categories", "light", 400),
        ("separated", "dark", 400),
        ("separated", "light", 1400),
    ],
)
def test_a_page_can_be_used_by_everybody(open_page, name, scheme, width):
    view, _, _ = open_page(name, width, scheme)
    found = axe.Axe().run(view)
    assert found.violations_count == 0, found.generate_report()


def test_pictures_are_whole_on_a_small_screen(open_page):
    view, _, _ = open_page("seven categories", 400)
    cut = view.evaluate(
        "() => [...document.querySelectorAll('figure .scroll')].filter("
        "one => one.scrollWidth > one.clientWidth).length"
    )
    assert cut == 0


def test_what_is_hidden_sideways_is_reached_by_the_keyboard(open_page):
    view, _, _ = open_page("seven categories", 400)
    moved = view.evaluate(
        "() => { const one = [...document.querySelectorAll('.scroll')].find("
        "one => one.scrollWidth > one.clientWidth); one.focus(); return "
        "document.activeElement === one; }"
    )
    assert moved
    view.keyboard.press("ArrowRight")
    wait_until(view, "document.activeElement.scrollLeft > 0")


def test_links_of_the_contents_lead_to_their_sections(open_page):
    view, _, _ = open_page("seven categories")
    view.click("nav a[href='#effects']")
    wait_until(
        view, "Math.abs(document.getElementById('effects').getBoundingClientRect().top) < 60"
    )


def test_paper_has_pages_with_words_that_can_be_selected(open_page, tmp_path):
    view, _, _ = open_page("seven categories", 1400, "dark")
    view.emulate_media(media="print")
    ink = view.evaluate("getComputedStyle(document.body).color")
    assert max(int(level) for level in re.findall(r"\d+", ink)) < 64
    assert view.evaluate(
        "[...document.querySelectorAll('.scroll')].every("
        "one => getComputedStyle(one).overflowX === 'visible')"
    )
    path = tmp_path / "fit.pdf"
    view.pdf(path=str(path), prefer_css_page_size=True)
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 5
    # Words can be selected if fonts say which character each of their glyphs is.
    assert b"/ToUnicode" in content
    assert b"/Font" in content


def test_nothing_is_cut_off_at_the_edge_of_the_paper(open_page):
    view, _, _ = open_page("seven categories", 1400)
    # A4 less its margins, in dots of 1/96 inch.
    view.set_viewport_size({"width": round((210 - 28) / 25.4 * 96), "height": 1000})
    view.emulate_media(media="print")
    width = view.evaluate("window.innerWidth")
    wide = view.evaluate(
        "() => [...document.querySelectorAll('table, img, pre')].filter("
        "one => one.getBoundingClientRect().right > window.innerWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 200))"
    )
    assert wide == [], width
