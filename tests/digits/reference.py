"""The maximum of a case to fifty digits: Newton's method in mpmath, from zero.

Nothing here uses the package. Doubles are exact numbers to mpmath, so the answer is that of
the very design that every engine is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path

import mpmath as mp
import numpy as np

from tests.digits.cases import Case

PATH = Path(__file__).with_name("truth.json")
DIGITS = 50
# The condition of an information is a square; half of these digits can go.
WORKING_DIGITS = 120
SMALLEST_STEP = mp.mpf(10) ** -60
MOST_STEPS = 200
HALVINGS = 60


@dataclass(frozen=True)
class Truth:
    """The answer to a case, as decimals of fifty digits.

    Attributes
    ----------
    digest : str
        Fingerprint of the case's input.
    loglike : str
    params, errors : list of str
        Coefficients (P,) and their standard errors, equation by equation.
    condition : float
        The root of the condition number of the information, scaled to a unit diagonal.
    """

    digest: str
    loglike: str
    params: list[str]
    errors: list[str]
    condition: float


@dataclass(frozen=True)
class Point:
    """Log-likelihood, score (P,) and information (P, P) at one place."""

    loglike: mp.mpf
    score: mp.matrix
    information: mp.matrix


def evaluate(case: Case, params: mp.matrix) -> Point:
    """Evaluate a case at params (P,), term by term as the derivatives are written."""
    width, free = case.x.shape[1], case.categories - 1
    score, information = mp.matrix(free * width, 1), mp.matrix(free * width, free * width)
    loglike = mp.mpf(0)
    pairs = list(combinations_with_replacement(range(width), 2))
    for x, d, offset in read_rows(case):
        u = [mp.mpf(0)] + [mp.fdot(params[j * width : (j + 1) * width], x) for j in range(free)]
        u = [a + b for a, b in zip(u, offset, strict=True)]
        powers = [mp.exp(v - max(u)) for v in u]
        total, people = mp.fsum(powers), sum(d)
        y = [power / total for power in powers]
        loglike += mp.fsum(n * mp.log(p) for n, p in zip(d, y, strict=True) if n)
        products = [x[k] * x[i] * people for k, i in pairs]
        for j in range(free):
            residual = d[j + 1] - people * y[j + 1]
            for k in range(width):
                score[j * width + k] += residual * x[k]
            for m in range(j + 1):
                curve = y[j + 1] * ((j == m) - y[m + 1])
                for (k, i), product in zip(pairs, products, strict=True):
                    information[j * width + k, m * width + i] += curve * product
    return Point(loglike, score, mirror(information, width))


def read_rows(case: Case) -> list[tuple[list, list, list]]:
    """Return columns, numbers of people and offsets of every row as exact numbers."""
    offset = np.zeros(case.table.shape) if case.offset is None else case.offset
    return [
        ([mp.mpf(float(v)) for v in x], [int(v) for v in d], [mp.mpf(float(v)) for v in o])
        for x, d, o in zip(case.x, case.table, offset, strict=True)
        if d.any()
    ]


def mirror(half: mp.matrix, width: int) -> mp.matrix:
    """Fill in the blocks above the diagonal, and the lower triangle of every block."""
    full = half.copy()
    for a in range(full.rows):
        for b in range(full.cols):
            (j, k), (m, i) = divmod(a, width), divmod(b, width)
            (j, m), (k, i) = (max(j, m), min(j, m)), (min(k, i), max(k, i))
            full[a, b] = half[j * width + k, m * width + i]
    return full


def climb(case: Case) -> tuple[mp.matrix, Point]:
    """Return the maximum and what was evaluated there.

    Steps are halved until the log-likelihood rises. At the point returned the next step is
    shorter than 1e-60 standard errors, or this raises.
    """
    params = mp.matrix((case.categories - 1) * case.x.shape[1], 1)
    here = evaluate(case, params)
    for _ in range(MOST_STEPS):
        step = mp.cholesky_solve(here.information, here.score)
        if mp.sqrt(mp.fdot(step, here.score)) < SMALLEST_STEP:
            return params, here
        for _ in range(HALVINGS):
            there = evaluate(case, params + step)
            if there.loglike >= here.loglike:
                break
            step = step / 2
        params, here = params + step, there
    raise ArithmeticError(f"Newton's method did not converge on {case.name}.")


def solve_exactly(case: Case) -> Truth:
    """Find the answer to a case."""
    with mp.workdps(WORKING_DIGITS):
        params, there = climb(case)
        inverse = there.information**-1
        scale = [1 / mp.sqrt(there.information[i, i]) for i in range(len(params))]
        unit = mp.matrix(len(params), len(params))
        for i in range(len(params)):
            for j in range(len(params)):
                unit[i, j] = there.information[i, j] * scale[i] * scale[j]
        return Truth(
            case.digest,
            write(there.loglike),
            [write(value) for value in params],
            [write(mp.sqrt(inverse[i, i])) for i in range(len(params))],
            float(f"{float(mp.sqrt(find_condition(unit))):.2g}"),
        )


def find_condition(matrix: mp.matrix) -> mp.mpf:
    """Return the condition number of a symmetric matrix."""
    with mp.workdps(2 * DIGITS):
        values = mp.eigsy(matrix, eigvals_only=True)
        return max(values) / min(values)


def write(value: mp.mpf) -> str:
    """Write a number with fifty digits."""
    return str(mp.nstr(value, DIGITS))


@cache
def load_truths() -> dict[str, Truth]:
    """Read the stored answers: name -> truth."""
    if not PATH.exists():
        return {}
    stored = json.loads(PATH.read_text(encoding="utf-8"))
    return {name: Truth(**fields) for name, fields in stored.items()}


def store_truths(truths: Iterable[tuple[str, Truth]]) -> None:
    """Write answers beside those that are stored already, in the order given."""
    stored = {name: asdict(truth) for name, truth in truths}
    PATH.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def find_truth(case: Case) -> Truth:
    """Return the stored answer to a case.

    Raises
    ------
    ValueError
        If it is not the answer to this very input.
    """
    truth = load_truths().get(case.name)
    if truth is None or truth.digest != case.digest:
        raise ValueError(f"No stored answer to {case.name}: python -m tests.digits --regenerate")
    return truth
