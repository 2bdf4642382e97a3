r"""Derivatives of a design's columns by a variable of the formula, in closed form.

A column is a product of factors, and a factor an expression of the formula's small grammar:
columns, numbers, arithmetic, elementwise functions and transforms with what they learned. The
sum, product, quotient and chain rules of forward differentiation (Griewank and Walther 2008,
chapter 3) run over an expression's tree; the values they need come from the same evaluation that
made the columns. In closed form too are

- ``poly``: the three-term recurrence, ``P_i' = P_{i-1} + (x - α_{i-1}) P_{i-1}' - β_{i-1}
  P_{i-2}'``, with the learned α and norms;
- ``bs``: the derivative of B-splines, which are splines of one degree less (de Boor 2001,
  chapter X), on the learned knots;
- ``cr``, ``cs``: the derivative of the natural cubic splines that are one at a knot and zero at
  the others (Wood 2017, section 5.3.1), straight lines beyond the outer knots;
- ``center``, ``scale``: one, and one over the learned scale.

Where a function has a kink (``abs`` at zero, splines of degree one at a knot) its derivative is
the mean of those from both sides, to which central differences go. Steps have none.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.columns import evaluate_design, prepare_columns
from mlelogit.data.encoding import Encoding
from mlelogit.data.expressions import (
    FUNCTIONS,
    dotted_name,
    hide_names,
    list_columns,
    parse_expression,
    read_name,
    show_names,
)
from mlelogit.exceptions import EffectError
from mlelogit.notices import in_turn

# d f(u) / du for every elementwise function.
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": lambda u: 1 / u,
    "log1p": lambda u: 1 / (1 + u),
    "log2": lambda u: 1 / (u * np.log(2)),
    "log10": lambda u: 1 / (u * np.log(10)),
    "exp": np.exp,
    "sqrt": lambda u: 0.5 / np.sqrt(u),
    "abs": np.sign,
}
SHOWN_ROWS = 5


@dataclass(frozen=True)
class Slopes:
    """How the columns of some rows move with a variable.

    Attributes
    ----------
    columns : numpy.ndarray
        (k,): positions of the columns used that move with it.
    values : numpy.ndarray
        (k, m): their derivatives; (k, 1) if they are the same at every row.
    """

    columns: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Tangent:
    """Differentiates expressions by one variable.

    Attributes
    ----------
    variable : str
    evaluate : callable
        Text of an expression -> its values.
    state : dict
        Text of a transform -> what it learned.
    """

    variable: str
    evaluate: Callable[[str], Any]
    state: dict[str, Any]

    def find(self, node: ast.expr) -> Any:
        """Return the derivative at every row, (m,) or (m, d) for a basis; None for zero."""
        if self.variable not in list_columns(node):
            return None
        if isinstance(node, ast.Name):
            return np.ones(len(self.value(node)))
        if isinstance(node, ast.UnaryOp):
            inside = self.find(node.operand)
            return -inside if isinstance(node.op, ast.USub) else inside
        if isinstance(node, ast.BinOp):
            return self.find_operation(node)
        if isinstance(node, ast.Call):
            return self.find_call(node)
        raise self.refuse(node)

    def value(self, node: ast.expr) -> np.ndarray:
        """Return the values of an expression; a basis as (m, d)."""
        return lay_out_values(self.evaluate(ast.unparse(node)))

    def refuse(self, node: ast.expr) -> EffectError:
        """Return the error that an expression has no derivative."""
        said = show_names(ast.unparse(node))
        ends = find_sides(node, self.variable)
        example = "(from, to)" if ends is None else f"({ends[0]:.10g}, {ends[1]:.10g})"
        return EffectError(
            f"{said} is a step or a factor of {self.variable!r} and has no derivative; ask for a "
            "discrete change between two values on different sides of a step, as in "
            f"change={{{self.variable!r}: {example}}}."
        )

    def find_operation(self, node: ast.BinOp) -> Any:
        """Return the derivative of a sum, product, quotient or power."""
        if isinstance(node.op, ast.FloorDiv | ast.Mod):
            raise self.refuse(node)
        left, right = self.find(node.left), self.find(node.right)
        if isinstance(node.op, ast.Add):
            return add(left, right)
        if isinstance(node.op, ast.Sub):
            return add(left, None if right is None else -right)
        a, b = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Mult):
            return add(times(left, b), times(right, a))
        if isinstance(node.op, ast.Div):
            by_right = None if right is None else times(right, -a / b**2)
            return add(times(left, 1 / b), by_right)
        by_base = None if left is None else times(left, np.where(b == 0, 0.0, b * a ** (b - 1)))
        by_power = None if right is None else times(right, a**b * np.log(a))
        return add(by_base, by_power)

    def find_call(self, node: ast.Call) -> Any:
        """Return the derivative of a function or transform, by the chain rule."""
        name = str(dotted_name(node.func)).removeprefix("np.")
        if name == "C":
            raise self.refuse(node)
        inside = self.find(node.args[0])
        if name == "I" or inside is None:
            return inside
        if name in FUNCTIONS:
            return times(inside, SLOPES[name](self.value(node.args[0])))
        given = read_arguments(name, node)
        state = self.state.get(ast.unparse(node), {})
        if name in ("center", "scale"):
            size = state.get("scale")
            return inside if size is None else inside / size
        u = self.value(node.args[0])
        if u.ndim > 1:
            raise self.refuse(node)
        if name == "bs" and given.get("degree", 3) == 0:
            raise self.refuse(node)
        return BASES[name](u, given, state) * inside[:, np.newaxis]


def find_sides(node: ast.expr, variable: str) -> tuple[float, float] | None:
    """Return two values on different sides of a step, if it can be read from how it is written.

    Examples
    --------
    >>> import ast
    >>> from mlelogit.data.derivatives import find_sides
    >>> find_sides(ast.parse("age > 40", mode="eval").body, "age")
    (39.0, 41.0)
    """
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        sides = node.left, node.comparators[0]
        equal = isinstance(node.ops[0], ast.Eq | ast.NotEq)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        sides, equal = (node.left, node.right), True
    else:
        return None
    plain = [one for one in sides if isinstance(one, ast.Name) and read_name(one.id) == variable]
    try:
        numbers = [float(ast.literal_eval(one)) for one in sides if one not in plain]
    except (TypeError, ValueError):
        return None
    if len(plain) != 1 or len(numbers) != 1:
        return None
    if isinstance(node, ast.BinOp):
        return (0.0, numbers[0]) if sides[0] in plain else None
    return numbers[0] - 1, numbers[0] + (0 if equal else 1)


def add(left: Any, right: Any) -> Any:
    """Return the sum of two derivatives, None standing for zero."""
    if left is None or right is None:
        return left if right is None else right
    return times(left, np.ones_like(right)) + times(right, np.ones_like(left))


def times(left: Any, right: Any) -> Any:
    """Return a derivative times values, row by row; None stands for zero."""
    if left is None:
        return None
    right = np.asarray(right)
    if left.ndim == 2 and right.ndim == 1:
        right = right[:, np.newaxis]
    if right.ndim == 2 and left.ndim == 1:
        left = left[:, np.newaxis]
    return left * right


def lay_out_values(values: Any) -> np.ndarray:
    """Return what an expression gave as an array: the columns of a basis side by side."""
    values = getattr(values, "__wrapped__", values)
    if isinstance(values, dict):
        values = np.column_stack([values[key] for key in list_keys(values)])
    return np.asarray(values, dtype=np.float64)


def list_keys(values: dict) -> list:
    """Return the keys of a basis's columns."""
    return [key for key in values if not str(key).startswith("__")]


def read_arguments(name: str, node: ast.Call) -> dict[str, Any]:
    """Return the arguments of a transform after the first, by name, as they were written."""
    places = {
        "poly": ("degree", "raw"),
        "bs": ("df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound"),
        "cr": ("df", "knots", "lower_bound", "upper_bound", "constraints"),
    }
    names = places.get("cr" if name == "cs" else name, ())
    if name == "bs":
        names = (*names, "extrapolation")
    given = dict(zip(names, map(ast.literal_eval, node.args[1:]), strict=False))
    return given | {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}


def slope_poly(x: np.ndarray, given: dict[str, Any], state: dict[str, Any]) -> np.ndarray:
    """Return the derivatives (m, degree) of polynomials, raw or orthonormal."""
    degree = given.get("degree", 1)
    if given.get("raw", False):
        return np.column_stack([k * x ** (k - 1) for k in range(1, degree + 1)])
    alpha, norms = state["alpha"], state["norms2"]
    before, values = np.zeros_like(x), np.ones_like(x)
    slope_before, slopes = np.zeros_like(x), np.zeros_like(x)
    columns = []
    for i in range(1, degree + 1):
        beta = norms[i - 1] / norms[i - 2] if i > 1 else 0.0
        turned = x - alpha[i - 1]
        slope_before, slopes = slopes, values + turned * slopes - beta * slope_before
        before, values = values, turned * values - beta * before
        columns.append(slopes / np.sqrt(norms[i]))
    return np.column_stack(columns)


def slope_bs(x: np.ndarray, given: dict[str, Any], state: dict[str, Any]) -> np.ndarray:
    """Return the derivatives (m, d) of B-splines."""
    from scipy.interpolate import BSpline

    degree, knots = given.get("degree", 3), np.asarray(state["knots"], dtype=np.float64)
    spline = BSpline(knots, np.eye(len(knots) - degree - 1), degree)
    low, high = float(state["lower_bound"]), float(state["upper_bound"])
    slopes = spline(x, 1)
    kinks = np.isin(x, knots) & (x > low) & (x < high)
    if kinks.any():
        slopes[kinks] = (slopes[kinks] + spline(np.nextafter(x[kinks], low), 1)) / 2
    slopes *= weigh_bounds(x, low, high, given)[:, np.newaxis]
    return np.asarray(slopes if given.get("include_intercept", False) else slopes[:, 1:])


def slope_cr(x: np.ndarray, given: dict[str, Any], state: dict[str, Any]) -> np.ndarray:
    """Return the derivatives (m, d) of natural cubic splines."""
    from scipy.interpolate import CubicSpline

    knots = np.asarray(state["knots"], dtype=np.float64)
    spline = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")
    slopes = spline(np.clip(x, knots[0], knots[-1]), 1)
    if state.get("constraints") is not None:
        constraints = np.atleast_2d(np.asarray(state["constraints"], dtype=np.float64))
        q, _ = np.linalg.qr(constraints.T, mode="complete")
        slopes = slopes @ q[:, len(constraints) :]
    low, high = float(state["lower_bound"]), float(state["upper_bound"])
    return np.asarray(slopes * weigh_bounds(x, low, high, given)[:, np.newaxis])


BASES = {"poly": slope_poly, "bs": slope_bs, "cr": slope_cr, "cs": slope_cr}


def weigh_bounds(x: np.ndarray, low: float, high: float, given: dict[str, Any]) -> np.ndarray:
    """Return what is left of a spline's derivative (m,) where it does not extend beyond bounds."""
    if given.get("extrapolation", "raise") not in ("clip", "zero"):
        return np.ones(len(x))
    inside = ((x >= low) & (x <= high)).astype(np.float64)
    if given["extrapolation"] == "clip":
        inside[(x == low) | (x == high)] = 0.5
    return inside


@in_turn
def differentiate_columns(encoding: Encoding, frame: pd.DataFrame, variable: str) -> Slopes:
    """Differentiate the columns of a formula's design by a variable.

    Parameters
    ----------
    encoding : Encoding
        Of a fit by formula.
    frame : pandas.DataFrame
        (m, any): the rows, without missing values.
    variable : str
        A numeric variable of the formula.

    Returns
    -------
    Slopes

    Raises
    ------
    EffectError
        If a column is a step of the variable or codes it as a factor, or a derivative is not
        finite (as that of a root at zero).

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.derivatives import differentiate_columns
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + I(age ** 2)", anes).fit()
    >>> found = differentiate_columns(res.record.encoding, anes.head(2), "age")
    >>> found.columns.tolist(), (found.values[1] == 2 * anes["age"].head(2)).tolist()
    ([1, 2], [True, True])
    """
    needed = frame[list(encoding.variables)]
    prepared = prepare_columns(needed, encoding.kinds or {}, encoding.numbers, learning=False)
    maker, spec = evaluate_design(
        encoding.rhs or "", prepared, encoding.transform_state or {}, encoding.levels or {}
    )
    state = {
        ast.unparse(parse_expression(expr, expr)): learned
        for expr, learned in spec.transform_state.items()
    }

    def evaluate(text: str) -> Any:
        return maker._evaluate(text, None, spec)[0]

    tangent = Tangent(variable, evaluate, state)
    with np.errstate(all="ignore"):
        moving = {
            expr: slopes
            for expr in maker.factor_cache
            if (slopes := _differentiate_factor(expr, tangent)) is not None
        }
    return _keep(_multiply_out(maker, spec, moving), encoding, variable)


def _differentiate_factor(expr: str, tangent: Tangent) -> Any:
    return tangent.find(parse_expression(hide_names(expr), expr))


def _multiply_out(maker: Any, spec: Any, moving: dict[str, Any]) -> dict[int, np.ndarray]:
    """Return the derivatives of the columns that move, by position: the product rule."""
    found: dict[int, np.ndarray] = {}
    start = 0
    for structure in spec.structure:
        place = start
        for scoped in structure.scoped_terms:
            factors = [(one.factor.expr, one.reduced) for one in scoped.factors]
            encoded = [_encode(maker, spec, *factor) for factor in factors]
            width = int(np.prod([len(columns) for columns in encoded]))
            for at, (expr, _) in enumerate(factors):
                if expr not in moving:
                    continue
                parts = [*encoded]
                parts[at] = _pick_slopes(encoded[at], moving[expr])
                for offset, picked in enumerate(itertools.product(*reversed(parts))):
                    slope = scoped.scale * np.prod(np.vstack(picked), axis=0)
                    position = place + offset
                    found[position] = found.get(position, 0.0) + slope
            place += width
        start += len(structure.columns)
    return found


def _encode(maker: Any, spec: Any, expr: str, reduced: bool) -> list[np.ndarray]:
    encoded = maker._encode_evaled_factor(maker.factor_cache[expr], spec, [], reduced_rank=reduced)
    return [np.asarray(column, dtype=np.float64) for column in encoded.values()]


def _pick_slopes(columns: list, slopes: np.ndarray) -> list[np.ndarray]:
    """Return the derivatives of a coded factor's columns: a basis can come without its first."""
    every = [slopes] if slopes.ndim == 1 else list(slopes.T)
    return every[len(every) - len(columns) :]


def _keep(found: dict[int, np.ndarray], encoding: Encoding, variable: str) -> Slopes:
    """Leave out columns that the fit left out, and raise if a derivative is not finite."""
    kept = {column: position for position, column in enumerate(encoding.kept)}
    moving = {kept[column]: slope for column, slope in found.items() if column in kept}
    for position, slope in moving.items():
        odd = np.flatnonzero(~np.isfinite(slope))
        if odd.size:
            raise EffectError(
                f"The derivative of column {encoding.names[position]!r} by {variable!r} is not "
                f"finite in {odd.size} rows, first by position: {odd[:SHOWN_ROWS].tolist()}; "
                "leave these out by newdata=, or ask for a discrete change by change=."
            )
    columns = np.array(sorted(moving), dtype=np.int64)
    if not columns.size:
        return Slopes(columns, np.zeros((0, 1)))
    return Slopes(columns, np.vstack([moving[column] for column in columns]))
