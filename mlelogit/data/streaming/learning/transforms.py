"""The transforms and factors of a right side that learn from the rows, inner ones first."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.expressions import (
    dotted_name,
    list_columns,
    parse_expression,
    quote,
    read_name,
    show_names,
)
from mlelogit.data.formulas import split_terms
from mlelogit.data.frames import as_numbers, check_finite, check_missing
from mlelogit.data.streaming.learning.knots import Means, QuantileFinder, Spline
from mlelogit.data.streaming.learning.moments import learn_scale, measure_moments
from mlelogit.data.streaming.learning.polynomials import learn_poly, measure_atoms
from mlelogit.exceptions import ColumnTypeError, FormulaError

LEARNING = ("scale", "center", "poly", "bs", "cr", "cs")


@dataclass(frozen=True)
class Transform:
    """A call that learns from the rows.

    Attributes
    ----------
    key : str
        The call as formulaic writes it, with the names of columns put back.
    name : str
        One of `LEARNING`.
    argument : str
        What it is of.
    variable : str or None
        The variable, if it is of one and nothing else.
    options : dict
        Its other arguments, all of them.
    inner : frozenset of str
        Keys of the calls inside its argument that learn too.
    """

    key: str
    name: str
    argument: str
    variable: str | None
    options: dict[str, Any]
    inner: frozenset[str]

    @property
    def spline(self) -> Spline:
        """The transform as a spline."""
        return Spline(quote(self.key), self.name, self.options, self.variable)

    def begin(self) -> tuple[dict | None, bool]:
        """Return the state that needs no rows, if there is one, and whether it is whole."""
        if self.name == "poly" and self.options["raw"]:
            return {}, True
        if self.name not in ("bs", "cr", "cs"):
            return None, False
        state = self.spline.begin()
        return state, state is not None and not self.spline.centered

    def measure(self, values: Any, times: np.ndarray | None, begun: dict | None) -> Any:
        """Return what can be added up of the argument's values, which formulaic evaluated.

        Parameters
        ----------
        values : array, Series, or dictionary of them
            A basis inside another transform is a dictionary, and each of its columns is learned.
        times : numpy.ndarray, optional
            (m,): how often each row counts.
        begun : dict, optional
            What is known of its state.
        """
        values = getattr(values, "__wrapped__", values)
        if isinstance(values, dict):
            parts = {
                key: self.measure(part, times, None if begun is None else begun[key])
                for key, part in values.items()
                if not (isinstance(key, str) and key.startswith("__"))
            }
            return Parts(parts)
        numbers = self._check_numbers(values)
        if self.name in ("scale", "center"):
            return measure_moments(numbers, times)
        if numbers.ndim == 2 and numbers.shape[1] == 1 and self.spline.is_cubic:
            numbers = numbers[:, 0]
        if numbers.ndim > 1:
            raise FormulaError(f"{quote(self.key)} is of more than one column; it takes one.")
        if self.name == "poly":
            return measure_atoms(numbers, times, self.options["degree"])
        return self.spline.measure(numbers, times, begun)

    def _check_numbers(self, values: Any) -> np.ndarray:
        """Return values as doubles, none missing or infinite, in one column or more."""
        try:
            array = np.asarray(values)
            if array.dtype.kind in "biuf":
                numbers = array.astype(np.float64)
            else:
                numbers = as_numbers(values, self.argument).astype(np.float64)
        except (TypeError, ColumnTypeError) as error:
            raise FormulaError(f"{quote(self.key)} is of something that is no number.") from error
        shown = show_names(self.argument, backticks="")
        each = numbers if numbers.ndim == 2 else numbers.reshape(len(numbers), -1)
        if not np.isfinite(each.sum()):
            for column in each.T:
                check_missing([(shown, np.isnan(column))], " made by the formula's transforms")
                check_finite({shown: column}, " made by the formula's transforms")
        return numbers

    def settle(self, facts: Any, find_quantiles: QuantileFinder | None, begun: dict | None) -> Any:
        """Return the state after all rows, and whether it is whole."""
        if isinstance(facts, Parts):
            settled = {
                key: self.settle(part, find_quantiles, None if begun is None else begun[key])
                for key, part in facts.parts.items()
            }
            states = {key: state for key, (state, _) in settled.items()}
            return states, all(whole for _, whole in settled.values())
        if self.name in ("scale", "center"):
            return learn_scale(self.options, facts), True
        if self.name == "poly":
            return learn_poly(quote(self.key), self.options["degree"], facts), True
        if isinstance(facts, Means):
            return self.spline.center(facts, begun or {}), True
        return self.spline.settle(facts, find_quantiles)


@dataclass(frozen=True)
class Parts:
    """Records of the columns of a basis, each added up on its own.

    Attributes
    ----------
    parts : dict
        Column -> record.
    """

    parts: dict[Any, Any]

    def __add__(self, other: Parts) -> Parts:
        return Parts({key: part + other.parts[key] for key, part in self.parts.items()})


@dataclass(frozen=True)
class Factor:
    """A factor of the right side.

    Attributes
    ----------
    expr : str
        As it stands there, with the names of columns put back.
    coded : bool
        Whether ``C()`` stands in it.
    variable : str or None
        The variable, if it is one and nothing else, or directly inside ``C()``.
    variables : frozenset of str
        Those that stand in it.
    inner : frozenset of str
        Keys of the calls inside it that learn.
    """

    expr: str
    coded: bool
    variable: str | None
    variables: frozenset[str]
    inner: frozenset[str]


def list_factors(rhs: str) -> tuple[Factor, ...]:
    """List the different factors of a checked right side, but for constants.

    Examples
    --------
    >>> from mlelogit.data.streaming.learning.transforms import list_factors
    >>> [(factor.expr, factor.variable) for factor in list_factors("x + C(g, Sum):log(x)")]
    [('x', 'x'), ('C(g, Sum)', 'g'), ('log(x)', None)]
    """
    factors = {}
    for expr, is_lookup in _list_expressions(rhs):
        shown = show_names(expr)
        if is_lookup:
            name = read_name(expr)
            factors[shown] = Factor(shown, False, name, frozenset([name]), frozenset())
            continue
        node = parse_expression(expr, shown)
        coded = any(_name_call(part) == "C" for part in ast.walk(node))
        inside = node.args[0] if isinstance(node, ast.Call) and _name_call(node) == "C" else None
        bare = read_name(inside.id) if isinstance(inside, ast.Name) else None
        keys = frozenset(_write_key(call) for call in _list_calls(node))
        factors[shown] = Factor(shown, coded, bare, frozenset(list_columns(node)), keys)
    return tuple(factors.values())


def list_transforms(rhs: str) -> tuple[Transform, ...]:
    """List the calls of a checked right side that learn, inner ones first.

    Examples
    --------
    >>> from mlelogit.data.streaming.learning.transforms import list_transforms
    >>> [call.key for call in list_transforms("poly(scale(x), 2) + log(x)")]
    ['scale(x)', 'poly(scale(x), 2)']
    """
    calls = [
        call
        for expr, is_lookup in _list_expressions(rhs)
        if not is_lookup
        for call in _list_calls(parse_expression(expr, show_names(expr)))
    ]
    found = {_write_key(call): _read_transform(call) for call in calls}
    return tuple(sorted(found.values(), key=lambda each: len(each.inner)))


def _list_expressions(rhs: str) -> Iterator[tuple[str, bool]]:
    """Give the factors of a right side, names hidden, and whether each is just a name."""
    for term in split_terms(rhs):
        for factor in term.factors:
            method = factor.eval_method.value
            if method in ("lookup", "python"):
                yield factor.expr, method == "lookup"


def _name_call(node: ast.AST) -> str | None:
    return dotted_name(node.func) if isinstance(node, ast.Call) else None


def _list_calls(node: ast.AST) -> list[ast.Call]:
    return [
        part
        for part in ast.walk(node)
        if isinstance(part, ast.Call) and _name_call(part) in LEARNING
    ]


def _write_key(call: ast.Call) -> str:
    from formulaic.utils.code import format_expr

    return show_names(format_expr(call))


def _read_transform(call: ast.Call) -> Transform:
    from formulaic.transforms import TRANSFORMS

    name, key, inside = str(_name_call(call)), _write_key(call), call.args[0]
    takes = inspect.signature(TRANSFORMS[name])
    words = [word for what, word in takes.parameters.items() if not what.startswith("_")]
    try:
        given = [ast.literal_eval(node) for node in call.args[1:]]
        named = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        bound = takes.replace(parameters=words).bind(None, *given, **named)
    except (TypeError, ValueError) as error:
        raise FormulaError(f"{quote(key)} cannot be evaluated: {error}.") from error
    bound.apply_defaults()
    first, *_ = bound.arguments
    options = {word: value for word, value in bound.arguments.items() if word != first}
    if name == "center":
        options = {"center": True, "scale": False, "ddof": 1}
    return Transform(
        key=key,
        name=name,
        argument=ast.unparse(inside),
        variable=read_name(inside.id) if isinstance(inside, ast.Name) else None,
        options=options,
        inner=frozenset(_write_key(part) for part in _list_calls(inside)),
    )
