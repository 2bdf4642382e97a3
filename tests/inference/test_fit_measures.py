"""Fit statistics against statsmodels' predictions, textbook formulas and laid-out rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from statsmodels.discrete.discrete_model import Logit, MNLogit

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.inference.fit_measures import tabulate_fit_statistics
from tests.inference.samples import fitted, survey
from tests.reference_cases import PLAIN, fit_case, load_case

CRITERIA = ("aic", "aic_per_n", "aicc", "caic", "bic", "bic_deviance", "bic_null", "sabic", "hqic")
LIKELIHOODS = ("llr", "llr_pvalue", "mcfadden_adjusted", *CRITERIA)
FROM_ROWS = ("efron", "tjur", "mean_probability", "count", "count_adjusted")


def values(res):
    return res.fit_statistics()["value"]


def lay_out(res, codes):
    """Compute every statistic from statsmodels' fit to the same columns, person by person."""
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, len(codes))).T
    peer = MNLogit(codes, x).fit(disp=0, method="newton", tol=1e-13)
    p, n = peer.predict(), len(codes)
    categories = p.shape[1]
    shares = np.bincount(codes) / n
    size, ll, ll0 = p.shape[1] * x.shape[1] - x.shape[1], peer.llf, n * shares @ np.log(shares)
    told = {"nobs": n, "parameters": size, "df_model": size - categories + 1, "df_resid": n - size}
    told |= {"llf": ll, "llnull": ll0, "deviance": -2 * ll, "llr": 2 * (ll - ll0)}
    told["llr_pvalue"] = chi2.sf(2 * (ll - ll0), size - categories + 1)
    told["mcfadden"] = 1 - ll / ll0
    told["mcfadden_adjusted"] = 1 - (ll - size) / ll0
    told["mcfadden_equal_shares"] = 1 - ll / (n * np.log(1 / categories))
    told["cox_snell"] = 1 - (np.exp(ll0) / np.exp(ll)) ** (2 / n) if ll0 > -700 else None
    told["nagelkerke"] = (1 - np.exp(2 / n * (ll0 - ll))) / (1 - np.exp(2 / n * ll0))
    told["aldrich_nelson"] = 2 * (ll - ll0) / (2 * (ll - ll0) + n)
    told["veall_zimmermann"] = told["aldrich_nelson"] / (-2 * ll0 / (n - 2 * ll0))
    told["estrella"] = 1 - np.exp(-2 * ll0 / n * np.log(ll / ll0))
    observed = np.zeros((n, categories))
    observed[np.arange(n), codes] = 1
    told["efron"] = 1 - ((observed - p) ** 2).sum() / ((observed - shares) ** 2).sum()
    told["tjur"] = np.mean([p[codes == k, k].mean() - p[codes != k, k].mean() for k in set(codes)])
    told["mean_probability"] = np.mean([p[i, code] for i, code in enumerate(codes)])
    right = sum(int(p[i].argmax() == code) for i, code in enumerate(codes))
    told["count"] = right / n
    told["count_adjusted"] = (right - n * shares.max()) / (n - n * shares.max())
    told |= {"aic": peer.aic, "aic_per_n": peer.aic / n, "bic": peer.bic}
    told["aicc"] = -2 * ll + 2 * size * n / (n - size - 1)
    told["caic"] = peer.bic + size
    told["bic_deviance"] = -2 * ll - (n - size) * np.log(n)
    told["bic_null"] = peer.bic - (-2 * ll0 + (categories - 1) * np.log(n))
    told["sabic"] = -2 * ll + size * np.log((n + 2) / 24)
    told["hqic"] = -2 * ll + 2 * size * np.log(np.log(n))
    return told


@pytest.mark.parametrize("name", ["anes96", "hsbdemo", "womenlf", "brand", "travelmode"])
def test_every_value_from_statsmodels(name):
    res, case = fit_case(name), load_case(name)
    outcome = case.data.loc[res.record.index, case.truth["outcome"]]
    codes = outcome.map({label: k for k, label in enumerate(res.categories)}).to_numpy()
    codes = (codes - res.record.encoding.base) % len(res.categories)
    found, told = values(res), lay_out(res, codes)
    assert set(found.index) == set(told)
    for statistic, value in told.items():
        if value is not None:
            assert abs(found[statistic] - value) < 1e-9 * max(1, abs(value)), statistic


@pytest.mark.parametrize("name", PLAIN)
def test_criteria_of_the_reference_cases(name):
    found, truth = values(fit_case(name)), load_case(name).truth
    size = sum(len(row) for row in truth["coef"].values())
    assert abs(found["aic"] + 2 * truth["loglik"] - 2 * size) < 1e-6
    assert abs(found["bic"] + 2 * truth["loglik"] - size * np.log(truth["n_obs"])) < 1e-6


def test_the_table_has_the_attributes_and_tells_every_formula():
    res = fitted()
    table = res.fit_statistics()
    assert list(table.columns) == ["value", "definition", "source", "reason"]
    assert table.index.name == "statistic"
    assert (table["definition"].str.len() > 0).all()
    assert (table["reason"] == "").all()
    assert np.isfinite(table["value"]).all()
    for name in (
        "llf",
        "llnull",
        "llr",
        "llr_pvalue",
        "aic",
        "bic",
        "nobs",
        "df_model",
        "df_resid",
    ):
        assert table.loc[name, "value"] == getattr(res, name)
    assert table.loc["mcfadden", "value"] == res.prsquared
    assert table.attrs["weights"] == "Every row is one observation."


def test_two_categories_have_the_textbook_measures():
    frame = survey().assign(left=(survey()["party"] == "red").astype(int))
    found = values(ml.mnlogit("left ~ age + educ", frame).fit())
    x = np.column_stack([np.ones(len(frame)), frame["age"], frame["educ"]])
    y = frame["left"].to_numpy()
    p = Logit(y, x).fit(disp=0, tol=1e-13).predict()
    efron = 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert abs(found["efron"] - efron) < 1e-10
    assert abs(found["tjur"] - (p[y == 1].mean() - p[y == 0].mean())) < 1e-10


def test_count_agrees_with_the_table_of_predictions():
    for res in (fitted(), fitted(weights="weight", weight_type="sampling")):
        table = res.pred_table().to_numpy()
        assert abs(values(res)["count"] - np.trace(table) / table.sum()) < 1e-14


def count_people():
    """Give the survey as single rows, rows with weights, and rows of counts."""
    frame = survey()[["educ", "party", "people"]]
    single = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    grouped = frame.groupby(["educ", "party"], as_index=False)["people"].sum()
    wide = grouped.pivot_table(index="educ", columns="party", values="people", fill_value=0)
    return (
        ml.mnlogit("party ~ educ", single).fit(),
        ml.mnlogit("party ~ educ", grouped, weights="people", weight_type="frequency").fit(),
        ml.mnlogit("counts(blue, green, red) ~ educ", wide.reset_index()).fit(),
    )


def test_weights_and_counts_are_rows_laid_out():
    single, *others = (res.fit_statistics() for res in count_people())
    for other in others:
        np.testing.assert_allclose(other["value"], single["value"], rtol=1e-10)
    assert "stands for w observations" in others[0].attrs["weights"]
    assert "as it has people" in others[1].attrs["weights"]


def test_probabilities_of_zero_and_one_are_labels():
    shares = pd.get_dummies(survey()["party"]).astype(float)
    x = pd.DataFrame({"one": 1.0, "educ": survey()["educ"]})
    told = values(ml.MNLogit(survey()["party"], x).fit())
    table = ml.MNLogit(shares, x, outcome="probabilities").fit().fit_statistics()
    np.testing.assert_allclose(table["value"], told, rtol=1e-10)
    assert "expectation" in table.attrs["weights"]


def test_ratios_do_not_depend_on_the_scale_of_sampling_weights():
    plain = fitted("party ~ age + educ").fit_statistics()
    frame = survey().assign(w=survey()["weight"] * 37, one=2.5)
    by = {"weight_type": "sampling"}
    weighed = ml.mnlogit("party ~ age + educ", frame, weights="weight", **by).fit()
    scaled = ml.mnlogit("party ~ age + educ", frame, weights="w", **by).fit()
    equal = ml.mnlogit("party ~ age + educ", frame, weights="one", **by).fit().fit_statistics()
    one, two = weighed.fit_statistics(), scaled.fit_statistics()
    absent = list(one.index[one["value"].isna()])
    assert sorted(absent) == sorted(LIKELIHOODS)
    assert one.loc[absent, "reason"].str.contains("pseudo-likelihood").all()
    totals = ["llf", "llnull", "deviance"]
    ratios = one.index.difference([*absent, *totals])
    np.testing.assert_allclose(one.loc[ratios, "value"], two.loc[ratios, "value"], rtol=1e-9)
    np.testing.assert_allclose(equal.loc[ratios, "value"], plain.loc[ratios, "value"], rtol=1e-9)
    assert "pseudo-likelihoods" in one.attrs["weights"]
    people, p = frame["weight"].to_numpy(), weighed.fittedvalues.to_numpy()
    codes = frame["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    own = p[np.arange(len(p)), codes]
    assert abs(one.loc["mean_probability", "value"] - np.average(own, weights=people)) < 1e-13


def test_importance_weights_count_as_given():
    res = fitted(weights="people", weight_type="importance")
    same = fitted(weights="people", weight_type="frequency")
    np.testing.assert_allclose(values(res), values(same), rtol=1e-12)
    assert "n is their sum" in res.fit_statistics().attrs["weights"]


def test_bias_reduction_has_no_likelihood_ratio_test():
    table = ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean").fit_statistics()
    absent = table.index[table["value"].isna()]
    assert set(absent) == {"llr", "llr_pvalue"}
    assert table.loc[absent, "reason"].str.contains("do not maximize").all()
    assert abs(table.loc["deviance", "value"] + 2 * table.loc["llf", "value"]) < 1e-12


def test_base_and_order_of_rows_do_not_matter():
    told = values(fitted())
    np.testing.assert_allclose(values(fitted().rebase("red")), told, rtol=1e-11)
    shuffled = survey().sample(frac=1, random_state=2)
    res = ml.mnlogit("party ~ age + educ + region", shuffled, base="green").fit()
    np.testing.assert_allclose(values(res), told, rtol=1e-9)


def test_without_a_constant_the_null_model_has_equal_shares():
    found = values(fitted("party ~ age + educ - 1"))
    assert abs(found["mcfadden"] - found["mcfadden_equal_shares"]) < 1e-14
    assert found["df_model"] == found["parameters"]


def test_the_null_model_itself():
    table = fitted("party ~ 1").fit_statistics()
    assert (
        table.loc["llr_pvalue", "reason"] == "the model has no parameters beyond the null model's"
    )
    for name in ("mcfadden", "cox_snell", "nagelkerke", "efron", "tjur", "count_adjusted"):
        assert abs(table.loc[name, "value"]) < 1e-12, name


def test_few_observations_say_why():
    table = ml.MNLogit([0, 0, 1], np.ones((3, 1))).fit().fit_statistics()
    assert abs(table.loc["aicc", "value"] - table.loc["aic", "value"] - 4) < 1e-12
    assert np.isfinite(table.loc["hqic", "value"])
    res = ml.MNLogit([0, 1], np.ones((2, 1))).fit()
    table = res.fit_statistics()
    assert table.loc["hqic", "reason"].startswith("log(log(n))")
    assert table.loc["aicc", "reason"].startswith("AICc needs")
    assert table["value"].isna().equals(table["reason"] != "")


def test_an_offset_counts():
    frame = survey().assign(shift=np.linspace(-1, 1, len(survey())))
    offset = np.column_stack([np.zeros(len(frame)), frame["shift"], -frame["shift"]])
    res = ml.mnlogit("party ~ educ", frame, offset=offset).fit()
    p = res.fittedvalues.to_numpy()
    codes = frame["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    assert abs(values(res)["mean_probability"] - p[np.arange(len(p)), codes].mean()) < 1e-13


def test_separated_data_have_the_predictions_of_the_limit():
    frame = pd.DataFrame({"y": list("aabbab") * 3 + ["c"] * 4, "g": [0] * 18 + [1] * 4})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ g", frame).fit()
    found = values(res)
    assert abs(found["llf"] - 18 * np.log(0.5)) < 1e-6
    assert abs(found["mean_probability"] - (18 * 0.5 + 4) / 22) < 1e-7
    assert abs(found["count"] - 13 / 22) < 1e-12


def test_rows_not_kept_leave_what_needs_none():
    record = replace(fitted().record, blocks=None)
    table = tabulate_fit_statistics(record)
    absent = table.index[table["value"].isna()]
    assert set(absent) == set(FROM_ROWS)
    assert (table.loc[absent, "reason"] == "the fit no longer holds its rows").all()


def test_cheap_attributes_pass_over_no_row(monkeypatch):
    res = ml.mnlogit("party ~ age", survey()).fit()

    def refuse(*_):
        raise AssertionError("a pass over the rows")

    monkeypatch.setattr(RowBlocks, "_apply", refuse)
    assert np.isfinite([res.aic, res.bic, res.prsquared, res.llr_pvalue]).all()
    with pytest.raises(AssertionError, match="a pass"):
        res.fit_statistics()
