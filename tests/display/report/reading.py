"""Read a report's page back: its headings, tables, pictures and notices."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}


@dataclass
class Read:
    """What is on a page."""

    tags: list = field(default_factory=list)
    headings: list = field(default_factory=list)
    tables: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)
    images: list = field(default_factory=list)
    snippets: list = field(default_factory=list)
    notices: list = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    text: str = ""

    def column(self, caption, title):
        """Return the cells of a column of a table."""
        head, *rows = self.tables[caption]
        place = head.index(title)
        return [row[place] for row in rows]


class Reader(HTMLParser):
    """Fills a `Read`, and asserts that every tag is closed where it must be."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.read, self.open, self.words, self.caption, self.label = Read(), [], [], None, ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.read.tags.append((tag, attrs))
        if tag == "img":
            self.read.images.append(attrs)
        if tag not in VOID:
            self.open.append((tag, attrs))
        if tag == "tr":
            self.row = []
        if tag == "div" and "notice" in attrs.get("class", ""):
            self.read.notices.append("")
        if tag in ("h1", "h2", "h3", "th", "td", "caption", "pre", "dt", "dd"):
            self.words = []

    def handle_data(self, data):
        self.words.append(data)
        if not any(tag == "style" for tag, _ in self.open):
            self.read.text += data
        if any("notice" in attrs.get("class", "") for _, attrs in self.open):
            self.read.notices[-1] += data

    def handle_endtag(self, tag):
        opened, attrs = self.open.pop()
        assert opened == tag, (opened, tag)
        said = "".join(self.words)
        if tag in ("h1", "h2", "h3"):
            self.read.headings.append((tag, said))
        elif tag == "caption":
            assert said not in self.read.tables
            self.caption = said
            self.read.tables[said], self.read.groups[said] = [], []
        elif tag in ("th", "td"):
            self.row.append(said)
        elif tag == "tr":
            grouped = attrs.get("class") == "group"
            where = self.read.groups if grouped else self.read.tables
            where[self.caption].append(self.row[0] if grouped else self.row)
        elif tag == "pre":
            self.read.snippets.append(said)
        elif tag == "dt":
            self.label = said
        elif tag == "dd" and attrs.get("class") != "note":
            self.read.facts[self.label] = said


def read_page(html):
    """Read a page."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    return reader.read
