"""What a test takes for granted, and what its null hypothesis leaves of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import qr

from mlelogit.data.restrictions import Restriction
from mlelogit.exceptions import ParamsError
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.restriction import (
    DEPENDENCE_TOLERANCE,
    FreeSpace,
    RestrictedFit,
    find_free_space,
    fit_restricted,
)

UNFORMED = "the fit left out its information for its size; fit(cov_type='nonrobust') forms it"
UNKNOWN = (
    "no finite maximum under the null hypothesis has been shown to exist; fit the model that it "
    "leaves, and see whether the data are separated there"
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

    @property
    def converged(self) -> bool:
        """Whether its log-likelihood is known, be it a supremum that separated data approach."""
        if self.fit is not None:
            return self.fit.converged
        return self.record.maximum.converged or self.record.separation.found

    @property
    def loglike(self) -> float:
        """Its log-likelihood."""
        return self.record.sums.loglike if self.fit is None else self.fit.loglike

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


def _drop_repeated(restriction: Restriction) -> Restriction:
    """Return rows that are independent."""
    length = np.linalg.norm(restriction.matrix, axis=1)
    triangle, order = qr(restriction.matrix.T / length, mode="r", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    rank = int((sizes > DEPENDENCE_TOLERANCE * sizes[0]).sum())
    return restriction.pick(sorted(order[:rank]))
