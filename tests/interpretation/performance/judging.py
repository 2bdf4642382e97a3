"""What several tests of judged predictions share."""

from __future__ import annotations

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.inference.samples import survey

FORMULA = "party ~ age + educ + region"


def split_survey():
    """Return a fit to every other row of the survey, and the rows left."""
    frame = survey()
    return ml.mnlogit(FORMULA, frame.iloc[::2]).fit(), frame.iloc[1::2]


def collect(result):
    """Return all numbers of a result, table by table."""
    tables = {key: value for key, value in vars(result).items() if isinstance(value, pd.DataFrame)}
    return {key: table.select_dtypes("number") for key, table in tables.items()}


def judge_all(res, **how):
    """Return all numbers of the three results, table by table."""
    found = {}
    for result in (res.classification(**how), res.calibration(**how), res.scores(**how)):
        name = type(result).__name__
        found |= {f"{name}.{key}": table for key, table in collect(result).items()}
    return found


def measure_gap(left, right, leave=()):
    """Return the largest difference between two such collections, NaN being equal to NaN."""
    assert set(left) == set(right)
    gaps = [0.0]
    for key in left:
        if key in leave:
            continue
        one, two = left[key].to_numpy(float), right[key].to_numpy(float)
        assert left[key].index.equals(right[key].index), key
        assert (np.isnan(one) == np.isnan(two)).all(), key
        gaps.append(np.nanmax(np.abs(one - two), initial=0.0))
    return max(gaps)
