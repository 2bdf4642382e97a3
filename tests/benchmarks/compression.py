"""Ten million rows of a survey's factors: reading them, our fit, scikit-learn's and statsmodels'.

``python -m tests.benchmarks.compression [ROWS]`` writes the rows to a temporary parquet file, reads
them with pandas and fits the frame with compress="auto"; scikit-learn and statsmodels fit fewer
rows of the dummies, and their time is extrapolated in proportion, which flatters them: theirs
grows faster where memory runs short. Making the dummies is not in their time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.benchmarks.entrants import sum_loglike

ROWS = 10_000_000
# What the peers fit of them.
SKLEARN_ROWS = 1_000_000
STATSMODELS_ROWS = 50_000
LEVELS = {"region": 6, "age": 5, "education": 4, "income": 4, "marital": 3, "religion": 4}
VOTES = ("left", "centre", "right")
FORMULA = "vote ~ " + " + ".join(LEVELS)
REPEATS = 3


@dataclass(frozen=True)
class Comparison:
    """Seconds for all rows; those of the peers extrapolated.

    Attributes
    ----------
    rows, distinct : int
    reading, ours, categorical, uncounted, cluster, sklearn, statsmodels : float
        Reading the file; our fit of its strings; of Categoricals; of the rows one by one, from
        as many as scikit-learn has; a covariance by 50 clusters; the peers.
    """

    rows: int
    distinct: int
    reading: float
    ours: float
    categorical: float
    uncounted: float
    cluster: float
    sklearn: float
    statsmodels: float


def draw_survey(rows: int, seed: int = 0) -> pd.DataFrame:
    """Draw rows of six factors, all 5,760 combinations among them, and a vote."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    utility = rng.gumbel(size=(rows, len(VOTES))).astype(np.float32)
    for name, count in LEVELS.items():
        codes = rng.integers(0, count, rows, dtype=np.int8)
        levels = [f"{name} {place}" for place in range(count)]
        columns[name] = pd.Series(pd.Categorical.from_codes(codes, levels)).astype("str")
        utility += rng.normal(0, 0.3, (count, len(VOTES))).astype(np.float32)[codes]
    votes = pd.Categorical.from_codes(utility.argmax(axis=1).astype(np.int8), list(VOTES))
    return pd.DataFrame(columns).assign(vote=pd.Series(votes).astype("str"))


def take_time(function: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """Return the shortest time of some runs in seconds, and the last answer."""
    seconds, answer = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        answer = function()
        seconds.append(time.perf_counter() - start)
    return min(seconds), answer


def make_dummies(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return codes (n,) and the columns (n, K) that the peers fit."""
    columns = pd.get_dummies(frame[list(LEVELS)], drop_first=True, dtype=float)
    columns.insert(0, "const", 1.0)
    return pd.factorize(frame["vote"], sort=True)[0], columns.to_numpy()


def fit_statsmodels(codes: np.ndarray, x: np.ndarray) -> Any:
    """Fit statsmodels' MNLogit by its default, Newton."""
    from statsmodels.api import MNLogit

    return MNLogit(codes, x).fit(disp=0)


def fit_sklearn(codes: np.ndarray, x: np.ndarray) -> Any:
    """Fit scikit-learn's LogisticRegression without a penalty, by its default, L-BFGS."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=np.inf, fit_intercept=False, max_iter=1000).fit(x, codes)


def compare(rows: int = ROWS, few: int = SKLEARN_ROWS, fewer: int = STATSMODELS_ROWS) -> Comparison:
    """Measure everything, and check that all reached the same maximum."""
    few, fewer = min(few, rows), min(fewer, rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "survey.parquet"
        draw_survey(rows).to_parquet(path)
        reading, frame = take_time(lambda: pd.read_parquet(path), REPEATS)
    ml.mnlogit(FORMULA, frame.iloc[:1000]).fit()
    ours, fit = take_time(lambda: ml.mnlogit(FORMULA, frame).fit(), REPEATS)
    towns = np.random.default_rng(1).integers(0, 50, rows)
    cluster, _ = take_time(lambda: fit.with_cov("cluster", groups=towns))
    coded = frame.astype("category")
    categorical, _ = take_time(lambda: ml.mnlogit(FORMULA, coded).fit(), REPEATS)
    part = frame.iloc[:few]
    alone, same = take_time(lambda: ml.mnlogit(FORMULA, part, compress=False).fit())
    codes, x = make_dummies(part)
    sklearn, reached = take_time(lambda: fit_sklearn(codes, x))
    loglike = sum_loglike(codes, x, reached.coef_[1:] - reached.coef_[0])
    if abs(loglike - same.llf) > 1e-5 * abs(same.llf):
        raise AssertionError(f"scikit-learn reached {loglike}, and {same.llf} is the maximum.")
    statsmodels, _ = take_time(lambda: fit_statsmodels(codes[:fewer], x[:fewer]))
    share, smaller = rows / few, rows / fewer
    return Comparison(
        rows,
        fit.audit.rows_distinct or rows,
        reading,
        ours,
        categorical,
        alone * share,
        cluster,
        sklearn * share,
        statsmodels * smaller,
    )


def tell(found: Comparison) -> list[str]:
    """Write the times, and how many of our fits each would hold."""
    said = {
        "pandas.read_parquet": found.reading,
        "mlelogit from strings": found.ours,
        "mlelogit from Categoricals": found.categorical,
        "mlelogit, 50 clusters": found.cluster,
        "mlelogit, compress=False": found.uncounted,
        "scikit-learn": found.sklearn,
        "statsmodels": found.statsmodels,
    }
    head = f"{found.rows:,} rows, {found.distinct:,} distinct"
    lines = [f"{name:28}{t:9.2f} s {t / found.ours:8.2f} x" for name, t in said.items()]
    return [head, *lines]


if __name__ == "__main__":
    print("\n".join(tell(compare(*map(int, sys.argv[1:])))))
