"""What the pages of the reference are made of: tables of names, and the entries under them."""

from __future__ import annotations

import argparse
import inspect
import os
import pydoc
import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.ext.autosummary import Autosummary
from sphinx.util.docutils import SphinxDirective

# How a docstring names what holds all of it.
SENTENCE = re.compile(r"\b[Ss]ee (`.*?)\.(?:\s|$)")
ENTRY = re.compile(r"^   (mlelogit[\w.]+)$", re.MULTILINE)
NAME = re.compile(r"`(mlelogit(?:\.\w+)+)`")


def find_homes(documented):
    """Return the names that a docstring says to see."""
    said = SENTENCE.findall(" ".join((documented or "").split()))
    return list(dict.fromkeys(name for sentence in said for name in NAME.findall(sentence)))


def list_members(value):
    """Return the names of a class's public methods and properties that are this package's own."""
    found = {}
    for home in reversed(value.__mro__):
        if home.__module__.startswith("mlelogit."):
            found |= {name: what for name, what in vars(home).items() if name[0] != "_"}
    return [name for name, what in found.items() if is_own(what)]


def is_own(what):
    """Return whether a member is a method or property written in this package."""
    function = getattr(what, "__func__", getattr(what, "fget", getattr(what, "func", what)))
    ours = str(getattr(function, "__module__", "")).startswith("mlelogit")
    return ours and inspect.isfunction(function) and bool(function.__doc__)


class TableOfNames(Autosummary):
    """An autosummary that leads on to the functions that the docstrings point to."""

    def get_items(self, names):
        """Return name, signature, summary and full name of each, with links in the summary."""
        return [self._extend(item) for item in super().get_items(names)]

    @staticmethod
    def _extend(item):
        name, signature, summary, real = item
        documented = inspect.getdoc(pydoc.locate(real)) or ""
        homes = find_homes(documented)
        if inspect.ismodule(pydoc.locate(real)) or "Parameters\n---" in documented or not homes:
            return item
        links = ", ".join(f":py:obj:`{home.rpartition('.')[2]} <{home}>`" for home in homes)
        return name, signature, f"{summary.rstrip('.')}: {links}", real


class Names(SphinxDirective):
    """A table of dotted names, one a line, and under it the entry of each.

    The option "table" leaves the entries out, which then stand elsewhere; "fields" leaves out the
    methods of classes that users read and do not ask.
    """

    has_content = True
    option_spec: ClassVar = {"table": directives.flag, "fields": directives.flag}

    def run(self):
        """Return the table and the entries."""
        names = [line.strip() for line in self.content if line.strip()]
        lines = [".. table-of-names::", "   :nosignatures:", ""]
        lines += [f"   {'~' if name.count('.') > 1 else ''}{name}" for name in names]
        if "table" not in self.options:
            for name in names:
                lines += ["", *describe(name, "fields" in self.options)]
        # An entry of a module makes it the one that names below it are looked up in.
        lines += ["", ".. py:currentmodule:: None"]
        box = nodes.container()
        self.state.nested_parse(StringList(lines, source="names"), self.content_offset, box)
        return box.children


def describe(name, fields=False):
    """Return the directive that makes a name's entry."""
    value = pydoc.locate(name)
    if value is None:
        raise ValueError(f"The reference names {name}, which does not exist.")
    if inspect.ismodule(value):
        heading = [f".. py:module:: {name}", "", f".. rubric:: {name}", ""]
        return [*heading, f".. automodule:: {name}", "   :no-index:"]
    if not inspect.isclass(value):
        return [f".. autofunction:: {name}"]
    lines = [f".. autoclass:: {name}"]
    members = list_members(value)
    if members and not fields:
        lines += [f"   :members: {', '.join(members)}"]
    return lines


class ExceptionTable(SphinxDirective):
    """A row for every error and warning: when it comes, and what to do."""

    required_arguments = 1
    option_spec: ClassVar = {"warnings": directives.flag}

    def run(self):
        """Return the table, whose cells are what links to the names lead to."""
        home = pydoc.locate(self.arguments[0])
        named = sorted(home.__all__)
        warn = "warnings" in self.options
        rows = [getattr(home, name) for name in named]
        rows = [value for value in rows if issubclass(value, Warning) == warn]
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 30 35 35"]
        lines += ["   :class: names", "", "   * - Name", "     - When", "     - What to do"]
        for value in rows:
            when, remedy = split_remedy(value)
            lines += [f"   * - :py:exc:`{value.__name__} <{home.__name__}.{value.__name__}>`"]
            lines += [f"       {name_bases(value, home)}", f"     - {when}", f"     - {remedy}"]
        box = nodes.container()
        self.state.nested_parse(StringList(lines, source="exceptions"), self.content_offset, box)
        entries = [entry[0] for body in box.findall(nodes.tbody) for entry in body]
        for value, entry in zip(rows, entries, strict=True):
            self._note(f"{home.__name__}.{value.__name__}", entry)
        return box.children

    def _note(self, name, entry):
        """Make a cell what links to a name lead to."""
        entry["ids"].append(name)
        self.state.document.note_explicit_target(entry)
        self.env.get_domain("py").note_object(name, "exception", name, location=entry)


class CommandLine(SphinxDirective):
    """What a command says to --help."""

    required_arguments = 1

    def run(self):
        """Return the help as it is printed."""
        from mlelogit.terminal.commands import make_parser

        parser = next(find_commands(make_parser()))[self.arguments[0]]
        text = parser.format_help()
        return [nodes.literal_block(text, text, language="text")]


def find_commands(parser):
    """Yield the commands of a parser: name -> parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield action.choices


def split_remedy(value):
    """Return the two paragraphs of an exception's docstring: when it comes, what to do."""
    when, remedy = inspect.getdoc(value).split("\n\n")
    return " ".join(when.split()), " ".join(remedy.split())


def name_bases(value, home):
    """Return in words what else catches an exception, where that is not only the common base."""
    common = (home.MNLogitError, home.MNLogitWarning, ValueError, UserWarning)
    bases = [f"`{base.__name__}`" for base in value.__bases__ if base not in common]
    return f"(a kind of {' and '.join(bases)})" if bases else ""


def resolve_short_name(app, env, node, contnode):
    """Resolve `name` where one entry of the reference, and only one, ends in it."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target:
        return None
    domain = env.get_domain("py")
    target = target.replace("mlelogit.MNLogitResults", "mlelogit.results.MNLogitResults")
    ends = [target] if target in domain.objects else []
    ends += [name for name in domain.objects if name.endswith(f".{target}")]
    exact = [name for name in ends if name.startswith(node.get("py:class") or "\0")]
    homes = ("mlelogit", "mlelogit.exceptions", "mlelogit.results.MNLogitResults")
    tops = [f"{home}.{target.removeprefix('results.')}" for home in homes]
    short = [name for name in tops if name in domain.objects]
    for found in (exact, short, ends):
        if len(found) == 1:
            entry = domain.objects[found[0]]
            return make_link(app, node, entry, found[0], contnode)
    return None


def make_link(app, node, entry, name, contnode):
    """Return the link to an entry."""
    from sphinx.util.nodes import make_refnode

    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, [contnode], name)


def link_types(app):
    """Make our classes and errors links in lists of parameters and errors, and no other word."""
    home = pydoc.locate("mlelogit.exceptions")
    named = [f"{home.__name__}.{name}" for name in home.__all__]
    for page in sorted(Path(app.srcdir, "reference").glob("*.md")):
        named += ENTRY.findall(page.read_text(encoding="utf-8"))
    classes = [name for name in named if inspect.isclass(pydoc.locate(name))]
    links = {name.rpartition(".")[2]: name for name in reversed(classes)}
    # After numpydoc has put links into it that lead to other sites.
    app.config.numpydoc_xref_aliases_complete = links


def setup(app):
    """Offer the directives to Sphinx."""
    app.add_directive("table-of-names", TableOfNames)
    app.add_directive("names", Names)
    # argparse wraps help to the terminal, and every reader is to see the same.
    os.environ["COLUMNS"] = "100"
    app.add_directive("command-line", CommandLine)
    app.add_directive("exception-table", ExceptionTable)
    app.connect("builder-inited", link_types, priority=900)
    app.connect("missing-reference", resolve_short_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
