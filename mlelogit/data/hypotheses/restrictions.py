"""Read linear hypotheses about coefficients, written so that people can read them too."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import read_reals, write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.wording import (
    Readings,
    Reference,
    find_pair,
    list_coefficients,
    list_readings,
    refuse_name,
    scan_words,
    split_statements,
    sum_terms,
)
from mlelogit.exceptions import ParamsError

SHOWN = 4
ALL = sys.maxsize


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
        name); "[category: name]" and "[name]" are that even where a name holds signs, and
        could be read as a sum of others. A name alone stands for every equation in turn: "age"
        is "age = 0" in all, "age = income" that they are equal in each. A term of several
        columns stands for each of them. The base category's coefficients are zero. Or the
        matrix R (q, P); a frame whose columns, or a series whose index, is labelled
        (category, name) may have them in any order.
    encoding : Encoding
    value : array-like, optional
        q (q,), of a matrix or of names without a right side; zero if not given.

    Returns
    -------
    Restriction
        The matrix R (q, P), the right sides q (q,), which rows are equations, and the words.

    Raises
    ------
    ParamsError
        If a name is unknown or means two things, the text cannot be read, a row says nothing
        about any coefficient, or a shape is wrong.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.hypotheses.restrictions import read_restrictions
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
        if any(said for _, _, said in rows):
            raise ParamsError(
                f"{write_value(given)} has a right side of its own; leave it out, or value=."
            )
        target = _read_values(value, len(rows))
    return make_restriction(matrix, target, encoding, tuple(said or "=" for _, _, said in rows))


def read_rows(given: Any, encoding: Encoding) -> list[tuple[np.ndarray, float, str]] | None:
    """Return the different rows of what is written: coefficients, right side and relation.

    The relation is empty where none is written; all is None if a matrix is given.
    """
    pieces = _list_pieces(given, encoding)
    if pieces is None:
        return None
    readings = list_readings(encoding)
    found = [row for piece in pieces for row in _read_piece(piece, readings)]
    return list({(row[0].tobytes(), *row[1:]): row for row in found}.values())


def make_restriction(
    matrix: np.ndarray, values: np.ndarray, encoding: Encoding, relations: tuple[str, ...] = ()
) -> Restriction:
    """Put a matrix, its right side and its relations (equality if not given) in words."""
    relations = relations or ("=",) * len(matrix)
    labels = label_coefficients(encoding)

    def write(i: int, most: int) -> str:
        return _write_row(matrix[i], float(values[i]), relations[i], labels, most)

    return Restriction(matrix, values, relations, write_rows(len(matrix), write))


def label_coefficients(encoding: Encoding) -> list[str]:
    """Name every coefficient so that it can be read back, in brackets if it must be."""
    readings = list_readings(encoding)
    return [readings.write(label) for label in list_coefficients(encoding)]


def write_rows(count: int, write: Callable[[int, int], str]) -> tuple[str, ...]:
    """Write rows with some terms each, and with all terms those that would be the same then.

    Parameters
    ----------
    count : int
    write : callable
        Position and most terms -> text.
    """
    words = [write(i, SHOWN) for i in range(count)]
    often = Counter(words)
    return tuple(said if often[said] == 1 else write(i, ALL) for i, said in enumerate(words))


def write_term(weight: float, label: str) -> str:
    """Write a coefficient times a positive number."""
    if weight == 1:
        return label
    return f"{write_number(weight)}*{label if label.startswith('[') else f'[{label}]'}"


def write_number(value: float) -> str:
    """Write a number so that the same is read back."""
    short = f"{value:.15g}"
    return short if float(short) == value else repr(float(value))


def _write_row(row: np.ndarray, value: float, relation: str, labels: list[str], most: int) -> str:
    """Write one row, with its positive terms on the left and its negative ones on the right."""
    used = np.flatnonzero(row)
    if len(used) and not (row[used] > 0).any():
        row, value = -row, -value
        relation = {"<=": ">=", ">=": "<="}.get(relation, relation)
    sides = [_write_terms(row, np.flatnonzero(row > 0), labels, most)]
    sides.append(_write_terms(-row, np.flatnonzero(row < 0), labels, most))
    if value or not sides[1]:
        sign = f" {'-' if value < 0 else '+'} "
        number = write_number(abs(value) if sides[1] else value + 0)
        sides[1] += f"{sign}{number}" if sides[1] else number
    return f"{sides[0]} {relation} {sides[1]}"


def _write_terms(row: np.ndarray, used: np.ndarray, labels: list[str], most: int) -> str:
    terms = [write_term(float(row[i]), labels[i]) for i in used[:most]]
    return " + ".join(terms + ["..."] * (len(used) > most))


def _list_pieces(given: Any, encoding: Encoding) -> list | None:
    """Return the names and texts given, a list; None if it is a matrix."""
    if _is_labelled(given):
        return None
    if isinstance(given, pd.DataFrame | pd.Index | np.ndarray | pd.Series):
        given = given.to_numpy() if hasattr(given, "to_numpy") else given
        given = given.tolist() if given.dtype.kind in "OUT" else given
    if isinstance(given, str) or _is_pair(given, encoding):
        return [given]
    if isinstance(given, list | tuple) and given and all(isinstance(p, str | tuple) for p in given):
        numbers = all(isinstance(p, tuple) and find_pair(p, encoding) is None for p in given)
        return (
            None if numbers and not any(isinstance(v, str) for p in given for v in p) else [*given]
        )
    return None


def _is_pair(given: Any, encoding: Encoding) -> bool:
    """Tell whether this is a pair (category, name), be it of a name that is unknown."""
    if not isinstance(given, tuple) or len(given) != 2:
        return False
    mixed = isinstance(given[1], str) and np.isscalar(given[0]) and not isinstance(given[0], str)
    return mixed or find_pair(given, encoding) is not None


def _read_matrix(given: Any, encoding: Encoding, value: Any) -> Restriction:
    if given is None:
        raise ParamsError(refuse_name(None, encoding))
    size = len(encoding.names) * len(encoding.others)
    rows = given.index if isinstance(given, pd.DataFrame) else None
    given = _align_labels(given, encoding) if _is_labelled(given) else given
    matrix = np.atleast_2d(
        read_reals(given, "A hypothesis that is no names is a matrix R, which", ParamsError)
    )
    if matrix.ndim != 2 or matrix.shape[1] != size or not len(matrix):
        raise ParamsError(f"R has shape {matrix.shape}; it needs {size} columns.")
    if not np.isfinite(matrix).all():
        raise ParamsError("R holds values that are not finite.")
    target = np.zeros(len(matrix)) if value is None else _read_values(value, len(matrix), rows)
    _check_rows(matrix)
    return make_restriction(matrix, target, encoding)


def _is_labelled(given: Any) -> bool:
    """Tell whether these are numbers with labels of their own, and not of their position."""
    if not isinstance(given, pd.DataFrame | pd.Series):
        return False
    types = given.dtypes if isinstance(given, pd.DataFrame) else [given.dtype]
    labels = given.axes[-1]
    return not isinstance(labels, pd.RangeIndex) and all(dtype.kind in "biuf" for dtype in types)


def _align_labels(given: pd.DataFrame | pd.Series, encoding: Encoding) -> Any:
    """Return labelled rows of R in the order of the parameters."""
    wanted = pd.MultiIndex.from_product([list(encoding.others), list(encoding.names)])
    labels = given.axes[-1]
    if not labels.is_unique or set(labels) != set(wanted):
        raise ParamsError(
            "R is labelled, and its labels must be the pairs (category, name) of all coefficients, "
            f"each once; the first are {list(wanted[:2])}, not {list(labels[:2])}. Pass "
            "to_numpy() to go by position."
        )
    return given[list(wanted)].to_numpy()


def _check_rows(matrix: np.ndarray) -> None:
    empty = ~matrix.any(axis=1)
    if empty.any():
        raise ParamsError(f"Row {int(np.argmax(empty))} of the hypothesis is zero; drop it.")


def _read_values(value: Any, size: int, rows: pd.Index | None = None) -> np.ndarray:
    """Read right sides (q,); labelled ones have the labels of the rows, in any order."""
    if isinstance(value, pd.Series) and not isinstance(value.index, pd.RangeIndex):
        if rows is None or not value.index.is_unique or set(value.index) != set(rows):
            raise ParamsError(
                f"value is labelled {list(value.index[:SHOWN])}, which are not the rows of the "
                "hypothesis; pass to_numpy() to go by position."
            )
        value = value[list(rows)]
    target = np.atleast_1d(read_reals(value, "value", ParamsError))
    if target.shape != (size,):
        raise ParamsError(f"value has shape {target.shape}, not ({size},).")
    if not np.isfinite(target).all():
        raise ParamsError("value holds numbers that are not finite.")
    return target


def _read_piece(piece: str | tuple, readings: Readings) -> list[tuple[np.ndarray, float, str]]:
    """Read one text, or a pair that is zero, as rows: coefficients, right side and relation."""
    encoding = readings.encoding
    if isinstance(piece, tuple):
        reference = find_pair(piece, encoding)
        if reference is None:
            raise ParamsError(refuse_name(piece, encoding))
        return _expand([(1.0, reference)], 0.0, "", encoding, write_value(piece))
    rows = []
    for left, relation, right in split_statements(
        list(scan_words(piece, readings)), piece, encoding
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
    if not np.isfinite(value) or not all(np.isfinite(row).all() for row, _, _ in rows):
        raise ParamsError(f"{text!r} holds numbers beyond a double.")
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
