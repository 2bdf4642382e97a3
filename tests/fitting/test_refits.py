"""Refits of rows weighed anew are the fits of those rows, and failures are told."""

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import NotConvergedWarning, WeightError
from mlelogit.fitting import refits
from mlelogit.fitting.refits import refit

ROWS = 150
FORMS = {
    "labels": {},
    "base 1": {"base": 1},
    "counts": {"base": 2},
    "probabilities": {},
    "weights": {"weight_type": "importance"},
    "offset": {},
}


def make(rng, form, rows=ROWS):
    x = np.column_stack([np.ones(rows), 40 + 12 * rng.normal(size=rows), rng.normal(size=rows)])
    scores = np.column_stack([np.zeros(rows), 0.03 * x[:, 1] - 1, 0.6 * x[:, 2]])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    options = dict(FORMS[form])
    if form == "weights":
        options["weights"] = rng.uniform(0.5, 2, rows)
    if form == "offset":
        options["offset"] = rng.normal(size=(rows, 3))
    if form == "counts":
        codes = rng.multinomial(3, [0.2, 0.3, 0.5], size=rows)
    if form == "probabilities":
        codes = rng.dirichlet(np.ones(3), size=rows)
    return codes, x, options


@pytest.mark.parametrize("together", [0, 10**6])
@pytest.mark.parametrize("form", FORMS)
def test_a_refit_is_the_fit_with_those_weights(rng, form, together, monkeypatch):
    monkeypatch.setattr(refits, "LARGEST_TOGETHER", together)
    codes, x, options = make(rng, form)
    res = ml.MNLogit(codes, x, **options).fit()
    times = rng.exponential(size=(3, ROWS))
    found = refit(res.record, times, threads=2)
    assert found.converged.all()
    for row, weights in zip(found.params, times, strict=True):
        anew = {**options, "weight_type": "importance"}
        anew["weights"] = weights * options.get("weights", 1.0)
        alone = ml.MNLogit(codes, x, **anew).fit()
        gaps = (row - alone.record.maximum.params) / alone.covariance.bse
        assert np.abs(gaps).max() < 1e-7


def test_a_resample_is_the_fit_of_the_rows_drawn(rng):
    codes, x, _ = make(rng, "labels")
    res = ml.MNLogit(codes, x, base=2).fit()
    times = rng.multinomial(ROWS, np.full(ROWS, 1 / ROWS), size=4)
    frame = res.refit(times)
    assert frame.shape == (4, 6)
    assert list(frame.columns) == list(res.cov_params().columns)
    for place, counts in enumerate(times):
        drawn = np.repeat(np.arange(ROWS), counts)
        alone = ml.MNLogit(codes[drawn], x[drawn], base=2).fit()
        gaps = (frame.iloc[place] - alone.record.maximum.params) / alone.covariance.bse
        assert np.abs(gaps).max() < 1e-7


def test_weights_of_one_give_the_fit_back(rng):
    codes, x, _ = make(rng, "labels")
    res = ml.MNLogit(codes, x).fit()
    found = refit(res.record, np.ones((2, ROWS)))
    assert np.abs((found.params - res.record.maximum.params) / res.covariance.bse).max() < 1e-10


def test_refits_without_a_maximum_are_nan_and_told(rng):
    codes, x, _ = make(rng, "labels")
    res = ml.MNLogit(codes, x).fit()
    times = np.ones((3, ROWS))
    times[1, codes == 2] = 0.0
    times[2] = (codes == 0) == (x[:, 2] < 0)
    with pytest.warns(NotConvergedWarning, match="2 of 3 refits"):
        frame = res.refit(times)
    assert np.isfinite(frame.iloc[0]).all()
    assert np.isnan(frame.iloc[1:]).all(axis=None)


def resample_without(rng, level):
    """Return a sample with a rare dummy, and resamples without a row of that level."""
    x = np.column_stack([np.ones(300), rng.normal(size=300), np.zeros(300)])
    x[:6, 2] = 1
    codes = rng.integers(0, 3, 300)
    codes[:6] = [0, 1, 2, 0, 1, 2]
    times = rng.multinomial(300, np.full(300, 1 / 300), size=40).astype(float)
    times[:, x[:, 2] == 1] = level
    return ml.MNLogit(codes, x).fit(), times


def test_a_resample_without_a_level_has_no_estimates(rng):
    res, times = resample_without(rng, 0.0)
    found = refit(res.record, times)
    assert not found.converged.any()
    assert np.isnan(found.params).all()


def test_next_to_no_weight_on_a_level_is_judged_as_the_fit_is(rng):
    res, times = resample_without(rng, 1e-14)
    assert not refit(res.record, times[:5]).converged.any()


def test_a_category_alone_is_no_arrival(rng):
    codes = np.r_[np.zeros(985, int), np.ones(15, int)]
    res = ml.MNLogit(codes, np.ones((1000, 1))).fit()
    found = refit(res.record, np.array([codes == 1, codes == 0], dtype=float))
    assert not found.converged.any()


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (np.ones(ROWS), "shape"),
        (np.ones((0, ROWS)), "one refit or more"),
        (np.ones((2, ROWS - 1)), "shape"),
        (-np.ones((2, ROWS)), "refit 0, row 0"),
        (np.full((1, ROWS), np.nan), "finite"),
        (np.zeros((1, ROWS)), "zero"),
    ],
)
def test_bad_weights_raise(rng, times, said):
    codes, x, _ = make(rng, "labels")
    res = ml.MNLogit(codes, x).fit()
    with pytest.raises(WeightError, match=said):
        res.refit(times)
