"""Bounds and knots of splines over all rows, learned from pieces of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, Protocol

import numpy as np

from mlelogit.data.streaming.learning.moments import cut
from mlelogit.data.streaming.sources.quantiles import find_repeated_quantiles
from mlelogit.exceptions import FormulaError

# Different values that a piece, or all, may have to be kept as a table: 1.6 MB at most.
MOST_VALUES = 100_000
# So many of a piece's values tell, before all are sorted, that they are more than a table holds.
# Of 100,000 equally frequent ones, the most that it holds, 90.6 per cent of 20,000 drawn are
# different (1 - exp(-1/5) over 1/5), and of fewer or less equal ones less, with a standard
# deviation of 0.2 per cent: a sample with 97 is of more.
_SAMPLED = 20_000
_REPEATED = 0.97
_CUTTING = ("clip", "na", "zero")


class QuantileFinder(Protocol):
    """What finds quantiles of a variable over all rows used, as `numpy.quantile` does.

    Where ties or bounds matter it is asked for more: `distinct` for quantiles of the different
    values, `within` for those of the values from one bound to another. One that does not take
    these words is not asked, and the knots have to be given.
    """

    def __call__(
        self,
        variable: str,
        probabilities: np.ndarray,
        *,
        distinct: bool = ...,
        within: tuple[float, float] | None = ...,
    ) -> np.ndarray | None:
        """Return the quantiles, or None if they cannot be had."""


@dataclass(frozen=True)
class Table:
    """The different values of a column.

    Attributes
    ----------
    values : numpy.ndarray
        (m,): sorted.
    times : numpy.ndarray
        (m,): how often each counts.
    """

    values: np.ndarray
    times: np.ndarray

    def cut(self, within: tuple[float, float] | None) -> Table:
        """Return what lies between two bounds."""
        if within is None:
            return self
        inside = (self.values >= within[0]) & (self.values <= within[1])
        return Table(self.values[inside], self.times[inside])


@dataclass(frozen=True)
class Spread:
    """From where to where values reach, and which they are if they are few.

    Attributes
    ----------
    low, high : float
    table : Table or None
        None if the different values are too many, or do not matter.
    """

    low: float
    high: float
    table: Table | None = None

    def __add__(self, other: Spread) -> Spread:
        table = None
        if self.table is not None and other.table is not None:
            values = np.append(self.table.values, other.table.values)
            table = tabulate(values, np.append(self.table.times, other.table.times))
        return Spread(min(self.low, other.low), max(self.high, other.high), table)


def tabulate(values: np.ndarray, times: np.ndarray | None) -> Table | None:
    """Return the different values, or None if they are more than a table holds."""
    sample = values[:: max(1, len(values) // _SAMPLED)]
    if len(values) > MOST_VALUES and len(np.unique(sample)) > _REPEATED * len(sample):
        return None
    order = np.argsort(values, kind="stable")
    values = values[order]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    if len(starts) > MOST_VALUES:
        return None
    if times is None:
        return Table(values[starts], np.diff(np.append(starts, len(values))).astype(np.float64))
    return Table(values[starts], np.add.reduceat(times[order], starts))


def measure_spread(values: np.ndarray, times: np.ndarray | None, tabled: bool) -> Spread:
    """Return from where to where at least one value reaches.

    Parameters
    ----------
    values : numpy.ndarray
        (m,)
    times : numpy.ndarray, optional
        (m,): how often each row counts.
    tabled : bool
        Whether it matters which values there are.
    """
    table = tabulate(values, times) if tabled else None
    return Spread(float(values.min()), float(values.max()), table)


@dataclass(frozen=True)
class Means:
    """Sums of the columns of a basis; two of them can be added.

    Attributes
    ----------
    times : float
    sums : numpy.ndarray
        (k,)
    """

    times: float
    sums: np.ndarray

    def __add__(self, other: Means) -> Means:
        return Means(self.times + other.times, self.sums + other.sums)


@dataclass(frozen=True)
class Spline:
    """A spline of a formula, and what of it is known without the data.

    Attributes
    ----------
    expr : str
        As it stands in the formula, for messages.
    name : str
        "bs", "cr" or "cs".
    options : dict
        formulaic's arguments, all of them.
    variable : str or None
        The variable it is of; None if it is of an expression.
    """

    expr: str
    name: str
    options: Mapping[str, Any]
    variable: str | None

    @property
    def centered(self) -> bool:
        """Whether means of its columns have to be known."""
        constraints = self.options.get("constraints")
        return isinstance(constraints, str) and constraints == "center"

    @property
    def is_cubic(self) -> bool:
        """Whether it is one of the cubic regression splines."""
        return self.name != "bs"

    def count_knots(self) -> int | None:
        """Return the number of inner knots that are quantiles; None if they are given."""
        options = self.options
        df = options["df"]
        if df is not None and options["knots"] is not None:
            raise FormulaError(f"{self.expr} has both df= and knots=; give one of them.")
        if not self.is_cubic:
            if not df:
                return None
            number = df - options["degree"] - bool(options["include_intercept"])
        elif df is None:
            if options["knots"] is None:
                raise FormulaError(f"{self.expr} needs df= or knots=.")
            return None
        else:
            number = df - 2 + self._count_constraints() + bool(options["cyclic"])
        if number < 0:
            raise FormulaError(f"{self.expr} has too small a df; {df - number} is the least.")
        return int(number)

    def _count_constraints(self) -> int:
        constraints = self.options["constraints"]
        if constraints is None or self.centered:
            return int(self.centered)
        if isinstance(constraints, str):
            raise FormulaError(f"The constraints of {self.expr} are 'center' or lists of numbers.")
        return len(np.atleast_2d(constraints))

    def measure(self, values: np.ndarray, times: np.ndarray | None, begun: dict | None) -> Any:
        """Return a piece's `Spread`, or the `Means` of its columns once its knots are known."""
        if begun is None:
            tabled = bool(self.count_knots()) or self.centered
            return measure_spread(values, times, tabled)
        parts = [self._measure_means(part, own, begun) for part, own in cut(values, times)]
        return sum(parts[1:], parts[0])

    def _measure_means(self, values: np.ndarray, times: np.ndarray, begun: dict) -> Means:
        how = self.options["extrapolation"]
        # The rows that become zero or missing later are as they are when means are taken.
        how = "extend" if how == "zero" else how
        free = dict(begun) | {"constraints": None}
        columns = self._run(values, {"extrapolation": how, "_state": free})
        return Means(float(times.sum()), np.array([times @ column for column in columns.values()]))

    def _run(self, values: np.ndarray, arguments: dict[str, Any]) -> Any:
        from formulaic.transforms import TRANSFORMS

        try:
            return TRANSFORMS[self.name](values, **arguments)
        except (ArithmeticError, TypeError, ValueError, LookupError) as error:
            raise FormulaError(f"{self.expr} cannot be evaluated: {error}") from error

    def begin(self) -> dict | None:
        """Return the state of knots if it takes no rows to know them, else None."""
        options = self.options
        known = options["lower_bound"] is not None and options["upper_bound"] is not None
        if not known or self.count_knots() is not None:
            return None
        return self._make_state(options["knots"], options["lower_bound"], options["upper_bound"])

    def settle(self, facts: Spread, find_quantiles: QuantileFinder | None) -> tuple[dict, bool]:
        """Return the state after all rows, and whether nothing of it is left to learn."""
        low, high = self.options["lower_bound"], self.options["upper_bound"]
        low, high = facts.low if low is None else low, facts.high if high is None else high
        knots, number = self.options["knots"], self.count_knots()
        if number is not None:
            knots = self._place_knots(facts, low, high, number, find_quantiles)
        state = self._make_state(knots, low, high)
        if not self.centered:
            return state, True
        if facts.table is None:
            return state, False
        return self.center(self.measure(facts.table.values, facts.table.times, state), state), True

    def center(self, means: Means, begun: dict) -> dict:
        """Return the state of a spline whose columns' means are zero."""
        return dict(begun) | {"constraints": (means.sums / means.times)[None, :]}

    def _make_state(self, knots: Any, low: float, high: float) -> dict:
        """Let formulaic make its state of knots, at one value between the bounds."""
        state: dict[str, Any] = {}
        arguments = dict(self.options) | {
            "df": None,
            "knots": [] if knots is None else knots,
            "lower_bound": low,
            "upper_bound": high,
            "_state": state,
        }
        if self.centered:
            arguments["constraints"] = None
        self._run(np.array([float(low)]), arguments)
        return state

    def _place_knots(
        self, facts: Spread, low: float, high: float, number: int, find: QuantileFinder | None
    ) -> list[float]:
        """Return the inner knots: quantiles of all values, of cr and cs of the different ones."""
        beyond = facts.low < low or facts.high > high
        cuts = beyond and (self.is_cubic or self.options["extrapolation"] in _CUTTING)
        within = (float(low), float(high)) if cuts else None
        probabilities = np.linspace(0, 1, number + 2)[1:-1]
        if self.is_cubic:
            probabilities = np.linspace(0, 100, number + 2)[1:-1] / 100
        if not number:
            knots = np.empty(0)
        elif facts.table is not None:
            knots = self._look_up(facts.table.cut(within), probabilities)
        else:
            knots = self._ask(find, probabilities, within)
        if self.is_cubic and len(np.unique([low, high, *knots])) < number + 2:
            raise FormulaError(
                f"{self.expr} needs {number + 2} different knots, and the values between "
                f"{float(low):.6g} and {float(high):.6g} are too few; give a smaller df or knots=."
            )
        return [float(knot) for knot in knots]

    def _look_up(self, table: Table, probabilities: np.ndarray) -> np.ndarray:
        """Return quantiles of a table's values, for cr and cs each of them once."""
        if not len(table.values):
            raise FormulaError(f"No value lies between the bounds of {self.expr}.")
        times = np.ones(len(table.values)) if self.is_cubic else table.times
        return find_repeated_quantiles(table.values, times, probabilities)

    def _ask(
        self,
        find: QuantileFinder | None,
        probabilities: np.ndarray,
        within: tuple[float, float] | None,
    ) -> np.ndarray:
        """Ask who can for quantiles over all rows, or raise."""
        more: dict[str, Any] = {"distinct": True} if self.is_cubic else {}
        more |= {} if within is None else {"within": within}
        found = None
        known = find is not None and more.keys() <= signature(find).parameters.keys()
        if find is not None and known and self.variable is not None:
            found = find(self.variable, probabilities, **more)
        if found is None:
            what = "an expression" if self.variable is None else f"{self.variable!r}"
            raise FormulaError(
                f"The knots of {self.expr} are quantiles of {what}, which cannot be had from "
                f"rows read in pieces when more than {MOST_VALUES:,} values differ: give "
                "knots=[...] in the formula."
            )
        return np.asarray(found, dtype=np.float64)
