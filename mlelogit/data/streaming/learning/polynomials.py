"""Orthogonal polynomials over all rows, learned from pieces of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

from mlelogit.data.streaming.learning.moments import cut
from mlelogit.exceptions import FormulaError

# Atoms kept before they are replaced by a quadrature rule: few rounds of it, few bytes.
MOST_ATOMS = 2048
# A norm this small in units of the range is what rounding leaves of zero: no value is left over.
NOTHING = 1e-13
# Rounding in units of the range changes a norm by its square's share: eps / 1e-6 is ten digits.
FAINT = 1e-6
_LOOKED_AT = 1000


@dataclass(frozen=True)
class Atoms:
    """A few weighted points over which polynomials up to a degree sum as over all rows.

    Attributes
    ----------
    size : int
        Points that are enough: sums of powers up to 2 * size - 1 are those of the rows.
    origin : float
        A place among the values; points are kept as distances from it.
    points : numpy.ndarray
        (m,)
    times : numpy.ndarray
        (m,): how many rows each stands for.
    """

    size: int
    origin: float
    points: np.ndarray
    times: np.ndarray

    def __add__(self, other: Atoms) -> Atoms:
        moved = other.points + (other.origin - self.origin)
        points, times = np.append(self.points, moved), np.append(self.times, other.times)
        if len(points) > MOST_ATOMS:
            points, times = condense(points, times, self.size)
        return Atoms(self.size, self.origin, points, times)


def measure_atoms(values: np.ndarray, times: np.ndarray | None, degree: int) -> Atoms:
    """Return what stands for at least one row in polynomials up to a degree.

    Sums of polynomials over rows are an integral, and Gauss's quadrature rule of degree + 1
    points gives it exactly up to the power 2 * degree + 1 (Golub and Welsch 1969,
    "Calculation of Gauss quadrature rules", Mathematics of Computation 23). The rules of two
    pieces, put together, are again weighted points: nothing is subtracted, nothing cancels.

    Parameters
    ----------
    values : numpy.ndarray
        (m,)
    times : numpy.ndarray, optional
        (m,): how often each row counts.
    degree : int

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.streaming.learning.polynomials import measure_atoms
    >>> x = np.linspace(0, 3, 50)
    >>> atoms = measure_atoms(x, None, degree=2)
    >>> len(atoms.points), bool(np.isclose(atoms.times @ (atoms.points + atoms.origin) ** 5,
    ...                                    (x**5).sum(), rtol=1e-13))
    (3, True)
    """
    size = degree + 1
    origin = float(np.median(values[:_LOOKED_AT]))
    parts = [
        Atoms(size, origin, *condense(part - origin, own, size)) for part, own in cut(values, times)
    ]
    return sum(parts[1:], parts[0])


def condense(points: np.ndarray, times: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `size` weighted points that sum polynomials as the given ones do."""
    few = _find_few(points, size)
    if few is not None:
        place = np.searchsorted(few, points)
        return few, np.bincount(place, weights=times, minlength=len(few))
    reach, diagonal, beside = find_recurrence(points, times, size)
    kept = 1 + int(np.cumprod(beside > NOTHING).sum())
    nodes, vectors = eigh_tridiagonal(diagonal[:kept], beside[: kept - 1])
    return nodes * reach, times.sum() * vectors[0] ** 2


def _find_few(points: np.ndarray, size: int) -> np.ndarray | None:
    """Return the different points if there are no more than `size` of them."""
    if len(np.unique(points[:_LOOKED_AT])) > size:
        return None
    unique = np.unique(points)
    return unique if len(unique) <= size else None


def find_recurrence(
    points: np.ndarray, times: np.ndarray, size: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the Jacobi matrix of weighted points, by Lanczos with full orthogonalization.

    Gautschi (2004), "Orthogonal Polynomials: Computation and Approximation", section 2.2.3.

    Returns
    -------
    reach : float
        The largest distance of a point from the origin, the unit of what follows.
    diagonal : numpy.ndarray
        (size,)
    beside : numpy.ndarray
        (size - 1,): zero from where there are no further points.
    """
    reach = float(np.abs(points).max()) or 1.0
    scaled = points / reach
    diagonal, beside = np.zeros(size), np.zeros(size - 1)
    basis = np.empty((size, len(points)))
    basis[0] = np.sqrt(times / times.sum())
    for k in range(size):
        step = scaled * basis[k]
        diagonal[k] = basis[k] @ step
        if k == size - 1:
            break
        before = basis[: k + 1]
        for _ in range(2):
            step -= (before @ step) @ before
        beside[k] = np.sqrt(step @ step)
        if beside[k] <= NOTHING:
            beside[k] = 0.0
            break
        basis[k + 1] = step / beside[k]
    return reach, diagonal, beside


def learn_poly(expr: str, degree: int, atoms: Atoms) -> dict[str, dict[int, np.float64]]:
    """Return what formulaic's ``poly`` learns from all rows: its recurrence's coefficients.

    With monic polynomials p_k over the rows, alpha_k = sum x p_k^2 / sum p_k^2 and
    norms2_k = sum p_k^2.

    Raises
    ------
    FormulaError
        If there are no more different values than the degree, or if they are so uneven that
        ten digits cannot be had.
    """
    reach, diagonal, beside = find_recurrence(atoms.points, atoms.times, degree + 1)
    if (beside == 0).any():
        found = int((beside != 0).cumprod().sum()) + 1
        raise FormulaError(
            f"{expr} needs more different values than its degree of {degree}, and there are no "
            f"more than {found}."
        )
    if beside.min(initial=1.0) < FAINT:
        raise FormulaError(
            f"{expr} cannot be learned piece by piece to ten digits: its values lie too close "
            "together beside the farthest of them. Take logarithms, or write raw=True."
        )
    norms = atoms.times.sum() * np.cumprod(np.append(1.0, (beside * reach) ** 2))
    return {
        "alpha": {k: np.float64(atoms.origin + reach * diagonal[k]) for k in range(degree)},
        "norms2": {k: np.float64(norms[k]) for k in range(degree + 1)},
    }
