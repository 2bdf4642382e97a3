"""Look at the documentation as it was built: ``python -m tests.website FOLDER``.

Every link inside leads to a page and a place on it, nothing is fetched from elsewhere, and, where
there is a browser, every page fits a wide and a narrow screen, runs without a complaint, shows
its formulas, and the search finds what it should with the network cut off.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.browsers import CHROMIUM, OPTIONS

# Attributes that fetch something when a page opens; links are followed by readers only.
FETCHES = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
# Relations that fetch nothing.
NAMES_ONLY = {"next", "prev", "index", "search", "author", "canonical", "copyright"}
WIDTHS = (400, 1400)
# A word, and the page that whoever asks for it must find.
SEARCHES = {"certificate": "explanation/certificate", "MNLogitResults": "reference/"}
SHOWN = 20
FOUND = "#search-results li a"
# The number of pages that it found stands above the list when all of them are there.
SEARCHED = "document.querySelector('.search-summary')?.innerText.match(/\\d/)"
# What browsers say of excerpts, which the search asks for and files do not give to each other.
EXCERPTS = re.compile(
    r"Access to fetch at 'file:.*\.html'|Failed to fetch"
    r"|Failed to load resource: net::ERR_FAILED|not loaded: file:.*\.html"
)
# Milliseconds; a search of these pages takes some tenths of a second.
PATIENCE = 10_000
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
FORMULAS_LEFT = """
() => [...document.querySelectorAll('.math')].filter(one => !one.querySelector('mjx-container')
    || one.querySelector('mjx-merror')).map(one => one.textContent.slice(0, 60))
"""


class Page(HTMLParser):
    """The links, the fetched files and the named places of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        relations = set(found.get("rel", "").split())
        if tag in FETCHES and FETCHES[tag] in found and not relations & NAMES_ONLY:
            self.fetched.append(found[FETCHES[tag]])


def list_pages(folder: Path) -> list[Path]:
    """Return the pages of a site, without the parts that its theme keeps as files."""
    return sorted(path for path in folder.rglob("*.html") if "_static" not in path.parts)


def check_fetched(path: Path, page: Page) -> Iterator[str]:
    """Say what a page fetches from another host, or finds missing."""
    for url in page.fetched:
        parts = urlsplit(url)
        if parts.netloc:
            yield f"fetches {url}"
        elif not parts.scheme and not (path.parent / unquote(parts.path)).is_file():
            yield f"needs {url}, which is not there"


def check_links(path: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Say which links of a page inside the site lead nowhere."""
    for url in pages[path].links:
        parts = urlsplit(url)
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if parts.scheme or parts.netloc:
            continue
        # Sources link back under the name of the module, whatever the page calls them.
        known = target in pages and parts.fragment and "_modules" not in path.parts
        if not target.is_file():
            yield f"links to {url}, which is not there"
        elif known and unquote(parts.fragment) not in pages[target].places:
            yield f"links to {url}, which has no such place"


def check_files(folder: Path) -> Iterator[str]:
    """Say which links lead nowhere, and what is fetched from other hosts."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in list_pages(folder)}
    if not pages:
        yield f"{folder} holds no page"
    for path, page in pages.items():
        name = path.relative_to(folder)
        wrong = [*check_fetched(path, page), *check_links(path, pages)]
        yield from (f"{name} {what}" for what in wrong)


def look(folder: Path) -> Iterator[str]:
    """Say what a reader with a browser and without a network would stumble over."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        context = browser.new_context(offline=True)
        view = context.new_page()
        said: list[str] = []
        view.on("console", lambda told: told.type == "error" and said.append(told.text))
        view.on("pageerror", lambda error: said.append(str(error)))
        view.on("requestfailed", lambda request: said.append(f"not loaded: {request.url[:100]}"))
        for path in list_pages(folder):
            if "_modules" not in path.parts:
                name = path.relative_to(folder)
                said.clear()
                yield from (f"{name}{what}" for what in look_at(view, path))
                yield from (f"{name}: {text}" for text in said)
        for word, page in SEARCHES.items():
            said.clear()
            yield from search(view, folder, word, page)
            yield from (f"searching {word}: {one}" for one in said if not EXCERPTS.match(one))
        browser.close()


def look_at(view: Any, path: Path) -> Iterator[str]:
    """Say what is wrong with a page that is opened: formulas as written, and what sticks out."""
    view.goto(path.as_uri())
    if view.query_selector(".math"):
        view.evaluate("async () => { await window.MathJax?.startup?.promise }")
        yield from (f": not set: {text}" for text in view.evaluate(FORMULAS_LEFT))
    for width in WIDTHS:
        view.set_viewport_size({"width": width, "height": 900})
        if (over := view.evaluate(OVERFLOW)) > 0:
            yield f" is {over} px wider than a screen of {width}"


def search(view: Any, folder: Path, word: str, page: str) -> Iterator[str]:
    """Say if the page that a word is about is not among the first that the search finds."""
    from playwright.sync_api import TimeoutError as TooLate

    view.goto(f"{(folder / 'search.html').as_uri()}?q={word}")
    with suppress(TooLate):
        view.wait_for_function(SEARCHED, timeout=PATIENCE)
    links = view.eval_on_selector_all(FOUND, "all => all.map(a => a.href)")
    if not any(page in link for link in links[:SHOWN]):
        yield f"searching {word} does not find {page} among the first {SHOWN} of {len(links)}"


def main() -> int:
    """Check the folder named on the command line; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser("python -m tests.website", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    wrong = list(check_files(folder))
    if CHROMIUM:
        wrong += look(folder)
    else:
        print("Without chromium nothing is looked at in a browser.", file=sys.stderr)
    for line, times in Counter(wrong).items():
        print(line if times == 1 else f"{line} ({times} times)", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
