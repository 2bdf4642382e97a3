"""What is learned from the data when a formula becomes columns, as plain values."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.formulas import ParsedFormula
from mlelogit.data.frames import (
    as_frame,
    as_numbers,
    check_finite,
    check_missing,
    check_unique_names,
    find_missing,
    is_numeric,
    list_some,
)
from mlelogit.data.outcome import name_categories
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    FormulaError,
    UnseenLevelError,
    UnusedLevelWarning,
)
from mlelogit.notices import warn_user


@dataclass(frozen=True)
class Encoding:
    """How rows of data become rows of the design, and what the categories are.

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
    terms : dict
        Term -> (start, stop) of its columns.
    levels : dict
        Categorical factor -> list of its levels.
    transform_state : dict
        Transform -> what it learned (means, knots, ...).
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
    terms: dict[str, tuple[int, int]] | None = None
    levels: dict[str, list] | None = None
    transform_state: dict[str, Any] | None = None

    @property
    def needed(self) -> tuple:
        """The columns that new data must have."""
        return self.names if self.rhs is None else self.variables

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

    def with_base(self, base: int) -> Encoding:
        """Return the same encoding with another base category."""
        return replace(self, base=base)


@dataclass(frozen=True)
class EncodedColumns:
    """Columns made from a formula, and what was learned on the way.

    Attributes
    ----------
    matrix : numpy.ndarray
        The design (n, K), float64.
    learned : dict
        Fields of `Encoding` from `names` on that the formula fills.
    """

    matrix: np.ndarray
    learned: dict[str, Any]


def learn_columns(parsed: ParsedFormula, frame: pd.DataFrame) -> EncodedColumns:
    """Evaluate a checked formula on data without missing values and learn its encoding.

    Parameters
    ----------
    parsed : ParsedFormula
    frame : pandas.DataFrame
        Its variables, on the rows used.

    Raises
    ------
    ColumnTypeError
        If a variable is a date, a duration or complex.
    InfiniteValueError, MissingDataError
        If a transform gives values that are not finite.
    """
    kinds = {name: _find_kind(frame[name]) for name in parsed.variables}
    prepared = _prepare(frame, kinds, parsed.numbers, learning=True)
    matrix, spec, factors = _materialize(parsed.rhs, prepared, {}, {})
    levels = {
        expr: list(state["categories"])
        for expr, (_, state) in spec.encoder_state.items()
        if "categories" in state
    }
    _check_levels(factors, levels, "{} has levels that its levels= leaves out")
    terms, start = {}, 0
    for row in spec.structure:
        terms[_tidy_name(str(row.term))] = (start, start + len(row.columns))
        start += len(row.columns)
    learned = {
        "names": tuple(_tidy_name(name) for name in spec.column_names),
        "formula": parsed.text,
        "rhs": parsed.rhs,
        "variables": parsed.variables,
        "kinds": kinds,
        "numbers": parsed.numbers,
        "terms": terms,
        "levels": levels,
        "transform_state": dict(spec.transform_state),
    }
    return EncodedColumns(matrix, learned)


def encode_new(encoding: Encoding, newdata: Any) -> tuple[np.ndarray, pd.Index]:
    """Encode new data by column name, with the levels, knots and means of the fit.

    Returns
    -------
    matrix : numpy.ndarray
        (m, K); rows with missing values are not allowed here.
    index : pandas.Index
        The index of the new rows.

    Raises
    ------
    ColumnNotFoundError, MissingDataError, InfiniteValueError, UnseenLevelError
        Each names the column, and the rows or levels.
    """
    frame = as_frame(newdata, "newdata")
    needed = encoding.needed
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise ColumnNotFoundError(
            f"newdata has no column {list_some(absent)}. Its columns: "
            f"{list_some(list(frame.columns), 50)}."
        )
    check_missing([(name, find_missing(frame[name])) for name in needed], " in newdata")
    if encoding.rhs is None:
        arrays = {name: as_numbers(frame[name], name) for name in needed}
        check_finite(arrays, " of newdata")
        matrix = np.empty((len(frame), len(needed)))
        for position, name in enumerate(needed):
            matrix[:, position] = arrays[name]
        return matrix, frame.index
    return _encode_by_formula(encoding, frame), frame.index


def _encode_by_formula(encoding: Encoding, frame: pd.DataFrame) -> np.ndarray:
    kinds = encoding.kinds or {}
    prepared = _prepare(frame, kinds, encoding.numbers, learning=False)
    levels = encoding.levels or {}
    matrix, spec, factors = _materialize(
        encoding.rhs or "", prepared, encoding.transform_state or {}, levels
    )
    _check_levels(factors, levels, "newdata has levels of {} that the fit has not seen")
    names = tuple(_tidy_name(name) for name in spec.column_names)
    if names != encoding.names:
        raise FormulaError(f"newdata gives other columns ({names}) than the fit's.")
    return matrix


def _check_levels(factors: dict[str, Any], levels: dict[str, list], said: str) -> None:
    """Raise if a factor has a level that is not known: formulaic would give it the base row."""
    for expr, known in levels.items():
        found = pd.unique(np.asarray(factors[expr], dtype=object))
        unseen = [level for level in found if level not in known]
        if unseen:
            raise UnseenLevelError(
                f"{said.format(_tidy_name(expr))}: {list_some(unseen)}. Known levels: "
                f"{list_some(known, 50)}."
            )


def _find_kind(column: pd.Series) -> str:
    if is_numeric(column):
        return "number"
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if isinstance(column.dtype, pd.CategoricalDtype) or kind in ("string", "mixed", "boolean"):
        return "category"
    raise ColumnTypeError(
        f"Column {column.name!r} holds {kind} values ({column.dtype}); convert it to numbers "
        "or to strings."
    )


def _prepare(
    frame: pd.DataFrame, kinds: dict[str, str], numbers: frozenset[str], learning: bool
) -> pd.DataFrame:
    """Give formulaic float columns and factors.

    Integers stay integers only inside ``C()``, where they name levels: their
    arithmetic would overflow without a word.
    """
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        column = frame[name].reset_index(drop=True)
        if kind == "number":
            values = as_numbers(column, name)
            check_finite({name: values})
            columns[name] = values.astype(np.float64) if name in numbers else values
        elif isinstance(column.dtype, pd.CategoricalDtype) and learning:
            columns[name] = _drop_unused_levels(column)
        else:
            columns[name] = column.astype(object)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _drop_unused_levels(column: pd.Series) -> pd.Series:
    used = column.cat.remove_unused_categories()
    if len(used.cat.categories) < len(column.cat.categories):
        unused = column.cat.categories.difference(used.cat.categories, sort=False)
        warn_user(
            f"Levels of {column.name!r} without a row were dropped: {list_some(list(unused))}.",
            UnusedLevelWarning,
        )
    return used


def _materialize(
    rhs: str, frame: pd.DataFrame, transform_state: dict, levels: dict[str, list]
) -> tuple[np.ndarray, Any, dict[str, Any]]:
    """Run formulaic with its own named transforms and no other context."""
    from formulaic import ModelSpec
    from formulaic.errors import FormulaicError
    from formulaic.materializers import PandasMaterializer
    from formulaic.parser.types import Factor

    spec = ModelSpec(
        formula=rhs,
        na_action="ignore",
        output="pandas",
        transform_state=copy.deepcopy(transform_state),
        encoder_state={
            expr: (Factor.Kind.CATEGORICAL, {"categories": list(known)})
            for expr, known in levels.items()
        },
    )
    context = {"log1p": np.log1p, "sqrt": np.sqrt, "abs": np.abs}
    maker = PandasMaterializer(frame, context=context)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = maker.get_model_matrix(spec)
    except (FormulaicError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        reason = str(error).split("\n")[0]
        raise FormulaError(f"The right side {rhs!r} cannot be evaluated: {reason}") from error
    matrix = np.asarray(made, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != len(frame):
        matrix = np.empty((len(frame), 0))
    _check_transformed(matrix, made.model_spec.column_names)
    factors = {expr: factor.values.__wrapped__ for expr, factor in maker.factor_cache.items()}
    return matrix, made.model_spec, factors


def _check_transformed(matrix: np.ndarray, names: tuple[str, ...]) -> None:
    check_unique_names([_tidy_name(name) for name in names], "The formula's design")
    columns = {_tidy_name(name): matrix[:, i] for i, name in enumerate(names)}
    check_missing(
        [(name, np.isnan(values)) for name, values in columns.items()],
        " made by the formula's transforms",
    )
    check_finite(columns, " made by the formula's transforms")


def _tidy_name(name: str) -> str:
    """Drop the backticks that stand around names inside expressions."""
    return name.replace("`", "")
