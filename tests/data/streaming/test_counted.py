"""Rows of a table whose equal ones were counted: what is asked of rows is of all of them."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import RowsNotHeldError
from tests.ways import cut

pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")
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


@pytest.mark.parametrize("weights", [{}, {"weights": "w", "weight_type": "sampling"}])
@pytest.mark.parametrize("compress", [True, False])
def test_quartiles_are_those_of_all_rows(frame, monkeypatch, compress, weights):
    frame = frame.assign(w=1 + frame["educ"] % 2)
    model = ml.mnlogit(FORMULA, frame, missing="drop", **weights)
    options = {"missing": "drop", "stream": True, "compress": compress}
    counted = ml.mnlogit(FORMULA, cut(frame), **options, **weights).fit()
    monkeypatch.setattr("mlelogit.data.streaming.stream.HELD_ELEMENTS", 100)
    if weights:
        with pytest.raises(RowsNotHeldError, match="quartiles of 'age', weighed"):
            counted.margins("age", change="iqr")
        return
    whole, found = (
        one.margins("age", change="iqr").summary_frame() for one in (model.fit(), counted)
    )
    columns = ["estimate", "std_err"]
    assert np.abs(found[columns].to_numpy() / whole[columns].to_numpy() - 1).max() < 1e-9


@pytest.mark.parametrize("correction", ["stata", "CR0", "CR2", "CR3"])
@pytest.mark.parametrize("groups", ["income", ["income", "age"]])
def test_clusters_may_be_by_columns_that_were_not_counted(fits, groups, correction):
    whole, counted = (
        one.with_cov("cluster", groups=groups, correction=correction).bse for one in fits
    )
    assert np.abs(counted.to_numpy() / whole.to_numpy() - 1).max() < 1e-8


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("by", ["income", "educ"])
def test_averages_by_columns_that_were_not_counted(fits, monkeypatch, by, few):
    if not few:
        monkeypatch.setattr("mlelogit.data.streaming.stream.HELD_ELEMENTS", 100)
    columns = ["estimate", "std_err"]
    whole, counted = (one.margins("age", by=by).summary_frame()[columns] for one in fits)
    assert np.abs(counted.to_numpy() / whole.to_numpy() - 1).max() < 1e-8
    whole, counted = (one.get_prediction(by=by).summary_frame() for one in fits)
    assert np.abs(counted["std_err"].to_numpy() / whole["std_err"].to_numpy() - 1).max() < 1e-8


def test_a_dask_frame_is_predicted_when_it_is_computed(frame):
    dask = pytest.importorskip("dask.dataframe")
    rows = frame.dropna()
    results = ml.mnlogit(FORMULA, rows).fit()
    lazy = results.predict(dask.from_pandas(rows, npartitions=3))
    assert lazy.npartitions == 3
    assert np.abs(lazy.compute().to_numpy() - results.predict().to_numpy()).max() < 1e-12
