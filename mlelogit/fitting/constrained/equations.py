"""Rows of constraints in the basis: which are independent, what they leave free, what they cost."""

from __future__ import annotations

import numpy as np

from mlelogit.data.restrictions import Restriction
from mlelogit.exceptions import ConstraintError
from mlelogit.fitting.certificate import EPSILON
from mlelogit.fitting.constrained.bounds import Bounds, find_conflict, is_feasible
from mlelogit.fitting.constrained.constraints import span_params
from mlelogit.fitting.linalg import (
    ColumnBasis,
    find_aliases,
    measure_lengths,
    solve_upper,
    triangularize,
)
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace

# Rows of equations of length one: values that differ by less say the same.
SAME_VALUE = 1e-9
# What equations leave of a bound's row, of length one, if they settle it.
SETTLED = 1e-10
# A slack counts as none below so many roundings of its terms, which the basis amplifies.
ROUNDINGS = 100
# With more constraints the message names them all: finding a few takes a programme for each.
LARGEST_CONFLICT = 300


def _scale_rows(given: Restriction, basis: ColumnBasis) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of coefficients of the scaled columns, of length one, and right sides."""
    units = np.tile(basis.scale, given.matrix.shape[1] // len(basis.scale))
    matrix = given.matrix / units
    length = np.linalg.norm(matrix, axis=1)
    return matrix / length[:, np.newaxis], given.values / length


def sort_equations(given: Restriction, basis: ColumnBasis) -> tuple[np.ndarray, np.ndarray]:
    """Tell which rows are independent equations, and which equations those before them imply.

    Raises
    ------
    ConstraintError
        If equations contradict each other.
    """
    matrix, values = _scale_rows(given, basis)
    places = [i for i, relation in enumerate(given.relations) if relation == "="]
    equations, implied = np.zeros(len(given), dtype=bool), np.zeros(len(given), dtype=bool)
    equations[places] = True
    if not places:
        return equations, implied
    few, right = matrix[places], values[places]
    aliases = find_aliases(triangularize(few.T), np.ones(len(few)))
    for row, weights in aliases.items():
        if abs(right[row] - weights @ right) > SAME_VALUE * (1 + np.abs(weights) @ np.abs(right)):
            used = [*np.flatnonzero(np.abs(weights) > SAME_VALUE), row]
            _refuse(given.pick([places[i] for i in used]))
        equations[places[row]], implied[places[row]] = False, True
    return equations, implied


def _refuse(conflict: Restriction) -> None:
    raise ConstraintError(f"These constraints cannot all hold: {conflict.said}. Drop one.")


def span_free(equations: Restriction, basis: ColumnBasis) -> FreeSpace:
    """Return all params that meet independent equations, in the internal basis.

    The coefficients that are solved for follow from the others; so directions move what is
    free and nothing else, and are turned at right angles to each other in the basis only then.
    """
    size, width = equations.matrix.shape[1], len(basis.scale)
    if not len(equations):
        return FreeSpace(np.zeros(size), np.eye(size))
    point, moves = span_params(equations, size, basis.scale)
    inside = basis.enter_params(moves.reshape(len(moves), size // width, width)).reshape(
        len(moves), size
    )
    directions = np.linalg.qr(inside.T)[0]
    origin = basis.enter_params(point.reshape(-1, width)).ravel()
    return FreeSpace(origin - directions @ (directions.T @ origin), directions)


def turn_moves(restriction: Restriction, scale: np.ndarray) -> np.ndarray:
    """Return orthonormal directions (P, r) of coefficients, in units of their columns.

    They span what independent equations leave free.
    """
    size = restriction.matrix.shape[1]
    _, moves = span_params(restriction, size, scale)
    return np.asarray(np.linalg.qr((moves * np.tile(scale, size // len(scale))).T)[0])


def free_rows(matrix: np.ndarray, moves: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return what equations leave free of rows R (q, P): (q, r), shorter than one.

    Parameters
    ----------
    matrix : numpy.ndarray
    moves : numpy.ndarray
        What `turn_moves` returns.
    scale : numpy.ndarray
        (K,): the size of every column.
    """
    rows = matrix / np.tile(scale, matrix.shape[1] // len(scale))
    return np.asarray(rows / measure_lengths(rows)[:, np.newaxis] @ moves)


def find_settled(given: Restriction, held: Restriction, basis: ColumnBasis) -> np.ndarray:
    """Tell of which rows independent equations that are held leave nothing free: (m,), bool."""
    free = free_rows(given.matrix, turn_moves(held, basis.scale), basis.scale)
    return np.asarray(np.linalg.norm(free, axis=1) <= SETTLED)


def enter_rows(rows: np.ndarray, restriction: Restriction | None, basis: ColumnBasis) -> np.ndarray:
    """Map combinations of coefficients (q, P) to ones of those of the internal basis.

    With equations in force, to what they leave of them: with the moves M of the coefficients
    that are free, which are ``D T`` in the basis, a row is ``D T'⁻¹ M r``. Nothing
    comes in that is known to be zero, however nearly collinear the columns are.
    """
    size, width = rows.shape[1], len(basis.scale)
    if restriction is None or not len(restriction):
        return basis.enter_score(rows).reshape(rows.shape)
    _, moves = span_params(restriction, size, basis.scale)
    if not len(moves):
        return np.zeros(rows.shape)
    inside = basis.enter_params(moves.reshape(-1, size // width, width)).reshape(moves.shape)
    turned, triangle = np.linalg.qr(inside.T)
    return np.asarray(turned @ solve_upper(triangle, moves @ rows.T, transpose=True)).T


def find_space(record: FitRecord) -> FreeSpace | None:
    """Return what a fit's equations and active bounds leave free, None if there are none."""
    return None if record.restriction is None else span_free(record.restriction, record.basis)


def find_directions(record: FitRecord) -> np.ndarray | None:
    """Return the directions (P, r) in which a fit tells its params, None if these are all.

    The limiting model of separated data tells some only, and constraints leave some only free.
    """
    if record.separation.estimable is not None:
        return record.separation.estimable
    space = find_space(record)
    return None if space is None else space.directions


def enter_bounds(
    given: Restriction, space: FreeSpace, basis: ColumnBasis
) -> tuple[np.ndarray, Bounds]:
    """Return the bounds as inequalities about free params, and which rows they are.

    Rows that the equations settle are left out.

    Raises
    ------
    ConstraintError
        If no params meet all constraints.
    """
    places = np.array([i for i, sign in enumerate(given.relations) if sign != "="], dtype=int)
    sign = np.array([-1.0 if given.relations[i] == "<=" else 1.0 for i in places])
    rows = given.matrix[places] * sign[:, np.newaxis]
    width = len(basis.scale)
    inner = np.array([basis.enter_score(row.reshape(-1, width)) for row in rows])
    inner = inner.reshape(len(places), len(space.origin))
    length = np.linalg.norm(inner, axis=1)
    inner, values = inner / length[:, np.newaxis], given.values[places] * sign / length
    matrix, short = inner @ space.directions, values - inner @ space.origin
    size = np.linalg.norm(matrix, axis=1)
    moves = size > SETTLED
    broken = ~moves & (short > SAME_VALUE * (1 + np.abs(values)))
    rounding = ROUNDINGS * EPSILON * max(basis.amplification, 1.0)
    terms = 1 + np.abs(values) + np.abs(inner) @ np.abs(space.origin)
    noise = rounding * terms[moves] / size[moves]
    rows = matrix[moves] / size[moves, np.newaxis]
    bounds = Bounds(rows, short[moves] / size[moves], noise, rounding)
    if broken.any() or not is_feasible(bounds.matrix, bounds.values, [">="] * int(moves.sum())):
        few = len(given) <= LARGEST_CONFLICT
        _refuse(find_conflict(given, *_scale_rows(given, basis)) if few else given)
    return places[moves], bounds


def find_multipliers(maximum: Maximum, held: Restriction, basis: ColumnBasis) -> np.ndarray:
    """Return the λ (q,) with ``s = R'λ`` for the score in the columns of the design."""
    if not len(held):
        return np.zeros(0)
    width = len(basis.scale)
    inner = np.asarray(maximum.sums.score).reshape(-1, width)
    units = np.tile(basis.scale, held.matrix.shape[1] // width)
    score = basis.leave_score(inner).ravel() / units
    rows = held.matrix / units
    length = np.linalg.norm(rows, axis=1)
    rows = rows / length[:, np.newaxis]
    return np.asarray(np.linalg.lstsq(rows.T, score, rcond=None)[0] / length)
