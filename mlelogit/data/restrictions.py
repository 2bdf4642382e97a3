"""Read linear hypotheses about coefficients, written so that people can read them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import read_reals, write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.wording import (
    Reference,
    find_pair,
    list_coefficients,
    refuse_name,
    scan_words,
    split_statements,
    sum_terms,
)
from mlelogit.exceptions import ParamsError

SHOWN = 4


@dataclass(frozen=True)
class Restriction:
    """Linear equations, or inequalities, ``R b = q`` about the coefficients.

    Attributes
    ----------
    matrix : numpy.ndarray
        R (q, P), in the columns of the design, equation by equation.
    values : numpy.ndarray
        q (q,).
    relations : tuple of str
        "=", "<=" or ">=", a row each.
    words : tuple of str
        Every row as it is read.
    """

    matrix: np.ndarray
    values: np.ndarray
    relations: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def said(self) -> str:
        """All rows in words."""
        return " and ".join(self.words)

    def __len__(self) -> int:
        return len(self.values)

    def __add__(self, other: Restriction) -> Restriction:
        return Restriction(
            np.vstack([self.matrix, other.matrix]),
            np.concatenate([self.values, other.values]),
            self.relations + other.relations,
            self.words + other.words,
        )

    def pick(self, rows: Sequence[int]) -> Restriction:
        """Return some of the rows."""
        return Restriction(
            self.matrix[list(rows)],
            self.values[list(rows)],
            tuple(self.relations[i] for i in rows),
            tuple(self.words[i] for i in rows),
        )


def read_restrictions(given: Any, encoding: Encoding, value: Any = None) -> Restriction:
    """Read linear hypotheses as people write them.

    Parameters
    ----------
    given : str, tuple, list of them, or array-like
        ``"car: age = bus: age"``, ``"train: income = 0.5"``, ``"car: age + 2 * car: income
        >= 1"``: sums of coefficients and numbers on both sides of =, <= or >=, and several
        with commas or in a list. A coefficient is "category: name", or a pair (category,
        name). A name alone stands for every equation in turn: "age" is "age = 0" in all,
        "age = income" that they are equal in each. A term of several columns stands for
        each of them. The base category's coefficients are zero. Or the matrix R (q, P).
    encoding : Encoding
    value : array-like, optional
        q (q,), in place of the right side; zero if not given.

    Raises
    ------
    ParamsError
        If a name is unknown or means two things, the text cannot be read, a row says nothing
        about any coefficient, or a shape is wrong.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.restrictions import read_restrictions
    >>> model = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96())
    >>> read_restrictions("Dole: age = 2 * Dole: educ", model.encoding).words
    ('Dole: age = 2*[Dole: educ]',)
    """
    rows = read_rows(given, encoding)
    if rows is None:
        return _read_matrix(given, encoding, value)
    matrix = np.array([row for row, _, _ in rows])
    target = np.array([right for _, right, _ in rows])
    if value is not None:
        target = _read_values(value, len(rows))
    return make_restriction(matrix, target, encoding, tuple(said or "=" for _, _, said in rows))


def read_rows(given: Any, encoding: Encoding) -> list[tuple[np.ndarray, float, str]] | None:
    """Return the different rows of what is written: coefficients, right side and relation.

    The relation is empty where none is written; all is None if a matrix is given.
    """
    pieces = _list_pieces(given, encoding)
    if pieces is None:
        return None
    found = [row for piece in pieces for row in _read_piece(piece, encoding)]
    return list({(row[0].tobytes(), *row[1:]): row for row in found}.values())


def make_restriction(
    matrix: np.ndarray, values: np.ndarray, encoding: Encoding, relations: tuple[str, ...] = ()
) -> Restriction:
    """Put a matrix, its right side and its relations (equality if not given) in words."""
    relations = relations or ("=",) * len(matrix)
    labels = list_coefficients(encoding)
    pairs = zip(matrix, values, relations, strict=True)
    words = tuple(write_row(row, float(right), relation, labels) for row, right, relation in pairs)
    return Restriction(matrix, values, relations, words)


def select_coefficients(
    positions: Sequence[int] | np.ndarray, encoding: Encoding, values: Any = 0.0
) -> Restriction:
    """Return the restriction that the coefficients at these positions have these values."""
    matrix = np.eye(len(encoding.names) * len(encoding.others))[list(positions)]
    return make_restriction(matrix, np.broadcast_to(values, len(matrix)).astype(float), encoding)


def write_row(row: np.ndarray, value: float, relation: str, labels: Sequence[str]) -> str:
    """Write one row, with its positive terms on the left and its negative ones on the right."""
    used = np.flatnonzero(row)
    if len(used) and not (row[used] > 0).any():
        row, value = -row, -value
        relation = {"<=": ">=", ">=": "<="}.get(relation, relation)
    sides = [_write_terms(row, np.flatnonzero(row > 0), labels)]
    sides.append(_write_terms(-row, np.flatnonzero(row < 0), labels))
    if value or not sides[1]:
        sign = f" {'-' if value < 0 else '+'} "
        sides[1] += f"{sign}{abs(value):g}" if sides[1] else f"{value + 0:g}"
    return f"{sides[0]} {relation} {sides[1]}"


def _write_terms(row: np.ndarray, used: np.ndarray, labels: Sequence[str]) -> str:
    terms = [labels[i] if row[i] == 1 else f"{row[i]:g}*[{labels[i]}]" for i in used[:SHOWN]]
    return " + ".join(terms) + (" + ..." if len(used) > SHOWN else "")


def _list_pieces(given: Any, encoding: Encoding) -> list | None:
    """Return the names and texts given, a list; None if it is a matrix."""
    if isinstance(given, pd.DataFrame | pd.Index | np.ndarray | pd.Series):
        given = given.to_numpy() if hasattr(given, "to_numpy") else given
        given = given.tolist() if given.dtype.kind in "OUT" else given
    if isinstance(given, str):
        return [given]
    if isinstance(given, tuple) and find_pair(given, encoding) is not None:
        return [given]
    if isinstance(given, list | tuple) and given and all(isinstance(p, str | tuple) for p in given):
        numbers = all(isinstance(p, tuple) and find_pair(p, encoding) is None for p in given)
        return (
            None if numbers and not any(isinstance(v, str) for p in given for v in p) else [*given]
        )
    return None


def _read_matrix(given: Any, encoding: Encoding, value: Any) -> Restriction:
    size = len(encoding.names) * len(encoding.others)
    matrix = np.atleast_2d(
        read_reals(given, "A hypothesis that is no names is a matrix R, which", ParamsError)
    )
    if matrix.ndim != 2 or matrix.shape[1] != size or not len(matrix):
        raise ParamsError(f"R has shape {matrix.shape}; it needs {size} columns.")
    if not np.isfinite(matrix).all():
        raise ParamsError("R holds values that are not finite.")
    target = np.zeros(len(matrix)) if value is None else _read_values(value, len(matrix))
    _check_rows(matrix)
    return make_restriction(matrix, target, encoding)


def _check_rows(matrix: np.ndarray) -> None:
    empty = ~matrix.any(axis=1)
    if empty.any():
        raise ParamsError(f"Row {int(np.argmax(empty))} of the hypothesis is zero; drop it.")


def _read_values(value: Any, size: int) -> np.ndarray:
    target = np.atleast_1d(read_reals(value, "value", ParamsError))
    if target.shape != (size,):
        raise ParamsError(f"value has shape {target.shape}, not ({size},).")
    if not np.isfinite(target).all():
        raise ParamsError("value holds numbers that are not finite.")
    return target


def _read_piece(piece: str | tuple, encoding: Encoding) -> list[tuple[np.ndarray, float, str]]:
    """Read one text, or a pair that is zero, as rows: coefficients, right side and relation."""
    if isinstance(piece, tuple):
        reference = find_pair(piece, encoding)
        if reference is None:
            raise ParamsError(refuse_name(piece, encoding))
        return _expand([(1.0, reference)], 0.0, "", encoding, write_value(piece))
    rows = []
    for left, relation, right in split_statements(
        list(scan_words(piece, encoding)), piece, encoding
    ):
        terms, constant = sum_terms(left, piece, encoding)
        others, beyond = sum_terms(right, piece, encoding)
        terms += [(-weight, reference) for weight, reference in others]
        rows += _expand(terms, beyond - constant, relation, encoding, piece)
    return rows


def _expand(
    terms: list[tuple[float, Reference]],
    value: float,
    relation: str,
    encoding: Encoding,
    text: str,
) -> list[tuple[np.ndarray, float, str]]:
    """Write a sum out as rows: one for every equation and column that its names stand for."""
    lengths = {len(reference.columns) for _, reference in terms}
    if len(lengths) > 1:
        raise ParamsError(f"{text!r} sets terms of {sorted(lengths)} columns against each other.")
    every = any(reference.equation is None for _, reference in terms)
    equations = [i for i in range(len(encoding.categories)) if i != encoding.base] if every else [0]
    rows = [
        (_place_terms(terms, equation, column, encoding), value, relation)
        for equation in equations
        for column in range(max(lengths, default=0))
    ]
    if not rows or not all(row.any() for row, _, _ in rows):
        raise ParamsError(
            f"{text!r} says nothing about any coefficient: the base category's are zero, and "
            "what stands on both sides cancels."
        )
    return rows


def _place_terms(
    terms: list[tuple[float, Reference]], equation: int, column: int, encoding: Encoding
) -> np.ndarray:
    full = np.zeros((len(encoding.categories), len(encoding.names)))
    for weight, reference in terms:
        own = equation if reference.equation is None else reference.equation
        full[own, reference.columns[column]] += weight
    return np.delete(full, encoding.base, axis=0).ravel()
