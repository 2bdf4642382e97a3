"""Read linear combinations of coefficients, written so that people can read them too."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.restrictions import (
    Restriction,
    label_coefficients,
    read_restrictions,
    read_rows,
    write_number,
    write_rows,
    write_term,
)
from mlelogit.exceptions import ParamsError


def read_combinations(given: Any, encoding: Encoding) -> Restriction:
    """Read linear combinations ``R b - q`` as people write them.

    Parameters
    ----------
    given : str, tuple, list of them, or array-like
        ``"car: age - bus: age"``, ``"2 * car: age + 1"``: sums of coefficients and numbers, as
        in `mlelogit.data.hypotheses.restrictions.read_restrictions`, without a relation; a name
        alone stands for its coefficients in all equations. Or the matrix R (q, P).
    encoding : Encoding

    Returns
    -------
    Restriction
        R, q, and every row as it is read.

    Raises
    ------
    ParamsError
        If it cannot be read, or a relation is written.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.hypotheses.combinations import read_combinations
    >>> model = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96())
    >>> read_combinations("Dole: age - 2 * Dole: educ - 1", model.encoding).words
    ('Dole: age - 2*[Dole: educ] - 1',)
    """
    rows = read_rows(given, encoding)
    if rows is not None and any(relation for _, _, relation in rows):
        raise ParamsError(
            f"{write_value(given)} sets things against each other; write a combination, such as "
            "'car: age - bus: age', without =, <= or >=."
        )
    asked = read_restrictions(given, encoding)
    return name_combinations(asked.matrix, asked.values, encoding)


def name_combinations(matrix: np.ndarray, values: np.ndarray, encoding: Encoding) -> Restriction:
    """Put the combinations ``R b - q`` in words, positive terms first."""
    labels = label_coefficients(encoding)

    def write(i: int, most: int) -> str:
        return _write_sum(matrix[i], float(values[i]), labels, most)

    return Restriction(matrix, values, ("=",) * len(values), write_rows(len(matrix), write))


def _write_sum(row: np.ndarray, value: float, labels: list[str], most: int) -> str:
    used = sorted(np.flatnonzero(row), key=lambda i: row[i] < 0)
    terms = [
        f"{'-' if row[i] < 0 else '+'} {write_term(float(abs(row[i])), labels[i])}"
        for i in used[:most]
    ]
    text = " ".join(terms) + (" + ..." if len(used) > most else "")
    if value:
        text += f" {'-' if value > 0 else '+'} {write_number(abs(value))}"
    return text.removeprefix("+ ") if text.startswith("+") else f"-{text[2:]}"
