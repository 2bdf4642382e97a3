"""What is learned from the data when a formula becomes columns, as plain values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.columns import (
    evaluate_columns,
    evaluate_design,
    find_kind,
    is_wide,
    list_direct_terms,
    list_stateful,
    prepare_columns,
    tidy_name,
)
from mlelogit.data.expressions import show_names
from mlelogit.data.factors import check_coded, check_doubles, check_levels
from mlelogit.data.formulas import ParsedFormula
from mlelogit.data.frames import (
    as_frame,
    as_numbers,
    check_finite,
    check_missing,
    find_missing,
    is_boolean,
    list_some,
)
from mlelogit.data.outcome import name_categories
from mlelogit.data.widths import check_widths
from mlelogit.exceptions import ColumnNotFoundError, FormulaError, UnseenLevelError
from mlelogit.notices import in_turn


@dataclass(frozen=True)
class Encoding:
    """How rows of data become rows of the design, and what the categories are.

    Made by `mlelogit.mnlogit` and `mlelogit.MNLogit`, whose ``encoding`` it is.

    Attributes
    ----------
    names : tuple
        Names of the K columns of the design.
    categories : tuple
        The J categories, in order.
    base : int
        Position of the base category.
    declared : tuple
        The categories in order with the unused ones.
    offset_layout : tuple or None
        The category of every column of the offset as it was given.
    offset_names : tuple
        The columns of the data it was, if it was given by name.
    outcome_name : Hashable
    outcome_kind : str
        "labels", "counts" or "probabilities".
    formula : str or None
        The formula as given; None for arrays.
    rhs : str or None
        Its right side, checked.
    variables : tuple of str
        The columns of the data that the right side needs.
    kinds : dict
        Variable -> "number" or "category".
    numbers : frozenset of str
        The variables that stand somewhere else than directly inside ``C()``.
    truths : frozenset
        The variables that are numbers and were truth values in the fit's own rows; of an array
        its columns.
    terms : dict
        Term -> (start, stop) of its columns.
    levels : dict
        Categorical factor -> list of its levels.
    transform_state : dict
        Transform -> what it learned (means, knots, ...).
    wide : bool
        Whether the formula makes so many columns that they are made sparse.
    omitted : dict
        Column left out -> the combination of others that it is.
    columns : tuple
        All columns, with those left out, in the order of the data; `names` if none is.
    frame_kind : str
        "pandas", "polars" or "pyarrow": the frame that the data came in, in which tables are
        given back; "pandas", too, if it was none. Nothing that was learned depends on it.
    constant : Hashable or None
        The column of ones that was put beside the user's own columns, which new rows need not
        have; None if there is none, or a formula.
    """

    names: tuple
    categories: tuple
    base: int
    outcome_name: Hashable
    outcome_kind: str
    declared: tuple
    offset_layout: tuple | None = None
    offset_names: tuple = ()
    formula: str | None = None
    rhs: str | None = None
    variables: tuple[str, ...] = ()
    kinds: dict[str, str] | None = None
    numbers: frozenset[str] = frozenset()
    truths: frozenset = frozenset()
    terms: dict[str, tuple[int, int]] | None = None
    levels: dict[str, list] | None = None
    transform_state: dict[str, Any] | None = None
    wide: bool = False
    omitted: dict[Any, str] = field(default_factory=dict)
    columns: tuple = ()
    frame_kind: str = field(default="pandas", compare=False)
    constant: Hashable | None = None

    @property
    def all_names(self) -> tuple:
        """Names of all columns, with those left out."""
        return self.columns or self.names

    @property
    def kept(self) -> list[int]:
        """Positions among all columns of those that are used."""
        return [i for i, name in enumerate(self.all_names) if name not in self.omitted]

    @property
    def needed(self) -> tuple:
        """The columns that new data must have."""
        if self.rhs is not None:
            return self.variables
        return tuple(name for name in self.names if self.constant is None or name != self.constant)

    @property
    def base_category(self) -> Any:
        """The base category itself."""
        return self.categories[self.base]

    @property
    def others(self) -> tuple:
        """The J - 1 categories that have coefficients, in order."""
        return self.categories[: self.base] + self.categories[self.base + 1 :]

    @property
    def category_names(self) -> list[str]:
        """The categories as text, all different."""
        return name_categories(self.categories)

    def without(self, omitted: dict[Any, str]) -> Encoding:
        """Return the encoding with more columns left out; name -> why."""
        anew = replace(
            self,
            names=tuple(name for name in self.names if name not in omitted),
            omitted=self.omitted | omitted,
            columns=self.all_names,
        )
        if self.terms is None:
            return anew
        gone = np.cumsum([0, *(name in omitted for name in self.names)])
        terms = {
            term: (start - int(gone[start]), stop - int(gone[stop]))
            for term, (start, stop) in self.terms.items()
        }
        return replace(anew, terms=terms)

    def with_base(self, base: int) -> Encoding:
        """Return the same encoding with another base category."""
        return replace(self, base=base)


@dataclass(frozen=True)
class EncodedColumns:
    """Columns made from a formula, and what was learned on the way.

    Attributes
    ----------
    matrix : numpy.ndarray or scipy.sparse.csr_array
        The design (n, K), float64.
    learned : dict
        Fields of `Encoding` from `names` on that the formula fills.
    """

    matrix: Any
    learned: dict[str, Any]


def learn_columns(
    parsed: ParsedFormula, frame: pd.DataFrame, state: dict[str, Any] | None = None
) -> EncodedColumns:
    """Evaluate a checked formula on data without missing values and learn its encoding.

    Parameters
    ----------
    parsed : ParsedFormula
    frame : pandas.DataFrame
        Its variables, on the rows used.
    state : dict, optional
        What transforms have learned from other rows; from these if not given.

    Raises
    ------
    ColumnTypeError
        If a variable is a date, a duration or complex.
    InfiniteValueError, MissingDataError
        If a transform gives values that are not finite.
    """
    kinds = {name: find_kind(frame[name]) for name in parsed.variables}
    prepared = prepare_columns(frame, kinds, parsed.numbers, learning=True)
    check_widths(parsed.rhs, prepared, kinds)
    for name in parsed.numbers.intersection(chain(*list_direct_terms(parsed.rhs, kinds))):
        check_doubles(frame[name], name)
    wide = is_wide(parsed.rhs, prepared, kinds)
    evaluated = evaluate_columns(parsed.rhs, prepared, state or {}, {}, wide)
    learned = list_learned(parsed, evaluated.spec, wide)
    check_levels(evaluated.factors, learned["levels"], "{} has levels that its levels= leaves out")
    truths = frozenset(
        name for name in kinds if kinds[name] == "number" and is_boolean(frame[name])
    )
    return EncodedColumns(evaluated.matrix, learned | {"kinds": kinds, "truths": truths})


def list_learned(parsed: ParsedFormula, spec: Any, wide: bool) -> dict[str, Any]:
    """Return the fields of `Encoding` that a formula and its structure in formulaic fill."""
    terms, start = {}, 0
    for row in spec.structure:
        terms[tidy_name(str(row.term))] = (start, start + len(row.columns))
        start += len(row.columns)
    return {
        "names": tuple(tidy_name(name) for name in spec.column_names),
        "formula": parsed.text,
        "rhs": parsed.rhs,
        "variables": parsed.variables,
        "numbers": parsed.numbers,
        "terms": terms,
        "levels": {
            show_names(expr): list(state["categories"])
            for expr, (_, state) in spec.encoder_state.items()
            if "categories" in state
        },
        "transform_state": {show_names(key): value for key, value in spec.transform_state.items()},
        "wide": wide,
    }


def learn_state(parsed: ParsedFormula, frame: pd.DataFrame, kept: np.ndarray) -> dict[str, Any]:
    """Learn what the formula's transforms keep of the data (means, knots, ...), and nothing else.

    Parameters
    ----------
    parsed : ParsedFormula
    frame : pandas.DataFrame
        Its variables.
    kept : numpy.ndarray
        Positions of the rows used.

    Returns
    -------
    dict
        Transform -> its state; empty if all work row by row.
    """
    factors, names = list_stateful(parsed.rhs, parsed.variables)
    if not factors:
        return {}
    frame = frame[names]
    frame = frame if len(kept) == len(frame) else frame.iloc[kept]
    kinds = {name: find_kind(frame[name]) for name in names}
    prepared = prepare_columns(frame, kinds, parsed.numbers, learning=True)
    _, spec = evaluate_design(" + ".join(["0", *factors]), prepared, {}, {})
    return {show_names(key): value for key, value in spec.transform_state.items()}


@in_turn
def encode_new(encoding: Encoding, newdata: Any) -> tuple[Any, pd.Index]:
    """Encode new data by column name, with the levels, knots and means of the fit.

    Returns
    -------
    matrix : numpy.ndarray or scipy.sparse.csr_array
        (m, K); rows with missing values are not allowed here.
    index : pandas.Index
        The index of the new rows.

    Raises
    ------
    ColumnNotFoundError, MissingDataError, InfiniteValueError, UnseenLevelError
        Each names the column, and the rows or levels.
    """
    frame = as_frame(newdata, "newdata")
    return encode_rows(encoding, frame)[0], frame.index


@in_turn
def encode_rows(
    encoding: Encoding, frame: pd.DataFrame, allow_missing: bool = False
) -> tuple[Any, np.ndarray]:
    """Encode new data as `encode_new` does, and tell which rows transforms have no value for.

    Returns
    -------
    matrix : numpy.ndarray or scipy.sparse.csr_array
        (m, K).
    missing : numpy.ndarray
        (m,): the rows in which a transform is not a number, such as the logarithm of a negative
        one. `MissingDataError` is raised if there are any and they are not allowed.
    """
    needed = encoding.needed
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ColumnNotFoundError(
            f"newdata has no column {list_some(absent)}. Its columns: "
            f"{list_some(list(frame.columns), 50)}."
        )
    check_missing(
        [(name, find_missing(frame[name])) for name in needed],
        " in newdata",
        " Leave these rows out; predictions of single rows may be missing for them: "
        "missing='propagate'.",
    )
    if encoding.rhs is None:
        return _encode_by_name(encoding, frame), np.zeros(len(frame), dtype=bool)
    return _encode_by_formula(encoding, frame, allow_missing)


def _encode_by_name(encoding: Encoding, frame: pd.DataFrame) -> np.ndarray:
    """Return the columns (m, K) of a fit without a formula; ones for the constant put there."""
    arrays = {name: as_numbers(frame[name], name) for name in encoding.needed}
    check_finite(arrays, " of newdata")
    matrix = np.ones((len(frame), len(encoding.names)))
    for position, name in enumerate(encoding.names):
        if name in arrays:
            matrix[:, position] = arrays[name]
    return matrix


def check_truths(encoding: Encoding, frame: pd.DataFrame) -> None:
    """Raise `UnseenLevelError` if what was truth values is neither true nor false, or 1 nor 0."""
    for name in encoding.needed:
        if name in encoding.truths and not is_boolean(frame[name]):
            values = as_numbers(frame[name], name)
            odd = np.flatnonzero((values != 0) & (values != 1))
            if odd.size:
                raise UnseenLevelError(
                    f"newdata has {values[odd[0]]} in row {odd[0]} of {name!r}, which was truth "
                    "values in the fit; give True or False, or 1 or 0."
                )


def _encode_by_formula(
    encoding: Encoding, frame: pd.DataFrame, allow_missing: bool
) -> tuple[Any, np.ndarray]:
    prepared = prepare_columns(frame, encoding.kinds or {}, encoding.numbers, learning=False)
    levels = encoding.levels or {}
    state = encoding.transform_state or {}
    how = encoding.wide, allow_missing
    evaluated = evaluate_columns(encoding.rhs or "", prepared, state, levels, *how)
    said = "newdata has levels of {} that the fit has not seen"
    check_coded(evaluated.factors, levels, said)
    if evaluated.names != encoding.all_names:
        raise FormulaError(f"newdata gives other columns ({evaluated.names}) than the fit's.")
    matrix = evaluated.matrix[:, encoding.kept] if encoding.omitted else evaluated.matrix
    return matrix, evaluated.missing
