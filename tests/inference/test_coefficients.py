"""The tidy frame, intervals, p-values, and the forms in which params are read."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.stats import norm

import mlelogit as ml
from mlelogit.exceptions import OptionError, ParamsError
from mlelogit.inference.coefficients import find_quantile, read_params, two_sided_p
from tests.inference.samples import fitted, survey


@pytest.fixture(scope="module")
def res():
    return fitted()


def test_tidy_has_one_row_per_coefficient(res):
    tidy = res.tidy()
    columns = ["category", "name", "estimate", "std_err", "z", "p_value", "lower", "upper"]
    assert list(tidy.columns) == columns
    assert len(tidy) == res.params.size
    for row in tidy.itertuples():
        b, se = res.params.loc[row.name, row.category], res.bse.loc[row.name, row.category]
        assert (row.estimate, row.std_err) == (b, se)
        assert abs(row.z - b / se) < 1e-12
        assert abs(row.p_value - 2 * norm.sf(abs(b / se))) < 1e-12
        assert abs(row.lower - (b - norm.ppf(0.975) * se)) < 1e-12
        assert abs(row.upper - (b + norm.ppf(0.975) * se)) < 1e-12


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.32])
def test_intervals_are_estimates_and_quantiles(res, alpha):
    frame = res.conf_int(alpha)
    assert list(frame.columns) == ["lower", "upper"]
    assert list(frame.index.names) == ["category", "name"]
    half = norm.isf(alpha / 2) * res.bse
    for category, name in frame.index:
        middle, width = res.params.loc[name, category], half.loc[name, category]
        assert abs(frame.loc[(category, name), "lower"] - (middle - width)) < 1e-12
        assert abs(frame.loc[(category, name), "upper"] - (middle + width)) < 1e-12


@pytest.mark.parametrize("alpha", [0, 1, -0.1, np.nan, "0.05", None])
def test_alpha_lies_between_zero_and_one(res, alpha):
    for ask in (res.conf_int, res.tidy, res.summary):
        with pytest.raises(OptionError, match="alpha"):
            ask(alpha)


@pytest.mark.parametrize("z", [0.0, 0.5, 1.96, 6.0, 9.0, -9.0, 20.0, 37.0])
def test_p_values_are_exact_in_the_tail(z):
    exact = mp.erfc(mp.mpf(abs(z)) / mp.sqrt(2))
    value = float(two_sided_p(np.array([z]))[0])
    assert value > 0
    assert abs(value / exact - 1) < 1e-12
    assert abs(value / (2 * norm.sf(abs(z))) - 1) < 1e-12


def test_a_z_of_nine_or_more_does_not_print_as_zero():
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    codes = (2.0 * x + rng.logistic(size=600) > 0).astype(int)
    res = ml.MNLogit(codes, np.column_stack([np.ones(600), x])).fit()
    row = res.tidy().set_index("name").loc["x1"]
    assert row["z"] > 9
    assert 0 < row["p_value"] < 1e-18
    assert abs(row["p_value"] / (2 * norm.sf(row["z"])) - 1) < 1e-12
    assert abs(res.pvalues.loc["x1", 1] / row["p_value"] - 1) < 1e-12
    exponent = f"{row['p_value']:e}".split("e")[1]
    assert f"e{exponent}" in res.tidy().to_string()


def test_relative_risk_ratios_are_exponentials(res):
    plain, ratio = res.tidy(), res.tidy(exponentiate=True)
    for column in ("estimate", "lower", "upper"):
        assert np.abs(np.log(ratio[column]) - plain[column]).max() < 1e-12
    delta = np.exp(plain["estimate"]) * plain["std_err"]
    assert np.abs(ratio["std_err"] / delta - 1).max() < 1e-12
    assert (ratio[["z", "p_value"]] == plain[["z", "p_value"]]).all(axis=None)


def test_frames_are_labelled(res):
    names = ["Intercept", "age", "educ", "region[T.south]", "region[T.west]"]
    for frame in (res.params, res.bse, res.tvalues, res.pvalues, res.score()):
        assert list(frame.index) == names
        assert list(frame.columns) == ["green", "red"]
    covariance = res.cov_params()
    assert list(covariance.index) == [(c, name) for c in ("green", "red") for name in names]
    assert covariance.index.equals(covariance.columns)
    variance = covariance.loc[("red", "age"), ("red", "age")]
    assert abs(variance - res.bse.loc["age", "red"] ** 2) < 1e-12


def as_series(frame):
    return frame.T.stack()  # noqa: PD013 - it keeps the labels (category, name)


FORMS = {
    "flat": lambda frame: frame.to_numpy().T.ravel(),
    "list": lambda frame: list(frame.to_numpy().T.ravel()),
    "as statsmodels lays it out": lambda frame: frame.to_numpy(),
    "frame": lambda frame: frame,
    "frame in another order": lambda frame: frame.iloc[::-1, ::-1],
    "series": lambda frame: as_series(frame),
    "series in another order": lambda frame: as_series(frame).sample(frac=1, random_state=1),
}


@pytest.mark.parametrize("form", FORMS)
def test_params_are_read_in_every_form(res, form):
    given = pd.DataFrame(
        np.arange(10.0).reshape(5, 2), index=res.params.index, columns=res.params.columns
    )
    read = read_params(FORMS[form](given), res.record.encoding)
    assert read.tolist() == given["green"].to_list() + given["red"].to_list()


def test_statsmodels_params_are_read_as_they_are(res):
    from statsmodels.discrete.discrete_model import MNLogit

    x = np.column_stack([np.ones(160), survey()[["age", "educ"]]])
    codes = survey()["party"].map({"blue": 0, "green": 1, "red": 2})
    peer = MNLogit(codes, x).fit(disp=0)
    ours = ml.MNLogit(codes, x)
    assert abs(ours.loglike(peer.params.to_numpy()) - peer.llf) < 1e-9
    assert abs(ours.loglike(peer.params.to_numpy().ravel(order="F")) - peer.llf) < 1e-9


@pytest.mark.parametrize(
    "wrong",
    [
        lambda frame: frame.to_numpy().ravel()[:-1],
        lambda frame: frame.to_numpy()[np.newaxis],
        lambda frame: frame.rename(index={"age": "Age"}),
        lambda frame: frame.rename(columns={"red": "blue"}),
        lambda frame: frame[["red"]],
        lambda frame: pd.concat([frame, frame.iloc[:1]]),
        lambda frame: frame * np.nan,
        lambda frame: frame.replace(frame.iloc[0, 0], -np.inf),
        lambda frame: as_series(frame).iloc[:-1],
        lambda frame: pd.concat([as_series(frame)] * 2),
        lambda frame: frame.astype(str).replace(r".*", "x", regex=True),
        lambda frame: "x",
        lambda frame: None,
    ],
)
def test_wrong_params_raise(res, wrong):
    with pytest.raises(ParamsError):
        read_params(wrong(res.params), res.record.encoding)


@pytest.mark.parametrize("df", [np.inf, 5.0])
def test_quantiles_of_tiny_levels_come_from_the_tail(df):
    law = stats.norm if np.isinf(df) else stats.t(df)
    for alpha in (0.05, 1e-20):
        assert abs(find_quantile(alpha, df) / law.isf(alpha / 2) - 1) < 1e-12
