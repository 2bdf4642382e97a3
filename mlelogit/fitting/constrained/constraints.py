"""What a fit was held to, and what each constraint costs; the values that constraints settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import ReadOnly

# What rounding leaves of an entry that elimination takes away, relative to the row's largest.
NEGLIGIBLE = 1e-11
# A bound is broken when it is missed by more than this share of its terms.
BROKEN = 1e-9


@dataclass(frozen=True)
class Constraints(ReadOnly):
    """The constraints of a fit, as they were written, and how they bear on it.

    Attributes
    ----------
    given : Restriction
        All m rows in the order given; relations are "=", "<=" or ">=".
    held : numpy.ndarray
        (m,), bool: the independent equations in force, which are those of the restriction in
        the record: equations, and the bounds that are active.
    implied : numpy.ndarray
        (m,), bool: rows that those before them imply, and so say nothing new.
    multipliers : numpy.ndarray
        (m,): by how much the log-likelihood would rise if the right side of a row did, per unit;
        zero where a row is not in force. That of an active ">=" is negative, of an active
        "<=" positive, or the bound would not be active.
    """

    given: Restriction
    held: np.ndarray
    implied: np.ndarray
    multipliers: np.ndarray

    @property
    def bounds(self) -> np.ndarray:
        """Which rows are bounds (m,)."""
        return np.array([relation != "=" for relation in self.given.relations])

    @property
    def active(self) -> np.ndarray:
        """Which bounds the fit stands at (m,)."""
        return self.bounds & self.held

    @property
    def at_bounds(self) -> bool:
        """Whether any bound is active."""
        return bool(self.active.any())

    @property
    def restriction(self) -> Restriction | None:
        """The equations in force, if there are any."""
        if not self.held.any():
            return None
        picked = self.given.pick(list_positions(self.held))
        return Restriction(picked.matrix, picked.values, ("=",) * len(picked), picked.words)


def find_broken(given: Restriction, params: np.ndarray) -> np.ndarray:
    """Tell which bounds among some rows params (P,) do not meet: (m,), bool."""
    gap = given.matrix @ params - given.values
    size = BROKEN * (np.abs(given.matrix) @ np.abs(params) + np.abs(given.values))
    signs = np.array([{"<=": 1.0, ">=": -1.0}.get(relation, 0.0) for relation in given.relations])
    return np.asarray(signs * gap > size)


def list_positions(mask: np.ndarray) -> Sequence[int]:
    """Return where a mask is true, as whole numbers."""
    return [int(i) for i in np.flatnonzero(mask)]


@dataclass(frozen=True)
class Echelon(ReadOnly):
    """Independent equations solved for as many coefficients: ``b_pivot = value - rest b``.

    Attributes
    ----------
    pivots : numpy.ndarray
        (q,): a position for every row.
    rest : numpy.ndarray
        (q, P), zero at all pivots.
    values : numpy.ndarray
        (q,).
    """

    pivots: np.ndarray
    rest: np.ndarray
    values: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """Positions of the coefficients that the equations fix, each at one value."""
        return np.asarray(self.pivots[~self.rest.any(axis=1)])

    def meet(self, params: np.ndarray) -> np.ndarray:
        """Return params (P,) whose pivots are those that the others ask for, to the last digit."""
        exact = params.copy()
        exact[self.pivots] = self.values - self.rest @ params
        return exact


def reduce_rows(restriction: Restriction, scale: np.ndarray) -> Echelon:
    """Bring independent equations into reduced echelon form by Gauss-Jordan elimination.

    A coefficient that the equations fix, be it in combination, has a row of its own then:
    the reduced form of a row space that holds a unit vector shows it. Pivots are largest in
    units of the columns' scales.

    Parameters
    ----------
    restriction : Restriction
    scale : numpy.ndarray
        (K,): the size of every column.
    """
    units = np.tile(scale, restriction.matrix.shape[1] // len(scale))
    matrix, values = restriction.matrix / units, restriction.values.copy()
    pivots = np.zeros(len(matrix), dtype=int)
    # Rows of one coefficient first: their values are exact, and stay so.
    order = np.argsort((matrix != 0).sum(axis=1), kind="stable")
    for i in order:
        size = np.abs(matrix[i]).max()
        matrix[i, np.abs(matrix[i]) <= NEGLIGIBLE * size] = 0.0
        pivots[i] = column = int(np.argmax(np.abs(matrix[i])))
        values[i] /= matrix[i, column]
        matrix[i] /= matrix[i, column]
        others = np.flatnonzero(matrix[:, column])
        for j in others[others != i]:
            share, before = matrix[j, column], np.abs(matrix[j]).max()
            values[j] -= share * values[i]
            matrix[j] -= share * matrix[i]
            matrix[j, np.abs(matrix[j]) <= NEGLIGIBLE * before] = 0.0
            matrix[j, column] = 0.0
    rest = matrix * units / units[pivots][:, np.newaxis]
    rest[np.arange(len(rest)), pivots] = 0.0
    return Echelon(pivots, rest, values / units[pivots])


def span_params(
    restriction: Restriction | None, size: int, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return all params that independent equations allow: ``point + a' moves`` for any a (r,).

    Parameters
    ----------
    restriction : Restriction or None
    size : int
        P.
    scale : numpy.ndarray
        (K,): the size of every column.

    Returns
    -------
    point : numpy.ndarray
        (P,).
    moves : numpy.ndarray
        (r, P): each moves one coefficient, by one in units of its column, and what is solved for.
    """
    units = np.tile(scale, size // len(scale))
    if restriction is None or not len(restriction):
        return np.zeros(size), np.diag(1 / units)
    solved = reduce_rows(restriction, scale)
    free = np.setdiff1d(np.arange(size), solved.pivots)
    moves = np.zeros((len(free), size))
    moves[np.arange(len(free)), free] = 1.0
    moves[:, solved.pivots] = -solved.rest[:, free].T
    return solved.meet(np.zeros(size)), moves / units[free][:, np.newaxis]


def find_fixed(restriction: Restriction | None, basis: ColumnBasis) -> np.ndarray:
    """Return the positions of the coefficients that equations fix, none without equations."""
    if restriction is None or not len(restriction):
        return np.zeros(0, dtype=int)
    return reduce_rows(restriction, basis.scale).fixed
