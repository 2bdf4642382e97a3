r"""What equations leave free, written so that nothing comes back that they fix.

The coefficients that independent equations are solved for follow from the others, which move
one by one: ``b = point + M'a`` for any a (r,). In the internal basis the moves are ``D T`` with
orthonormal columns D; if columns are nearly collinear T need not be nearly singular, though the
basis is, and then variances are those of the columns that are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.fitting.constrained.constraints import span_params
from mlelogit.fitting.linalg import ColumnBasis, measure_lengths, solve_upper
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.subspace import FreeSpace


@dataclass(frozen=True)
class Moves(ReadOnly):
    """All coefficients that equations allow.

    Attributes
    ----------
    point : numpy.ndarray
        (P,), which meets them.
    matrix : numpy.ndarray
        M (r, P): see `span_params`.
    units : numpy.ndarray
        (P,): the size of every coefficient's column.
    directions : numpy.ndarray
        D (P, r).
    triangle : numpy.ndarray
        T (r, r), upper triangular.
    origin : numpy.ndarray
        (P,): the point, in the internal basis.
    """

    point: np.ndarray
    matrix: np.ndarray
    units: np.ndarray
    directions: np.ndarray
    triangle: np.ndarray
    origin: np.ndarray

    @property
    def space(self) -> FreeSpace:
        """The same in the internal basis."""
        along = self.directions
        return FreeSpace(self.origin - along @ (along.T @ self.origin), along)

    @cached_property
    def scaled(self) -> np.ndarray:
        """Orthonormal directions (P, r) of coefficients in units of their columns."""
        return np.asarray(np.linalg.qr((self.matrix * self.units).T)[0])

    def enter(self, rows: np.ndarray) -> np.ndarray:
        """Map combinations of coefficients (q, P) to what is free of them in the basis (q, P)."""
        if not len(self.matrix):
            return np.zeros(rows.shape)
        inside = solve_upper(self.triangle, self.matrix @ rows.T, transpose=True)
        return np.asarray(self.directions @ inside).T

    def free(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is free of rows (q, P) of length one, (q, r), and the rows' lengths (q,)."""
        scaled = rows / self.units
        length = measure_lengths(scaled)
        return np.asarray(scaled / length[:, np.newaxis] @ self.scaled), length


def find_moves(equations: Restriction, basis: ColumnBasis) -> Moves:
    """Find what independent equations leave free."""
    size, width = equations.matrix.shape[1], len(basis.scale)
    point, moves = span_params(equations, size, basis.scale)
    inside = basis.enter_params(moves.reshape(len(moves), size // width, width))
    turned, triangle = np.linalg.qr(inside.reshape(len(moves), size).T)
    origin = basis.enter_params(point.reshape(-1, width)).ravel()
    return Moves(point, moves, np.tile(basis.scale, size // width), turned, triangle, origin)


def enter_rows(rows: np.ndarray, moves: Moves | None, basis: ColumnBasis) -> np.ndarray:
    """Map combinations of coefficients (q, P) to ones in the basis, under equations or none."""
    return basis.enter_score(rows).reshape(rows.shape) if moves is None else moves.enter(rows)
