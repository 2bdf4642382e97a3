"""Separation: which coefficients run to infinity, and which categories are told apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice
from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.style import (
    FAINT,
    INK,
    LABEL_SIZE,
    LINE,
    MINUS,
    PAPER,
    RULE,
    TEXT_SIZE,
    count_lines,
    entitle,
    finish,
    measure_names,
    name_axes,
    place_names,
    wrap_names,
    wrap_sentences,
)
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.report import SeparationReport, find_remedy, report_separation
from mlelogit.notices import import_extra

KINDS = ("coefficients", "categories")
WIDTH = 4.6
CELL_WIDTH, CELL_HEIGHT = 1.0, 0.36
RISING, FALLING, OPEN, FINITE = "#F6C7A8", "#A9CFE8", "#E3E3E3", PAPER
TOLD_APART = "#F6C7A8"
COLUMN_WIDTH = 14


def plot_separation(
    record: FitRecord,
    kind: str = "coefficients",
    canvas: Canvas | None = None,
) -> Any:
    """Draw what separated data leave without a finite estimate; a sentence if there is nothing.

    Parameters
    ----------
    record : FitRecord
    kind : {"coefficients", "categories"}
        A cell for every coefficient, or for every category and another that some of its rows
        cannot be, with their number. The latter does not depend on the base.
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    OptionError
        If the kind is unknown.
    DataNotKeptError
        If categories are asked for and the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.separation(ax=Figure()).texts[0].get_text().split(":")[0]
    'No separation'
    """
    check_choice("kind", kind, KINDS)
    report, canvas = report_separation(record), canvas or Canvas()
    if not record.separation.found:
        return _write_verdict(record, report, canvas)
    if kind == "categories":
        record.need_blocks()
        return _draw_categories(record, report, canvas)
    return _draw_coefficients(record, report, canvas)


def _write_verdict(record: FitRecord, report: SeparationReport, canvas: Canvas) -> Any:
    ax = canvas.open_axes(WIDTH + 0.5, 0.2, "")
    ax.set_axis_off()
    if report.verdict == "undecided":
        said = f"Not decided: {report.proof}. {record.maximum.status.value}"
    else:
        said = (
            f"No separation: {report.proof}. All coefficients are finite. "
            f"Certificate: {record.maximum.certificate}."
        )
    ax.text(
        0.0,
        1.0,
        wrap_sentences(said, WIDTH, LABEL_SIZE),
        transform=ax.transAxes,
        ha="left",
        va="top",
        fontsize=LABEL_SIZE,
        color=INK,
        linespacing=1.3,
    )
    entitle(ax, f"Separation of {record.encoding.outcome_name}", (), WIDTH)
    return finish(ax)


def _draw_coefficients(record: FitRecord, report: SeparationReport, canvas: Canvas) -> Any:
    encoding = record.encoding
    names, others = list(encoding.names), list(encoding.others)
    words = [["finite"] * len(others) for _ in names]
    colors = [[FINITE] * len(others) for _ in names]
    for category, name, limit, sure in report.coefficients.to_numpy(dtype=object):
        i, j = names.index(name), others.index(category)
        words[i][j], colors[i][j] = _write_limit(limit, sure)
    written = [encoding.category_names[encoding.categories.index(c)] for c in others]
    ax = _draw_cells(canvas, words, colors, names, written)
    name_axes(ax, f"Category (against {encoding.category_names[encoding.base]})", width=WIDTH)
    share = f"{report.separated:,} of {report.pairs:,}"
    unsure = any("?" in word for row in words for word in row)
    notes = [
        f"{report.verdict.capitalize()} separation.",
        f"Columns tell {share} pairs of a row and another category apart.",
        "Question mark: the likelihood comes to its supremum otherwise too." if unsure else "",
        find_remedy(record),
    ]
    entitle(ax, "Coefficients without a finite estimate", notes, WIDTH)
    return finish(ax)


def _write_limit(limit: float, sure: Any) -> tuple[str, str]:
    """Return word and colour of an infinite coefficient."""
    if np.isnan(limit):
        return "not determined", OPEN
    word, color = ("+∞", RISING) if limit > 0 else (f"{MINUS}∞", FALLING)
    return (word if sure is True else f"{word} ?"), color


def _draw_categories(record: FitRecord, report: SeparationReport, canvas: Canvas) -> Any:
    encoding = record.encoding
    size = len(encoding.categories)
    words = [["0"] * size for _ in range(size)]
    colors = [[PAPER] * size for _ in range(size)]
    for own, other, rows, _ in report.examples.to_numpy(dtype=object):
        i, j = encoding.categories.index(own), encoding.categories.index(other)
        words[i][j], colors[i][j] = f"{rows:,}", TOLD_APART
    for i in range(size):
        words[i][i], colors[i][i] = "", OPEN
    names = encoding.category_names
    ax = _draw_cells(canvas, words, colors, names, names)
    name_axes(ax, "Category that they cannot be", "Category observed")
    notes = [
        f"{report.verdict.capitalize()} separation.",
        "Numbers are rows of the data whose columns rule the other category out.",
        find_remedy(record),
    ]
    entitle(ax, "Categories told apart", notes, WIDTH)
    return finish(ax)


def _draw_cells(
    canvas: Canvas,
    words: list[list[str]],
    colors: list[list[str]],
    rows: list[Any],
    columns: list[str],
) -> Any:
    """Draw a table of coloured cells with a word in each."""
    names, heads = wrap_names(rows), wrap_names(columns, COLUMN_WIDTH, 4)
    deep = max(1.0, 0.6 * max(map(count_lines, names)))
    width = max(WIDTH, CELL_WIDTH * len(columns)) + measure_names(names)
    below = LINE * max(map(count_lines, heads))
    ax = canvas.open_axes(width, CELL_HEIGHT * deep * len(rows) + below, "")
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    place_names(ax, range(len(rows)), names, linespacing=1.0)
    place_names(ax, range(len(columns)), heads, "x", linespacing=1.0)
    ax.tick_params(length=0)
    patches = import_extra("matplotlib.patches", "plots")
    for i, line in enumerate(words):
        for j, word in enumerate(line):
            corner = j - 0.5, i - 0.5
            cell = patches.Rectangle(corner, 1, 1, fc=colors[i][j], ec=RULE, lw=0.6)
            ax.add_patch(cell)
            ink = FAINT if word in ("finite", "0") else INK
            ax.text(j, i, word, ha="center", va="center", fontsize=TEXT_SIZE, color=ink)
    return ax
