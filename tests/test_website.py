"""The look at the built documentation sees what is wrong with a site."""

import pytest

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


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_a_browser_sees_what_sticks_out_and_what_fails(site, monkeypatch):
    pytest.importorskip("playwright", reason="playwright is not installed")
    monkeypatch.setattr("tests.website.SEARCHES", {})
    (site / "a.png").unlink()
    body = '<meta name="viewport" content="width=device-width"><div style="width: 500px">x</div>'
    (site / "other.html").write_text(body)
    (site / "index.html").write_text('<img src="a.png"><script>undefined_name</script>')
    said = sorted(look(site))
    assert "other.html is 108 px wider than a screen of 400" in said
    assert any(line.startswith("index.html: not loaded") for line in said)
    assert any("undefined_name is not defined" in line for line in said)
    assert len([line for line in said if line.startswith("other.html")]) == 1
