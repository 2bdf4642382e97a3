"""Rows of a table whose equal ones were counted: what is asked of rows is of all of them."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from tests.ways import cut

FORMULA = "vote ~ age + C(educ)"


@pytest.fixture
def frame():
    anes = ml.datasets.load_anes96()
    return anes.assign(age=anes["age"].where(np.arange(len(anes)) % 11 > 0))


@pytest.fixture
def fits(frame):
    """In memory, and of counted rows, with rows left out."""
    model = ml.mnlogit(FORMULA, frame, missing="drop", compress=False)
    counted = ml.mnlogit(FORMULA, cut(frame), missing="drop", stream=True, compress=True)
    return model.fit(), counted.fit()


@pytest.mark.parametrize("ask", ["predict", "residuals", "loglikeobs", "pred_table", "score_obs"])
def test_answers_by_row_are_those_of_the_rows_of_the_table(fits, ask):
    whole, counted = (pd.DataFrame(getattr(one, ask)()) for one in fits)
    assert counted.shape == whole.shape
    assert list(counted.index) == list(whole.index)
    assert np.abs(counted.to_numpy() - whole.to_numpy()).max() < 1e-9


def test_averages_are_over_all_rows(fits):
    whole, counted = (one.margins("age").summary_frame() for one in fits)
    columns = ["estimate", "std_err"]
    assert np.abs(counted[columns].to_numpy() / whole[columns].to_numpy() - 1).max() < 1e-9
    assert fits[1].pred_table().to_numpy().sum() == fits[0].nobs


def test_a_dask_frame_is_predicted_when_it_is_computed(frame):
    dask = pytest.importorskip("dask.dataframe")
    rows = frame.dropna()
    results = ml.mnlogit(FORMULA, rows).fit()
    lazy = results.predict(dask.from_pandas(rows, npartitions=3))
    assert lazy.npartitions == 3
    assert np.abs(lazy.compute().to_numpy() - results.predict().to_numpy()).max() < 1e-12
