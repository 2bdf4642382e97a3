"""Arrays of numbers as lists of JSON, bit for bit; a symmetric matrix as its lower triangle.

Python writes the shortest decimal number that is a double and no other, and reads the same double
from it (Steele and White 1990, Proceedings of PLDI; Gay 1990, AT&T Numerical Analysis Manuscript
90-10). What is not finite is a text: "NaN", "Infinity" or "-Infinity".
"""

from __future__ import annotations

import numpy as np

from mlelogit.saving.kinds import WORDS, encode_float


def encode_count(number: float) -> int | float:
    """Return a number of rows or people, a float where weights made it one."""
    return float(number) if isinstance(number, float | np.floating) else int(number)


def encode_array(array: np.ndarray | None) -> list | None:
    """Return an array of one dimension or two as lists, rows first; None as None.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.saving.numbers import encode_array
    >>> encode_array(np.array([[0.5, -0.0], [np.inf, np.nan]]))
    [[0.5, -0.0], ['Infinity', 'NaN']]
    """
    if array is None:
        return None
    rows = np.asarray(array)
    if rows.dtype.kind != "f" or np.isfinite(rows).all():
        return list(rows.tolist())
    if rows.ndim == 1:
        return [encode_float(value) for value in rows]
    return [encode_array(row) for row in rows]


def encode_symmetric(matrix: np.ndarray | None) -> list | None:
    """Return a square matrix as the rows of its lower triangle; all of it if not symmetric."""
    if matrix is None:
        return None
    bits = np.ascontiguousarray(matrix).view(np.int64)
    if not np.array_equal(bits, bits.T):
        return encode_array(matrix)
    return [encode_array(row[: i + 1]) for i, row in enumerate(matrix)]


def decode_row(made: list, dtype: type) -> np.ndarray | None:
    """Return a list of numbers as an array (n,); None if it is none."""
    kinds = set(map(type, made))
    if dtype is bool:
        return np.array(made, dtype=bool) if kinds <= {bool} else None
    if dtype is int:
        return _hold_whole(made) if kinds <= {int} else None
    if not kinds <= {float, str}:
        return None
    if str not in kinds:
        row = np.array(made, dtype=np.float64)
        # JSON knows no bounds: 1e999 is a number.
        return row if np.isfinite(row).all() else None
    if any(isinstance(x, str) and x not in WORDS for x in made):
        return None
    return np.array([WORDS[x] if isinstance(x, str) else x for x in made], dtype=np.float64)


def _hold_whole(made: list) -> np.ndarray | None:
    try:
        return np.array(made, dtype=np.int64)
    except OverflowError:
        return None


def decode_rows(made: list, width: int, dtype: type) -> np.ndarray | None:
    """Return a list of lists as an array (m, width); None if it is none."""
    if not all(isinstance(row, list) and len(row) == width for row in made):
        return None
    rows = [decode_row(row, dtype) for row in made]
    if any(row is None for row in rows):
        return None
    return np.array(rows, dtype=dtype).reshape(len(made), width)


def decode_symmetric(made: list, size: int) -> np.ndarray | None:
    """Return the symmetric matrix (size, size) of a lower triangle, or a whole; None if none."""
    if len(made) != size or not all(isinstance(row, list) for row in made):
        return None
    if size > 1 and len(made[0]) == size:
        return decode_rows(made, size, float)
    if [len(row) for row in made] != list(range(1, size + 1)):
        return None
    matrix = np.empty((size, size))
    for i, row in enumerate(made):
        numbers = decode_row(row, float)
        if numbers is None:
            return None
        matrix[i, : i + 1] = matrix[: i + 1, i] = numbers
    return matrix
