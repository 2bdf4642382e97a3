"""What a test takes for granted, and what its null hypothesis leaves of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import qr

from mlelogit.data.design import omit_columns
from mlelogit.data.restrictions import Restriction
from mlelogit.exceptions import ParamsError
from mlelogit.fitting.constrained.restriction import (
    DEPENDENCE_TOLERANCE,
    RestrictedFit,
    find_free_space,
    fit_restricted,
)
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace
from mlelogit.notices import run_quietly

UNFORMED = (
    "the fit left out its information for its size; fit(cov_type='nonrobust') forms it, or with "
    "sampling weights 'robust'"
)
UNKNOWN = (
    "no finite maximum under the null hypothesis has been shown to exist: the data are separated "
    "in the model that it leaves, or what it says is far from anything they allow"
)


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

    @cached_property
    def space(self) -> FreeSpace | None:
        """The params that meet them; None if there are none."""
        if self.restriction is None:
            return None
        return find_free_space(self.restriction, self.record.basis)

    @property
    def size(self) -> int:
        """Number of free params."""
        return len(self.record.maximum.params) if self.space is None else self.space.size

    @cached_property
    def fit(self) -> RestrictedFit | None:
        """The maximum under what is held; None if that is the fit's own."""
        return None if self.held is None else fit_restricted(self.record, self.held)

    @cached_property
    def loglike(self) -> float:
        """Its log-likelihood, or the supremum that separated data approach; NaN if unknown."""
        if self.fit is not None:
            return self.fit.loglike if self.fit.converged else self._find_supremum(self.held)
        return _read_loglike(self.record)

    def restrict_loglike(self, asked: Restriction) -> float:
        """Return the log-likelihood under the null hypothesis, or its supremum; NaN if unknown."""
        fit = self.restrict(asked)
        if fit.converged:
            return fit.loglike
        return self._find_supremum(asked if self.held is None else self.held + asked)

    def _find_supremum(self, restriction: Restriction | None) -> float:
        """Fit the model that equations leave, if they leave columns out; NaN if they do not."""
        columns = _list_columns_at_zero(self.record, restriction)
        if not columns or self.record.restriction is not None:
            return np.nan
        design, names = self.record.need_blocks().design, self.record.encoding.names
        if len(columns) == len(names):
            return np.nan
        smaller = omit_columns(design, {names[column]: "it is zero" for column in columns})
        request = replace(self.record.request, start_params=None)
        # What it would warn of is in the verdict.
        return _read_loglike(run_quietly(estimate, smaller, request))

    def find_news(self, asked: Restriction) -> Restriction:
        """Return the rows that do not follow from what is held, independent ones.

        Raises
        ------
        ParamsError
            If they contradict it.
        """
        if self.restriction is None or self.space is None:
            return asked
        basis, size = self.record.basis, len(asked)
        find_free_space(self.restriction + asked, basis)
        rows = basis.enter_score(asked.matrix.reshape(size, -1, len(basis.scale)))
        rows = rows.reshape(size, -1)
        rows = rows / np.linalg.norm(rows, axis=1)[:, np.newaxis]
        return asked.pick(_pick_independent(rows @ self.space.directions))

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
            raise ParamsError(
                "The rows of the hypothesis depend on each other, or on equations that the fit "
                "was held to; drop some."
            )
        return fit


def _read_loglike(record: FitRecord) -> float:
    known = record.maximum.converged or record.separation.found
    return record.sums.loglike if known else np.nan


def _list_columns_at_zero(record: FitRecord, restriction: Restriction | None) -> list[int]:
    """Return the columns left out, if that is all that equations say; else none."""
    if restriction is None or restriction.values.any():
        return []
    used = restriction.matrix != 0
    alone = (used.sum(axis=1) == 1).all()
    equations = used.any(axis=0).reshape(record.params.shape)
    whole = (equations.all(axis=0) == equations.any(axis=0)).all()
    return np.flatnonzero(equations.all(axis=0)).tolist() if alone and whole else []


def _drop_repeated(restriction: Restriction) -> Restriction:
    """Return rows that are independent."""
    length = np.linalg.norm(restriction.matrix, axis=1)[:, np.newaxis]
    return restriction.pick(_pick_independent(restriction.matrix / length))


def _pick_independent(rows: np.ndarray) -> list[int]:
    """Return positions of rows, of length one at most, that the others are combinations of."""
    if not rows.size:
        return []
    triangle, order = qr(rows.T, mode="r", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    return sorted(order[: int((sizes > DEPENDENCE_TOLERANCE).sum())].tolist())
