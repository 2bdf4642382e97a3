"""Lay the coefficients of several models out side by side."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.facts import OMITTED
from mlelogit.display.tables.layout import Cell, Group, Layout, Row, Section
from mlelogit.display.tables.models import (
    Equation,
    Headings,
    Model,
    Rows,
    choose_rows,
    find_headings,
    identify,
)
from mlelogit.display.tables.notes import write_notes
from mlelogit.display.tables.numbers import (
    find_decimals,
    write_fixed,
    write_number,
    write_p,
    write_ratio,
)
from mlelogit.display.tables.request import TableRequest
from mlelogit.display.tables.statistics import tabulate_foot
from mlelogit.inference.coefficients import NUMBERS
from mlelogit.letters import write_name

EMPTY = Cell("")
Key = tuple[int, Equation, Hashable]


def lay_out(models: list[Model], request: TableRequest) -> tuple[Layout, pd.DataFrame]:
    """Return what a table says, and its coefficients as numbers.

    Returns
    -------
    layout : Layout
    numbers : pandas.DataFrame
        Not rounded; see `mlelogit.display.tables.table.ModelTable.to_frame`.
    """
    headings, rows = find_headings(models), choose_rows(models, request.names)
    foot, reasons = tabulate_foot(models, request)
    places = _place(models, rows)
    cells = {key: _write_cell(models[key[0]], place, request) for key, place in places.items()}
    build = _build_wide if request.layout == "wide" else _build_long
    groups, sections = build(models, cells, headings, rows, 1 + len(request.below))
    notes = write_notes(models, headings, rows, request, reasons)
    layout = Layout(write_name(request.title or ""), groups, sections, tuple(foot), notes)
    return layout, _frame_numbers(models, places, headings, rows, request.layout)


def _place(models: list[Model], rows: Rows) -> dict[Key, int]:
    """Return where coefficients stand: (model, equation, row) -> row of its tidy frame."""
    found: dict[Key, int] = {}
    for i, model in enumerate(models):
        names = model.encoding.all_names
        for e, equation in enumerate(model.equations):
            for j, name in enumerate(names):
                key = rows.where.get(identify(name))
                if key is not None:
                    found[i, equation, key] = e * len(names) + j
    return found


def _write_cell(model: Model, place: int, request: TableRequest) -> tuple[Cell, ...]:
    """Write a coefficient, and what stands below it."""
    numbers = {name: float(values[place]) for name, values in model.values.items()}
    if place in model.omitted:
        return (Cell(OMITTED), *[EMPTY] * len(request.below))
    mark = model.held.get(place, "")
    estimate = _write_scaled("estimate", numbers, request)
    if mark:
        below = [Cell(mark) if not i else EMPTY for i in range(len(request.below))]
        return (Cell(estimate), *below) if below else (Cell(f"{estimate} {mark}"),)
    stars = request.mark(numbers["p_value"])
    lines = [_write_below(one, numbers, model, request) for one in request.below]
    return (Cell(estimate, stars), *map(Cell, lines))


def _write_below(what: str, numbers: dict[str, float], model: Model, request: TableRequest) -> str:
    digits, marked = request.digits, len(request.below) > 1
    if what == "std_err":
        return f"({_write_scaled(what, numbers, request)})"
    if what == "interval":
        ends = [_write_scaled(end, numbers, request) for end in ("lower", "upper")]
        return f"[{', '.join(ends)}]"
    if what == "z":
        letter = "t" if np.isfinite(model.covariance.df) else "z"
        text = write_ratio(numbers["z"], digits)
        return f"{letter} = {text}" if marked else f"({text})"
    text = write_p(numbers["p_value"], digits)
    sign = f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"
    return sign if marked else f"({text})"


def _write_scaled(what: str, numbers: dict[str, float], request: TableRequest) -> str:
    """Write a number with the decimals of the standard error beside it."""
    text = write_fixed(
        numbers[what], find_decimals(numbers["std_err"], request.digits), request.digits
    )
    # A ratio of zero would be an answer, and no rounding of one.
    lost = request.exponentiate and numbers[what] and not text.strip("-0.")
    return write_number(numbers[what], request.digits) if lost else text


def _build_wide(
    models: list[Model],
    cells: dict[Key, tuple[Cell, ...]],
    headings: Headings,
    rows: Rows,
    depth: int,
) -> tuple[tuple[Group, ...], tuple[Section, ...]]:
    columns = [(i, equation) for i, model in enumerate(models) for equation in model.equations]
    groups = tuple(
        Group(model.name, tuple(headings.name(one, "wide") for one in model.equations))
        for model in models
    )
    made = [
        _make_row(label, [cells.get((*column, key)) for column in columns], depth)
        for key, label in rows.labels.items()
    ]
    return groups, (Section("", tuple(made)),)


def _build_long(
    models: list[Model],
    cells: dict[Key, tuple[Cell, ...]],
    headings: Headings,
    rows: Rows,
    depth: int,
) -> tuple[tuple[Group, ...], tuple[Section, ...]]:
    equations = dict.fromkeys(one for model in models for one in model.equations)
    sections = []
    for equation in equations:
        made = []
        for key, label in rows.labels.items():
            found = [cells.get((i, equation, key)) for i in range(len(models))]
            if any(found):
                made.append(_make_row(label, found, depth))
        sections.append(Section(headings.name(equation, "long"), tuple(made)))
    return tuple(Group(model.name, ("",)) for model in models), tuple(sections)


def _make_row(label: str, found: list[tuple[Cell, ...] | None], depth: int) -> Row:
    stacks = [stack or (EMPTY,) * depth for stack in found]
    return Row(label, tuple(zip(*stacks, strict=True)))


def _frame_numbers(
    models: list[Model], places: dict[Key, int], headings: Headings, rows: Rows, layout: str
) -> pd.DataFrame:
    """Return the coefficients as numbers, labelled as the table is."""
    wide = layout == "wide"
    columns: dict[Any, dict[tuple, float]] = {}
    for i, model in enumerate(models):
        for equation in model.equations:
            column = (i, equation) if wide else i
            values = columns.setdefault(column, {})
            for row, label in rows.labels.items():
                place = places.get((i, equation, row))
                for quantity in NUMBERS if place is not None else ():
                    key = (label, quantity) if wide else (equation, label, quantity)
                    values[key] = float(model.values[quantity][place])
    keys = _order_keys(columns, rows)
    table = [[values.get(key, np.nan) for values in columns.values()] for key in keys]
    if wide:
        heads = [(models[i].name, headings.name(one, layout)) for i, one in columns]
        index = pd.MultiIndex.from_tuples(keys, names=["name", "quantity"])
        names = pd.MultiIndex.from_tuples(heads, names=["model", "category"])
        return pd.DataFrame(table, index=index, columns=names)
    labels = [(headings.name(equation, layout), *rest) for equation, *rest in keys]
    index = pd.MultiIndex.from_tuples(labels, names=["category", "name", "quantity"])
    return pd.DataFrame(
        table, index=index, columns=pd.Index([m.name for m in models], name="model")
    )


def _order_keys(columns: dict[Any, dict[tuple, float]], rows: Rows) -> list[tuple]:
    """Return the keys of all columns: by equation as they come, and by label as the rows do."""
    found = list(dict.fromkeys(key for values in columns.values() for key in values))
    heads = list(dict.fromkeys(key[:-2] for key in found))
    place = {label: i for i, label in enumerate(rows.labels.values())}
    return sorted(found, key=lambda key: (heads.index(key[:-2]), place[key[-2]]))
