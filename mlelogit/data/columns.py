"""Evaluate a checked right side: its columns, dense or sparse, and the checks of them."""

from __future__ import annotations

import ast
import copy
import math
import re
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from mlelogit.data.arguments import write_value
from mlelogit.data.expressions import (
    SHOWN,
    ExpressionChecker,
    dotted_name,
    hide_name,
    hide_names,
    list_quoted,
    parse_expression,
    quote,
    read_name,
    show_names,
)
from mlelogit.data.factors import as_levels, find_materializer
from mlelogit.data.formulas import split_terms
from mlelogit.data.frames import (
    as_numbers,
    check_finite,
    check_missing,
    check_unique_names,
    is_numeric,
    list_some,
)
from mlelogit.data.sources import find_odd_columns
from mlelogit.exceptions import (
    ColumnTypeError,
    FormulaError,
    UnusedLevelWarning,
)
from mlelogit.notices import run_quietly, warn_user

WIDE = 64
STATEFUL = frozenset({"poly", "bs", "cr", "cs", "center", "scale"})
_FILLING = re.compile(r"\b(?:Helmert|Poly|contr\.(?:helmert|poly|diff))\b")


@dataclass(frozen=True)
class Evaluated:
    """What formulaic made of a right side.

    Attributes
    ----------
    matrix : numpy.ndarray or scipy.sparse.csr_array
        The design (n, K), float64.
    spec : formulaic.ModelSpec
        Names, structure and what was learned.
    factors : dict
        Factor -> its values before they were coded.
    missing : numpy.ndarray
        (n,): the rows with values that are none, if those are allowed.
    """

    matrix: Any
    spec: Any
    factors: dict[str, Any]
    missing: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(tidy_name(name) for name in self.spec.column_names)


def tidy_name(name: str) -> str:
    """Put back the names that were hidden from formulaic."""
    return show_names(name, backticks="")


def find_kind(column: pd.Series) -> str:
    """Tell whether a column is a "number" or a "category", or raise `ColumnTypeError`."""
    if is_numeric(column):
        return "number"
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "mixed":
        _refuse_collections(column)
    if isinstance(column.dtype, pd.CategoricalDtype) or kind in ("string", "mixed", "boolean"):
        return "category"
    raise ColumnTypeError(
        f"Column {column.name!r} holds {kind} values ({column.dtype}); convert it to numbers "
        "or to strings."
    )


def _refuse_collections(column: pd.Series) -> None:
    """Raise `FormulaError` if a column holds lists or their like, which are no levels."""
    for row, value in enumerate(column):
        if not isinstance(value, Hashable):
            raise FormulaError(
                f"Column {column.name!r} holds {write_value(value)} in row {row}, more than one "
                "value; make columns of its parts."
            )


def prepare_columns(
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
            values = as_numbers(column, name) if name in numbers else as_levels(column, name)
            check_finite({name: values})
            # Of half precision pandas has no index, which levels are.
            wide = name in numbers or values.dtype == np.float16
            columns[name] = values.astype(np.float64, copy=False) if wide else values
        elif isinstance(column.dtype, pd.CategoricalDtype) and learning:
            columns[name] = _drop_unused_levels(column)
        else:
            columns[name] = _share_strings(column)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), copy=False)


def _share_strings(column: pd.Series) -> pd.Series:
    """Return a column of objects; equal ones of a column of strings share one object."""
    if not isinstance(column.dtype, pd.StringDtype):
        return column.astype(object)
    codes, levels = pd.factorize(column)
    missing = [column.dtype.na_value]
    shared = np.array([*levels, *missing], dtype=object)
    return pd.Series(shared[codes], dtype=object, name=column.name)


def _drop_unused_levels(column: pd.Series) -> pd.Series:
    used = column.cat.remove_unused_categories()
    if len(used.cat.categories) < len(column.cat.categories):
        unused = column.cat.categories.difference(used.cat.categories, sort=False)
        warn_user(
            f"Levels of {column.name!r} without a row were dropped: {list_some(list(unused))}.",
            UnusedLevelWarning,
        )
    return used


def is_wide(rhs: str, frame: pd.DataFrame, kinds: dict[str, str]) -> bool:
    """Tell whether factors make many columns, few of which a row fills.

    Parameters
    ----------
    rhs : str
        The right side, checked.
    frame : pandas.DataFrame
        Its columns, prepared.
    kinds : dict
        Variable -> "number" or "category".
    """

    @cache
    def count(name: str) -> int:
        try:
            return int(frame[name].nunique())
        except TypeError:  # Lists and their like are no levels, and formulaic says so.
            return 0

    terms = split_terms(rhs)
    listed = [[_list_coded(factor, kinds) for factor in term.factors] for term in terms]
    total = 0
    for term in listed:
        coded = [name for names in term if names for name in names]
        total += math.prod(map(count, coded)) if coded else 0
    constant = any(names is None for term in listed for names in term)
    # An expression of numbers alone, such as I(2), has no sparse form in formulaic.
    return total >= WIDE and not constant


def list_direct_terms(rhs: str, kinds: dict[str, str]) -> list[list[str]]:
    """List, by term, the variables whose own levels become indicators: as in ``a:C(b)``."""
    return [
        [name for factor in term.factors for name in _find_direct(factor, kinds)]
        for term in split_terms(rhs)
    ]


def _find_direct(factor: Any, kinds: dict[str, str]) -> list[str]:
    if factor.eval_method.value == "python":
        call = parse_expression(factor.expr, factor.expr)
        if not (isinstance(call, ast.Call) and dotted_name(call.func) == "C" and call.args):
            return []
        inside = call.args[0]
        return [read_name(inside.id)] if isinstance(inside, ast.Name) else []
    return _list_coded(factor, kinds) or []


def _list_coded(factor: Any, kinds: dict[str, str]) -> list[str] | None:
    """Return the variables whose levels a factor turns into indicators; None if it is constant."""
    method = factor.eval_method.value
    if method == "lookup":
        name = read_name(factor.expr)
        return [name] if kinds[name] == "category" else []
    if method != "python":
        return []
    checker = ExpressionChecker(kinds)
    names = checker.check_expression(factor.expr)
    if not names:
        return None
    if "C" in checker.functions:
        return [] if _FILLING.search(factor.expr) else names
    return [name for name in names if kinds[name] == "category"]


def list_stateful(rhs: str, columns: Collection[str]) -> tuple[list[str], list[str]]:
    """List the factors of a checked right side whose transforms learn from all rows.

    Returns
    -------
    factors : list of str
    names : list of str
        The columns that they need.

    Examples
    --------
    >>> from mlelogit.data.columns import list_stateful
    >>> list_stateful("log(a) * scale(b) + C(c)", ["a", "b", "c"])
    (['scale(b)'], ['b'])
    """
    factors: dict[str, None] = {}
    names: dict[str, None] = {}
    for term in split_terms(rhs):
        for factor in term.factors:
            if factor.eval_method.value != "python":
                continue
            checker = ExpressionChecker(columns)
            found = checker.check_expression(factor.expr)
            if checker.functions & STATEFUL:
                factors[show_names(factor.expr)] = None
                names.update(dict.fromkeys(found))
    return list(factors), list(names)


def evaluate_columns(
    rhs: str,
    frame: pd.DataFrame,
    transform_state: dict,
    levels: dict[str, list],
    sparse: bool = False,
    allow_missing: bool = False,
) -> Evaluated:
    """Evaluate a right side, and raise if its columns share names or are not finite.

    Parameters
    ----------
    rhs : str
    frame : pandas.DataFrame
        Its columns, prepared.
    transform_state, levels : dict
        What the fit learned; empty to learn it.
    sparse : bool
        Whether to make a sparse array, and nothing dense of its size.
    allow_missing : bool
        Whether to tell which rows a transform has no value for, rather than to raise.
    """
    output = "sparse" if sparse else "pandas"
    maker, made = _run_formulaic(rhs, frame, transform_state, levels, output)
    matrix: Any = csr_array(made, dtype=np.float64) if sparse else np.asarray(made, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != len(frame):
        matrix = np.empty((len(frame), 0))
    factors = {
        show_names(expr): factor.values.__wrapped__ for expr, factor in maker.factor_cache.items()
    }
    names = tuple(tidy_name(name) for name in made.model_spec.column_names)
    check_unique_names(names, "The formula's design")
    if sparse:
        columns = _find_odd_factors(maker.encoded_cache) or find_odd_columns(matrix, names)
    else:
        columns = {name: matrix[:, i] for i, name in enumerate(names)}
    where = " made by the formula's transforms"
    gaps = [(name, np.isnan(values)) for name, values in columns.items()]
    if not allow_missing:
        check_missing(gaps, where)
    check_finite(columns, where)
    missing = np.logical_or.reduce([np.zeros(len(frame), bool), *(mask for _, mask in gaps)])
    return Evaluated(matrix, made.model_spec, factors, missing)


def _run_formulaic(
    rhs: str, frame: pd.DataFrame, transform_state: dict, levels: dict[str, list], output: str
) -> tuple[Any, Any]:
    """Run formulaic with its own named transforms and no other context."""
    from formulaic import ModelSpec
    from formulaic.errors import FormulaicError
    from formulaic.parser.types import Factor

    text = hide_names(rhs)
    spec = ModelSpec(
        formula=text,
        na_action="ignore",
        output=output,
        transform_state=_hide_keys(transform_state),
        encoder_state={
            hide_names(expr): (Factor.Kind.CATEGORICAL, {"categories": list(known)})
            for expr, known in levels.items()
        },
    )
    maker = _open_frame(text, frame)
    maker.known = levels
    try:
        with np.errstate(all="ignore"):
            return maker, run_quietly(maker.get_model_matrix, spec)
    except (FormulaicError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        reason = _tell_beyond(frame, transform_state)
        reason = reason or _shorten(show_names(str(error)).split("\n")[0])
        raise FormulaError(f"The right side {quote(rhs)} cannot be evaluated: {reason}") from error


def _hide_keys(transform_state: dict) -> dict:
    return {hide_names(expr): copy.deepcopy(state) for expr, state in transform_state.items()}


def _open_frame(text: str, frame: pd.DataFrame) -> Any:
    """Return formulaic's hold of a frame, its names hidden as they are in the text."""
    context = {"log1p": np.log1p, "sqrt": np.sqrt, "abs": np.abs}
    named = list_quoted(text).items()
    # A term that is taken away, as in y ~ x - Q('z'), needs no column.
    quoted = {hidden: frame[name] for hidden, name in named if name in frame.columns}
    hidden = frame.rename(columns=hide_name).assign(**quoted)
    return find_materializer()(hidden, context=context)


def evaluate_expression(expr: str, frame: pd.DataFrame, transform_state: dict) -> Any:
    """Evaluate one checked expression, and return its values before any coding.

    Parameters
    ----------
    expr : str
    frame : pandas.DataFrame
        Its columns, prepared.
    transform_state : dict
        What was learned for every transform in it.
    """
    from formulaic import ModelSpec
    from formulaic.utils.stateful_transforms import stateful_eval

    text = hide_names(expr).strip()
    env = _open_frame(text, frame).layered_context
    state = _hide_keys(transform_state)
    try:
        with np.errstate(all="ignore"):
            return run_quietly(stateful_eval, text, env, None, state, ModelSpec(formula=[]))
    except (ArithmeticError, TypeError, ValueError, LookupError) as error:
        reason = _tell_beyond(frame, transform_state)
        reason = reason or _shorten(show_names(str(error)).split("\n")[0])
        raise FormulaError(f"{quote(show_names(expr))} cannot be evaluated: {reason}") from error


def describe_columns(
    rhs: str, frame: pd.DataFrame, transform_state: dict, levels: dict[str, list], sparse: bool
) -> Any:
    """Return the structure of a right side's columns, all learned, checking names but no values.

    Parameters
    ----------
    rhs, frame, transform_state, levels, sparse
        As for `evaluate_columns`.

    Returns
    -------
    formulaic.ModelSpec
    """
    output = "sparse" if sparse else "pandas"
    spec = _run_formulaic(rhs, frame, transform_state, levels, output)[1].model_spec
    check_unique_names(tuple(map(tidy_name, spec.column_names)), "The formula's design")
    return spec


def _shorten(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN].rpartition(' ')[0]} ..."


def _tell_beyond(frame: pd.DataFrame, transform_state: dict) -> str | None:
    """Say which values a spline refuses because they lie beyond its bounds; None if none do."""
    for expr, state in transform_state.items():
        node = parse_expression(hide_names(expr), expr)
        if not (isinstance(node, ast.Call) and "lower_bound" in state):
            continue
        given = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
        otherwise = "raise" if dotted_name(node.func) == "bs" else "extend"
        inside = node.args[0]
        if given.get("extrapolation", otherwise) != "raise" or not isinstance(inside, ast.Name):
            continue
        name = read_name(inside.id)
        values = frame[name].to_numpy(dtype=np.float64)
        low, high = float(state["lower_bound"]), float(state["upper_bound"])
        beyond = values[(values < low) | (values > high)]
        if beyond.size:
            farthest = beyond[np.abs(beyond - (low + high) / 2).argmax()]
            return (
                f"{name} lies beyond the knots of {quote(expr)}, {low:.6g} to {high:.6g}, in "
                f"{beyond.size} of {len(values)} rows, farthest at {farthest:.6g}. Give "
                "lower_bound= and upper_bound=, or extrapolation='extend', in the formula."
            )
    return None


def evaluate_design(
    rhs: str, frame: pd.DataFrame, transform_state: dict, levels: dict[str, list]
) -> tuple[Any, Any]:
    """Return what holds a right side's factors, before and after coding, and its structure.

    Parameters
    ----------
    rhs, frame, transform_state, levels
        As for `evaluate_columns`.

    Returns
    -------
    maker : formulaic.materializers.PandasMaterializer
    spec : formulaic.ModelSpec
    """
    maker, made = _run_formulaic(rhs, frame, transform_state, levels, "pandas")
    return maker, made.model_spec


def _find_odd_factors(encoded: dict) -> dict[str, np.ndarray]:
    """Return the factors that are not finite: beside a zero, a sparse product forgets it."""
    odd = {}
    for key, value in encoded.items():
        for column in _list_columns(value):
            if not np.isfinite(column.data).all():
                name = key if isinstance(key, str) else key[0]
                odd[tidy_name(name)] = column.toarray()[:, 0]
    return odd


def _list_columns(value: Any) -> list:
    """Return the sparse columns of a coded factor: one, or a dictionary of them."""
    if not isinstance(value, dict):
        return [value]
    return [
        column
        for field, values in value.items()
        if not str(field).startswith("__")
        for column in _list_columns(values)
    ]
