"""What a test takes for granted, and what its null hypothesis leaves of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.exceptions import ConstraintError, ParamsError
from mlelogit.fitting.constrained.moves import Moves, find_moves
from mlelogit.fitting.constrained.restriction import (
    RestrictedFit,
    check_rows,
    fit_restricted,
    level_rows,
    pick_independent,
)
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace
from mlelogit.inference.fit_statistics import BOUND_REASON
from mlelogit.inference.testing.nesting import list_words, tell_broken
from mlelogit.notices import run_quietly

UNFORMED = (
    "the fit left out its information for its size; fit(cov_type='nonrobust') forms it, or with "
    "sampling weights 'robust'"
)
UNKNOWN = (
    "no finite maximum under the null hypothesis has been shown to exist: the data are separated "
    "in the model that it leaves, or what it says is far from anything they allow"
)


DEPENDENT = (
    "The rows of the hypothesis depend on each other, or on equations that the fit was held to; "
    "drop some."
)
NO_NEWS = "the fit's own constraints settle it: they say so already"
OTHERWISE = "the fit's own constraints settle it otherwise"
NOT_CONVERGED = "the fit has not converged"


@dataclass(frozen=True)
class News:
    """What a hypothesis says beside what is held.

    Attributes
    ----------
    asked : Restriction
        Independent rows; none if there is nothing to test.
    null : str
        The null hypothesis in words.
    reason : str
        Why there is nothing to test; empty if there is something.
    """

    asked: Restriction
    null: str
    reason: str


@dataclass(frozen=True)
class Maintained:
    """The model inside which a hypothesis is tested: a fit's own, or that under more equations.

    Attributes
    ----------
    record : FitRecord
    held : Restriction or None
        Equations that hold under the null hypothesis and the alternative alike, beside those
        that the fit was held to.
    """

    record: FitRecord
    held: Restriction | None = None

    @cached_property
    def restriction(self) -> Restriction | None:
        """All equations in force, independent ones."""
        own = self.record.restriction
        if self.held is None or own is None:
            return self.held or own
        return _drop_repeated(own + self.held)

    @property
    def space(self) -> FreeSpace | None:
        """The params that meet them; None if there are none."""
        return None if self.moves is None else self.moves.space

    @property
    def size(self) -> int:
        """Number of free params."""
        return len(self.record.maximum.params) if self.moves is None else len(self.moves.matrix)

    @cached_property
    def fit(self) -> RestrictedFit | None:
        """The maximum under what is held; None if that is the fit's own."""
        return None if self.held is None else fit_restricted(self.record, self.held)

    @cached_property
    def supremum(self) -> tuple[float, str]:
        """The highest log-likelihood, be it in the limit of separated data, or why it is NaN."""
        if self.fit is not None:
            return self._read_fit(self.fit, self.held)
        record = self.record
        known = record.maximum.converged or record.separation.found
        return (record.sums.loglike, "") if known else (np.nan, NOT_CONVERGED)

    @cached_property
    def moves(self) -> Moves | None:
        """What all equations in force leave free; all if None."""
        if self.held is None or self.restriction is None:
            return self.record.moves
        return find_moves(self.restriction, self.record.basis)

    def restrict_loglike(self, asked: Restriction) -> tuple[float, str]:
        """Return the same under the null hypothesis."""
        every = asked if self.held is None else self.held + asked
        return self._read_fit(self.restrict(asked), every)

    def _read_fit(self, fit: RestrictedFit, every: Restriction | None) -> tuple[float, str]:
        if not fit.converged:
            return self._find_supremum(every)
        reason = self.find_bound_reason(fit)
        return (np.nan, reason) if reason else (fit.loglike, "")

    def find_bound_reason(self, fit: RestrictedFit) -> str:
        """Say which of the fit's bounds a maximum under equations breaks; nothing if none."""
        broken = tell_broken(self.record, fit.params)
        return f"the maximum under the null hypothesis breaks {broken}" if broken else ""

    def _find_supremum(self, restriction: Restriction | None) -> tuple[float, str]:
        """Fit the model under equations anew, which examines whether it is separated."""
        record, every = self.record, restriction
        if record.constraints is not None:
            own = record.constraints.given
            every = own if every is None else own + every
        design = replace(record.need_blocks().design, encoding=record.encoding)
        request = replace(record.request, start_params=None, constraints=every)
        try:
            # What it would warn of is in the verdict.
            found = run_quietly(partial(estimate, basis=record.basis), design, request)
        except ConstraintError as error:
            return np.nan, str(error).rstrip(".")
        if found.at_bounds:
            return np.nan, BOUND_REASON
        known = found.maximum.converged or found.separation.found
        return (found.sums.loglike, "") if known else (np.nan, UNKNOWN)

    def find_news(self, asked: Restriction) -> Restriction:
        """Return the rows that do not follow from what is held, independent ones.

        Raises
        ------
        ParamsError
            If they contradict it.
        """
        if self.moves is None:
            return asked
        free, length = self.moves.free(asked.matrix)
        check_rows(free, (asked.values - asked.matrix @ self.moves.point) / length, asked)
        return asked.pick(pick_independent(free))

    def sort_news(self, asked: Restriction, null: str = "", at_bounds: str = "") -> News:
        """Tell what a hypothesis says beside what is held.

        Parameters
        ----------
        asked : Restriction
        null : str
            It in words, if not its own.
        at_bounds : str
            Why there is no test where estimates stand at bounds; empty if there is one.

        Raises
        ------
        ParamsError
            If its rows contradict each other or depend on each other.
        """
        said = null or asked.said
        if at_bounds and self.record.at_bounds:
            return News(asked, said, at_bounds)
        if self.moves is None:
            return News(asked, said, "")
        rows, values = level_rows(asked, self.moves.units)
        check_rows(rows, values, asked)
        if len(pick_independent(rows)) < len(asked):
            raise ParamsError(DEPENDENT)
        try:
            news = self.find_news(asked)
        except ParamsError:
            held = () if self.restriction is None else self.restriction.words
            return News(asked, said, f"{OTHERWISE}: it is held to {list_words(held)}")
        if not len(news):
            return News(news, said, NO_NEWS)
        if len(news) < len(asked) and not null:
            said = f"{said} (tested is {news.said}: the fit's own constraints settle the rest)"
        return News(news, said, "")

    def restrict(self, asked: Restriction) -> RestrictedFit:
        """Climb to the maximum under the null hypothesis.

        Raises
        ------
        ParamsError
            If its rows depend on each other or on what is held, or contradict it.
        """
        every = asked if self.held is None else self.held + asked
        fit = fit_restricted(self.record, every, None if self.fit is None else self.fit.params)
        if self.size - fit.space.size < len(asked):
            raise ParamsError(DEPENDENT)
        return fit


def _drop_repeated(restriction: Restriction) -> Restriction:
    """Return rows that are independent."""
    length = np.linalg.norm(restriction.matrix, axis=1)[:, np.newaxis]
    return restriction.pick(pick_independent(restriction.matrix / length))
