"""Learn from pieces of the data, in rounds, what a formula learns from all rows in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import add
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.columns import (
    WIDE,
    describe_columns,
    evaluate_expression,
    is_wide,
    prepare_columns,
)
from mlelogit.data.encoding import list_learned
from mlelogit.data.factors import check_levels
from mlelogit.data.formulas import ParsedFormula
from mlelogit.data.frames import as_numbers, check_lengths
from mlelogit.data.streaming.learning.knots import QuantileFinder
from mlelogit.data.streaming.learning.levels import (
    Kind,
    Levels,
    join_kinds,
    measure_kind,
    measure_levels,
    take_levels,
)
from mlelogit.data.streaming.learning.transforms import (
    Factor,
    Transform,
    list_factors,
    list_transforms,
)
from mlelogit.data.threads import single_threaded_blas
from mlelogit.data.widths import check_columns
from mlelogit.exceptions import EmptyDataError, FormulaError


@dataclass(frozen=True)
class Facts:
    """What a round found in rows; two of them can be added, in the order of the rows.

    Attributes
    ----------
    rows : float
        How many, each as often as it counts.
    kinds : dict
        Variable -> the `Kind` values of its pieces.
    levels : dict
        Variable -> its `Levels`, where they matter.
    factors : dict
        Factor -> the `Levels` of its values; None if it is a number.
    transforms : dict
        Transform -> what its argument's values add up to.
    sample : pandas.DataFrame or None
        One of the rows.
    """

    rows: float = 0.0
    kinds: dict[str, frozenset[Kind]] = field(default_factory=dict)
    levels: dict[str, Levels] = field(default_factory=dict)
    factors: dict[str, Levels | None] = field(default_factory=dict)
    transforms: dict[str, Any] = field(default_factory=dict)
    sample: pd.DataFrame | None = None

    def __add__(self, other: Facts) -> Facts:
        if not self.rows or not other.rows:
            return self if self.rows else other
        return Facts(
            self.rows + other.rows,
            _merge(self.kinds, other.kinds, frozenset.union),
            _merge(self.levels, other.levels, add),
            _merge(self.factors, other.factors, _add_present),
            _merge(self.transforms, other.transforms, add),
            self.sample,
        )


def _merge(left: dict, right: dict, join: Any) -> dict:
    """Join what stands in both; what stands in one alone is kept."""
    both = {key: join(value, right[key]) for key, value in left.items() if key in right}
    return left | right | both


def _add_present(left: Levels | None, right: Levels | None) -> Levels | None:
    if left is None or right is None:
        return left or right
    return left + right


@dataclass(frozen=True)
class Learner:
    """What is known of a formula's columns so far, and what has to be asked of the rows next.

    A round is one pass: `examine` of every piece, the facts added up, and `advance`. One round
    is enough unless transforms are nested or a spline's columns are to be centered.

    Attributes
    ----------
    parsed : ParsedFormula
    factors : tuple of Factor
    transforms : tuple of Transform
        Inner ones first.
    state : dict
        Transform -> all it learns.
    begun : dict
        Transform -> what is known of that without being all.
    kinds : dict or None
        Variable -> its `Kind`; None before the first round.
    levels : dict
        Factor -> its levels, None if it is a number.
    counts : dict
        Variable -> how many levels, or `columns.WIDE` if more.
    sample : pandas.DataFrame or None
        One of the rows.
    learned : dict
        The fields of `Encoding`, as those of `EncodedColumns.learned`; empty until all is known.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.formulas import parse_formula
    >>> from mlelogit.data.streaming.learning.rounds import start_learning
    >>> pieces = [pd.DataFrame({"x": [1, 2], "g": "b"}), pd.DataFrame({"x": [6], "g": ["a"]})]
    >>> learner = start_learning(parse_formula("y ~ center(x) + g", ["y", "x", "g"]))
    >>> while not learner.finished:
    ...     facts = sum([learner.examine(piece) for piece in pieces], Facts())
    ...     learner = learner.advance(facts)
    >>> learner.learned["names"], learner.learned["levels"]
    (('Intercept', 'center(x)', 'g[T.b]'), {'g': ['a', 'b']})
    >>> float(learner.learned["transform_state"]["center(x)"]["center"])
    3.0
    """

    parsed: ParsedFormula
    factors: tuple[Factor, ...]
    transforms: tuple[Transform, ...]
    state: dict[str, dict] = field(default_factory=dict)
    begun: dict[str, dict] = field(default_factory=dict)
    kinds: dict[str, Kind] | None = None
    levels: dict[str, list | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    sample: pd.DataFrame | None = None
    learned: dict[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether all is known."""
        return bool(self.learned)

    @single_threaded_blas
    def examine(self, frame: pd.DataFrame, times: np.ndarray | None = None) -> Facts:
        """Return what this round asks of a piece.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows without missing values; the formula's variables are among its columns.
        times : numpy.ndarray, optional
            (m,): how often each row counts; every row once if not given.

        Raises
        ------
        ColumnTypeError
            If a variable is a date, a duration or complex.
        InfiniteValueError, MissingDataError
            If what a transform learns from has no value in a row.
        FormulaError
            If a factor has too many levels, or an expression cannot be evaluated.
        """
        frame = frame[list(self.parsed.variables)]
        if times is not None:
            check_lengths({"the rows": len(frame), "times": len(times)})
            times = np.asarray(times, dtype=np.float64)
            if (times == 0).any():
                frame, times = frame[times != 0], times[times != 0]
        if not len(frame):
            return Facts()
        kinds = self.kinds or {name: measure_kind(frame[name]) for name in self.parsed.variables}
        piece = _Piece(self, frame, kinds)
        first = self.kinds is None
        return Facts(
            rows=float(len(frame)) if times is None else float(times.sum()),
            kinds={name: frozenset([kind]) for name, kind in kinds.items()} if first else {},
            levels=self._take_levels(frame, kinds) if first else {},
            factors={factor.expr: piece.list_levels(factor) for factor in self._ask_factors(kinds)},
            transforms={
                call.key: call.measure(piece.evaluate(call), times, self.begun.get(call.key))
                for call in self.transforms
                if call.key not in self.state and call.inner <= self.state.keys()
            },
            sample=frame.iloc[:1] if first else None,
        )

    def _take_levels(self, frame: pd.DataFrame, kinds: dict[str, Kind]) -> dict[str, Levels]:
        """Return the levels of categories and of what stands in ``C()``, there directly or not."""
        coded = {name for factor in self.factors if factor.coded for name in factor.variables}
        direct = {factor.variable for factor in self.factors if factor.coded}
        numbers = self.parsed.numbers
        return {
            name: take_levels(name, frame[name], kind, name in numbers, name not in direct)
            for name, kind in kinds.items()
            if kind.kind == "category" or name in coded
        }

    def _ask_factors(self, kinds: dict[str, Kind]) -> list[Factor]:
        """Return the factors whose levels are among values that can, and must, be evaluated."""
        return [
            factor
            for factor in self.factors
            if factor.variable is None
            and (factor.coded or any(kinds[name].kind == "category" for name in factor.variables))
            and factor.expr not in self.levels
            and factor.inner <= self.state.keys()
        ]

    def advance(self, facts: Facts, find_quantiles: QuantileFinder | None = None) -> Learner:
        """Return the learner that knows what a round found.

        Parameters
        ----------
        facts : Facts
            Of all pieces, added up in their order.
        find_quantiles : callable, optional
            Of a variable and probabilities: numpy's quantiles over the rows used, or None if
            they cannot be had; see `knots.QuantileFinder`.

        Raises
        ------
        EmptyDataError
            If there were no rows.
        ColumnTypeError
            If a variable is of different kinds in different pieces.
        FormulaError
            If knots are quantiles that cannot be had, or a polynomial cannot be learned.
        UnseenLevelError
            If ``levels=`` leaves out a level.
        """
        if not facts.rows and self.parsed.variables:
            raise EmptyDataError("There are no rows to learn the formula's columns from.")
        known = self if self.kinds is not None else self._settle_variables(facts)
        levels = known.levels | {
            expr: None if found is None else found.settle() for expr, found in facts.factors.items()
        }
        state, begun = dict(self.state), dict(self.begun)
        for call in self.transforms:
            if call.key in facts.transforms:
                found = facts.transforms[call.key]
                settled, whole = call.settle(found, find_quantiles, begun.get(call.key))
                (state if whole else begun)[call.key] = settled
        known = replace(known, levels=levels, state=state, begun=begun)
        waiting = len(state) < len(self.transforms) or known._ask_factors(known.kinds or {})
        return known if waiting else replace(known, learned=known._describe())

    def _settle_variables(self, facts: Facts) -> Learner:
        """Settle kinds, and levels that stand in the rows as they are."""
        kinds = {name: join_kinds(name, found) for name, found in facts.kinds.items()}
        for found in facts.levels.values():
            found.warn_unused()
        check_columns(
            self.parsed.rhs,
            {name: each.kind for name, each in kinds.items()},
            lambda name: list(facts.levels[name].values) if name in facts.levels else [],
        )
        levels: dict[str, list | None] = {
            factor.expr: facts.levels[factor.variable].settle()
            for factor in self.factors
            if factor.variable is not None
            and (factor.coded or kinds[factor.variable].kind == "category")
        }
        counts = {name: min(len(found.values), WIDE) for name, found in facts.levels.items()}
        return replace(self, kinds=kinds, levels=levels, counts=counts, sample=facts.sample)

    def _describe(self) -> dict[str, Any]:
        """Let formulaic name the columns of one row, and return all that was learned."""
        parsed = self.parsed
        kinds = {name: each.kind for name, each in (self.kinds or {}).items()}
        sample = pd.DataFrame(index=[0]) if self.sample is None else self.sample
        prepared = prepare_columns(sample, kinds, parsed.numbers, learning=False)
        settled = [(factor.expr, self.levels.get(factor.expr)) for factor in self.factors]
        levels = {expr: known for expr, known in settled if known is not None}
        wide = is_wide(parsed.rhs, self._count_frame(kinds), kinds)
        spec = describe_columns(parsed.rhs, prepared, self.state, levels, wide)
        learned = list_learned(parsed, spec, wide)
        if not learned["levels"].keys() <= levels.keys() or not (
            learned["transform_state"].keys() <= self.state.keys()
        ):
            raise FormulaError(
                f"What {parsed.text!r} learns cannot be learned from rows read in pieces."
            )
        found = {expr: np.array(levels[expr], dtype=object) for expr in learned["levels"]}
        said = "{} has levels that its levels= leaves out"
        check_levels(found, learned["levels"], said)
        truths = frozenset(name for name, each in (self.kinds or {}).items() if each.boolean)
        return learned | {"kinds": kinds, "truths": truths}

    def _count_frame(self, kinds: dict[str, str]) -> pd.DataFrame:
        """Return columns with as many different values as the variables', as far as it matters."""
        places = np.arange(WIDE)
        return pd.DataFrame({name: places % self.counts.get(name, 1) for name in kinds})


@dataclass(frozen=True)
class _Piece:
    """A piece under examination; formulaic sees it only if an expression must be evaluated.

    Attributes
    ----------
    learner : Learner
    frame : pandas.DataFrame
    kinds : dict
    cache : dict
    """

    learner: Learner
    frame: pd.DataFrame
    kinds: dict[str, Kind]
    cache: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def prepared(self) -> pd.DataFrame:
        """The columns as formulaic takes them, categories with their declared order."""
        if "prepared" not in self.cache:
            kinds = {name: each.kind for name, each in self.kinds.items()}
            numbers = self.learner.parsed.numbers
            made = prepare_columns(self.frame, kinds, numbers, learning=False)
            declared = {
                name: self.frame[name].reset_index(drop=True)
                for name in kinds
                if isinstance(self.frame[name].dtype, pd.CategoricalDtype)
            }
            self.cache["prepared"] = made.assign(**declared)
        return self.cache["prepared"]

    def evaluate(self, call: Transform) -> Any:
        """Return the values of a transform's argument."""
        if call.variable is not None and self.kinds[call.variable].kind == "number":
            return as_numbers(self.frame[call.variable], call.variable)
        return evaluate_expression(call.argument, self.prepared, self.learner.state)

    def list_levels(self, factor: Factor) -> Levels | None:
        """Return the levels of a factor's values; None if they are numbers."""
        values = evaluate_expression(factor.expr, self.prepared, self.learner.state)
        kind = getattr(values, "__formulaic_metadata__", None)
        plain = getattr(values, "__wrapped__", values)
        coded = kind is not None and kind.kind.value == "categorical"
        if not coded and not (isinstance(plain, pd.Series) and _is_factor(plain)):
            return None
        return measure_levels(factor.expr, pd.Series(plain))


def _is_factor(values: pd.Series) -> bool:
    """Tell whether formulaic takes bare values for a factor's levels."""
    kept = isinstance(values.dtype, pd.CategoricalDtype)
    return kept or values.dtype in ("object", "str")


def start_learning(parsed: ParsedFormula) -> Learner:
    """Return the learner that knows a formula and no rows.

    Parameters
    ----------
    parsed : ParsedFormula

    Raises
    ------
    FormulaError
        If the arguments of a transform are wrong.
    """
    transforms = list_transforms(parsed.rhs)
    state: dict[str, dict] = {}
    begun: dict[str, dict] = {}
    for call in transforms:
        known, whole = call.begin()
        if known is not None:
            (state if whole else begun)[call.key] = known
    return Learner(parsed, list_factors(parsed.rhs), transforms, state, begun)
