"""A dozen and more small data sets whose maximum is known to fifty digits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parents[1] / "reference" / "data"


@dataclass(frozen=True)
class Case:
    """A design of doubles, which is the exact input of every engine, and an outcome.

    Attributes
    ----------
    name : str
    x : numpy.ndarray
        (n, K), the constant first.
    codes : numpy.ndarray
        (n,), categories 0..J-1, or 0 throughout where there are counts. The base is 0.
    weights : numpy.ndarray or None
        (n,), whole numbers: how often each row was observed.
    counts : numpy.ndarray or None
        (n, J), how many people of each row are in each category; takes the place of codes.
    offset : numpy.ndarray or None
        (n, J), zero for the base.
    """

    name: str
    x: np.ndarray
    codes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    weights: np.ndarray | None = None
    counts: np.ndarray | None = None
    offset: np.ndarray | None = None

    @property
    def table(self) -> np.ndarray:
        """How often each category was observed in each row (n, J), whole numbers."""
        if self.counts is not None:
            return self.counts
        table = np.zeros((len(self.codes), int(self.codes.max()) + 1), dtype=int)
        table[np.arange(len(self.codes)), self.codes] = 1 if self.weights is None else self.weights
        return table

    @property
    def categories(self) -> int:
        """J."""
        return self.table.shape[1]

    @property
    def shape(self) -> str:
        """Rows, columns and categories in words."""
        return f"{len(self.x)} x {self.x.shape[1]}, J={self.categories}"

    @property
    def digest(self) -> str:
        """A fingerprint of every bit of the input."""
        parts = [self.x.astype("<f8"), self.table.astype("<i8")]
        if self.offset is not None:
            parts.append(self.offset.astype("<f8"))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()

    def list_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return row, category and number of people of every cell that is not empty."""
        row, category = np.nonzero(self.table)
        return row, category, self.table[row, category]


def draw_labels(x: np.ndarray, coefficients: list, seed: int) -> np.ndarray:
    """Draw codes (n,) from coefficients (J - 1, K)."""
    scores = np.insert(x @ np.array(coefficients).T, 0, 0.0, axis=1)
    return (scores + np.random.default_rng(seed).gumbel(size=scores.shape)).argmax(axis=1)


def draw_columns(rows: int, columns: int, seed: int) -> np.ndarray:
    """Draw a constant and normal columns of three decimals (n, 1 + columns)."""
    drawn = np.random.default_rng(seed).normal(size=(rows, columns)).round(3)
    return np.column_stack([np.ones(rows), drawn])


def read_columns(
    name: str, outcome: str, columns: list[str], factors: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return columns with the constant, dummies of factors last, and codes, of a stored file."""
    frame = pd.read_csv(DATA / f"{name}.csv").dropna(subset=[outcome, *columns, *factors])
    x = [np.ones(len(frame)), *(frame[column].to_numpy(float) for column in columns)]
    for factor in factors:
        levels = sorted(frame[factor].unique())[1:]
        x += [(frame[factor] == level).to_numpy(float) for level in levels]
    codes = np.unique(frame[outcome].to_numpy(), return_inverse=True)[1]
    return np.column_stack(x), codes


def make_anes() -> Case:
    """Party identification of 944 voters."""
    x, codes = read_columns("anes96", "PID", ["logpopul", "selfLR", "age", "educ", "income"])
    return Case("survey (anes96)", x, codes)


def make_chile() -> Case:
    """Intended votes, with incomes in pesos and populations as people."""
    x, codes = read_columns("chile", "vote", ["population", "age", "income", "statusquo"])
    return Case("raw units (chile)", x, codes)


def make_alligators() -> Case:
    """Food of alligators, a row for each cell and its frequency."""
    x, codes = read_columns("alligators", "foodchoice", [], ("lake", "size", "gender"))
    weights = pd.read_csv(DATA / "alligators.csv")["freq"].to_numpy()
    kept = weights > 0
    return Case("frequency weights (alligators)", x[kept], codes[kept], weights=weights[kept])


def make_school() -> Case:
    """Preferred styles of learning: counts of three schools and two programs."""
    frame = pd.read_csv(DATA / "school.csv")
    wide = frame.pivot_table("count", ["school", "program"], "style", aggfunc="sum").reset_index()
    x = [np.ones(len(wide)), *((wide["school"] == school).astype(float) for school in (2, 3))]
    x.append((wide["program"] == "regular").astype(float))
    counts = wide[["class", "self", "team"]].to_numpy(int)
    return Case("counts (school)", np.column_stack(x), counts=counts)


def make_years(name: str, year: np.ndarray, degree: int) -> Case:
    """Three categories and powers of a year; six people every year from 1950 to 2010."""
    time = np.repeat((np.arange(1950, 2011) - 1980) / 30, 6)
    shapes = np.column_stack([np.ones_like(time), time, time**2, time**3])
    codes = draw_labels(shapes, [[0.3, 1, -1, 0.5], [-0.2, -1, 0.5, 1.5]], 5)
    return Case(name, np.column_stack([year**power for power in range(degree + 1)]), codes)


def make_centered_years() -> Case:
    """Powers of (year - 1980) / 30."""
    year = np.repeat((np.arange(1950, 2011) - 1980) / 30, 6)
    return make_years("degree 5 in (year - 1980) / 30", year, 5)


def make_short_years() -> Case:
    """Powers of year - 1900."""
    return make_years("degree 5 in year - 1900", np.repeat(np.arange(50.0, 111.0), 6), 5)


def make_raw_years(degree: int) -> Case:
    """Powers of the year as it is written."""
    return make_years(f"degree {degree} in year", np.repeat(np.arange(1950.0, 2011.0), 6), degree)


def make_shifted() -> Case:
    """A column with mean a million and standard deviation one."""
    x = draw_columns(200, 2, 1)
    codes = draw_labels(x, [[0.5, 1, -0.5], [-0.5, 0.3, 1]], 2)
    return Case("mean 1e6", x + np.array([0.0, 1e6, 0.0]), codes)


def make_scaled() -> Case:
    """Columns of size 1e8 and 1e-8."""
    x = draw_columns(200, 3, 3)
    codes = draw_labels(x, [[0.5, 1, -0.5, 0.2], [-0.5, 0.3, 1, -0.8]], 4)
    return Case("columns of 1e8 and 1e-8", x * [1.0, 1e8, 1e-8, 1.0], codes)


def make_collinear(ratio: float) -> Case:
    """A column that is another one, and a little of a third."""
    x = draw_columns(200, 2, 6)
    codes = draw_labels(x, [[0.5, 1, -0.5], [-0.5, 0.3, 1]], 7)
    close = x[:, 1] + ratio * x[:, 2]
    return Case(f"collinear but for {ratio:.0e}", np.column_stack([x[:, :2], close]), codes)


def make_nearly_separated() -> Case:
    """Six people of 200 in the way of a complete separation."""
    x = draw_columns(200, 2, 8)
    order = x[:, 1] + 0.25 * x[:, 2]
    codes = np.digitize(order, [-0.4, 0.5])
    middle = np.flatnonzero(codes == 1)
    ranked = middle[np.argsort(order[middle])]
    codes[ranked[[3, 5, 7]]], codes[ranked[[-4, -6, -8]]] = 0, 2
    return Case("nearly separated", x, codes)


def make_rare() -> Case:
    """A category with two people of 400."""
    x = draw_columns(400, 2, 9)
    codes = draw_labels(x, [[0.2, 1, -0.5]], 10)
    codes[np.flatnonzero(codes == 0)[[3, 40]]] = 2
    return Case("rare category", x, codes)


def make_offset() -> Case:
    """An offset for two of three categories."""
    x = draw_columns(200, 2, 11)
    codes = draw_labels(x, [[0.5, 1, -0.5], [-0.5, 0.3, 1]], 12)
    given = np.random.default_rng(13).normal(size=(200, 2)).round(3)
    return Case("offset", x, codes, offset=np.insert(given, 0, 0.0, axis=1))


def make_many() -> Case:
    """Twenty categories."""
    x = draw_columns(600, 2, 14)
    wanted = np.random.default_rng(15).normal(size=(19, 3)).round(2)
    return Case("twenty categories", x, draw_labels(x, wanted.tolist(), 16))


MAKERS: tuple[Callable[[], Case], ...] = (
    make_anes,
    make_chile,
    make_alligators,
    make_school,
    make_offset,
    make_many,
    make_rare,
    make_nearly_separated,
    make_scaled,
    make_centered_years,
    make_shifted,
    lambda: make_collinear(1e-5),
    lambda: make_collinear(1e-9),
    make_short_years,
    lambda: make_raw_years(3),
    lambda: make_raw_years(4),
    lambda: make_raw_years(5),
)


@cache
def list_cases() -> tuple[Case, ...]:
    """Return every case, in the order of the table."""
    return tuple(make() for make in MAKERS)


def find_case(name: str) -> Case:
    """Return the case of a name."""
    return next(case for case in list_cases() if case.name == name)
