"""The look at the built documentation sees what is wrong with a site."""

import pytest

import tests.website
from tests.browsers import CHROMIUM
from tests.website import check_files, look

GOOD = '<a href="other.html#there">x</a><a href="https://example.org/">y</a><img src="a.png">'
OTHER = '<p id="there">z</p><a href="index.html">back</a>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "other.html").write_text(OTHER)
    return tmp_path


def test_a_site_whose_links_lead_somewhere_is_passed(site):
    assert list(check_files(site)) == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ('<a href="gone.html">x</a>', "links to gone.html, which is not there"),
        ('<a href="other.html#no">x</a>', "links to other.html#no, which has no such place"),
        ('<a href="#no">x</a>', "links to #no, which has no such place"),
        ('<script src="https://example.org/x.js"></script>', "fetches https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "fetches //example.org/x.css"),
        ('<img src="gone.png">', "needs gone.png, which is not there"),
    ],
)
def test_what_is_wrong_is_said_with_the_page(site, part, said):
    (site / "index.html").write_text(GOOD + part)
    assert list(check_files(site)) == [f"index.html {said}"]


def test_an_empty_folder_is_no_site(tmp_path):
    assert list(check_files(tmp_path)) == [f"{tmp_path} holds no page"]


@pytest.fixture
def browser(monkeypatch):
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    pytest.importorskip("playwright", reason="playwright is not installed")
    monkeypatch.setattr("tests.website.SEARCHES", {})


@pytest.mark.usefixtures("browser")
def test_a_browser_sees_what_sticks_out_and_what_fails(site):
    (site / "a.png").unlink()
    body = '<meta name="viewport" content="width=device-width"><div style="width: 500px">x</div>'
    (site / "other.html").write_text(body)
    (site / "index.html").write_text('<img src="a.png"><script>undefined_name</script>')
    said = sorted(look(site))
    assert "other.html is 108 px wider than a screen of 400" in said
    assert any(line.startswith("index.html: not loaded") for line in said)
    assert any("undefined_name is not defined" in line for line in said)
    assert len([line for line in said if line.startswith("other.html")]) == 1


@pytest.mark.usefixtures("browser")
def test_a_browser_sees_formulas_that_are_not_set(site):
    done = '<span class="math"><mjx-container>x</mjx-container></span>'
    wrong = '<span class="math"><mjx-container><mjx-merror>bad</mjx-merror></mjx-container></span>'
    (site / "index.html").write_text(f'{done}<span class="math">\\(a^2\\)</span>{wrong}')
    assert list(look(site)) == [
        "index.html: not set: \\(a^2\\)",
        "index.html: not set: bad",
    ]


SUMMARY = '<p class="search-summary">Found {} pages.</p><ul id="search-results">{}</ul>'
LINK = '<li><a href="{}.html">x</a></li>'


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SUMMARY.format(1, LINK.format("there")), []),
        (SUMMARY.format(1, LINK.format("else")), ["does not find there among the first 20 of 1"]),
        (
            SUMMARY.format(21, 20 * LINK.format("else") + LINK.format("there")),
            ["does not find there among the first 20 of 21"],
        ),
        (SUMMARY.format("no", ""), ["does not find there among the first 20 of 0"]),
        ("", ["does not find there among the first 20 of 0"]),
        (
            SUMMARY.format(1, LINK.format("there")) + "<script>console.error('oh')</script>",
            [": oh"],
        ),
        (
            SUMMARY.format(1, LINK.format("there")) + "<script>fetch('other.html')</script>",
            [],
        ),
    ],
    ids=["found", "another", "too far down", "nothing", "no search at all", "complaint", "excerpt"],
)
def test_a_browser_sees_what_the_search_does_not_find(site, monkeypatch, body, said):
    monkeypatch.setattr("tests.website.PATIENCE", 500)
    monkeypatch.setattr("tests.website.SEARCHES", {"word": "there"})
    (site / "search.html").write_text(body)
    told = [line for line in look(site) if line.startswith("searching")]
    assert [line.removeprefix("searching word").strip() for line in told] == said


def test_a_search_is_not_waited_for_without_end():
    assert tests.website.PATIENCE <= 10_000
