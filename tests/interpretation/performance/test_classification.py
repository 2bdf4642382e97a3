"""Observed against predicted categories, beside scikit-learn, statsmodels and plain counting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    precision_score,
    recall_score,
)
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

import mlelogit as ml
from mlelogit.exceptions import OptionError
from tests.inference.samples import fitted, survey
from tests.interpretation.performance.judging import split_survey
from tests.reference_cases import fit_case


@pytest.fixture(scope="module")
def res():
    return fitted()


def test_table_is_that_of_pred_table_and_of_sklearn(res):
    found = res.classification()
    assert found.table.equals(res.pred_table())
    best = res.predict(which="category").astype(str)
    expected = confusion_matrix(survey()["party"], best, labels=list(res.categories))
    assert (found.table.to_numpy() == expected).all()


def test_rates_are_those_of_sklearn(res):
    found, observed = res.classification(), survey()["party"]
    best = res.predict(which="category").astype(str)
    rates = found.rates["estimate"]
    assert abs(rates["hit_rate"] - (best == observed).mean()) < 1e-15
    assert found.hit_rate == rates["hit_rate"]
    assert abs(rates["baseline_rate"] - observed.value_counts(normalize=True).max()) < 1e-15
    assert found.baseline == observed.mode()[0]
    assert abs(rates["balanced_accuracy"] - balanced_accuracy_score(observed, best)) < 1e-14
    assert abs(rates["kappa"] - cohen_kappa_score(observed, best)) < 1e-14
    each = found.by_category["estimate"]
    recall = recall_score(observed, best, average=None)
    assert np.abs(each["sensitivity"] - recall).max() < 1e-15
    precision = precision_score(observed, best, average=None)
    assert np.abs(each["precision"] - precision).max() < 1e-15
    for category in res.categories:
        rest = observed != category
        told = (best[rest] != category).mean()
        assert abs(each["specificity", category] - told) < 1e-15


def test_rates_are_those_among_the_fit_statistics(res):
    rates, values = res.classification().rates["estimate"], res.fit_statistics()["value"]
    assert abs(rates["hit_rate"] - values["count"]) < 1e-15
    assert abs(rates["count_adjusted"] - values["count_adjusted"]) < 1e-14
    assert abs(rates["mean_probability"] - values["mean_probability"]) < 1e-14


def test_intervals_of_shares_are_wilsons(res):
    found = res.classification(alpha=0.1)
    n = len(survey())
    hits = int(np.trace(found.table))
    for name, count in (
        ("hit_rate", hits),
        ("baseline_rate", survey()["party"].value_counts().iloc[0]),
    ):
        limits = np.array(proportion_confint(count, n, alpha=0.1, method="wilson"))
        assert np.abs(found.rates.loc[name, ["lower", "upper"]] - limits).max() < 1e-14
        share = count / n
        error = np.sqrt(share * (1 - share) / (n - 1))
        assert abs(found.rates.loc[name, "std_err"] - error) < 1e-15
    lines = found.by_category
    counts = np.round(lines["people"] * lines["estimate"])
    limits = proportion_confint(counts, lines["people"], alpha=0.1, method="wilson")
    assert np.abs(lines["lower"] - limits[0]).max() < 1e-14
    assert np.abs(lines["upper"] - limits[1]).max() < 1e-14


def test_kappa_has_the_variance_of_fleiss(res):
    found = res.classification()
    n = found.table.to_numpy().sum()
    told = cohens_kappa(found.table.to_numpy())
    variance = found.rates.loc["kappa", "std_err"] ** 2
    assert abs(variance / told.var_kappa * (n - 1) / n - 1) < 1e-12
    half = (found.rates.loc["kappa", "upper"] - found.rates.loc["kappa", "lower"]) / 2
    assert abs(half - 1.959963984540054 * np.sqrt(variance)) < 1e-14


@pytest.mark.parametrize("measure", ["count_adjusted", "balanced_accuracy", "kappa"])
def test_linearized_errors_are_those_of_leaving_people_out(measure):
    """The infinitesimal jackknife: derivatives of the measure by the weight of every person."""
    res, step = fit_case("womenlf"), 1e-5
    table = res.classification().table.to_numpy()

    def value(counts):
        n = counts.sum()
        hit = np.trace(counts) / n
        rows, columns = counts.sum(axis=1) / n, counts.sum(axis=0) / n
        if measure == "count_adjusted":
            top = table.sum(axis=1).argmax()
            return (hit - rows[top]) / (1 - rows[top])
        if measure == "kappa":
            return (hit - rows @ columns) / (1 - rows @ columns)
        return np.mean(np.diag(counts) / counts.sum(axis=1))

    n, total = table.sum(), 0.0
    for cell in np.ndindex(*table.shape):
        ahead, behind = table.copy(), table.copy()
        ahead[cell] += step
        behind[cell] -= step
        total += table[cell] * ((value(ahead) - value(behind)) / (2 * step)) ** 2
    found = res.classification().rates.loc[measure]
    assert abs(found["estimate"] - value(table)) < 1e-14
    assert abs(found["std_err"] / np.sqrt(total * n / (n - 1)) - 1) < 1e-7


def test_expected_people_are_those_observed_where_there_is_an_intercept(res):
    """The scores of the intercepts are zero: a theorem."""
    found = res.classification()
    assert np.abs(found.expected.sum(axis=1) - found.table.sum(axis=1)).max() < 1e-10
    assert np.abs(found.expected.sum(axis=0) - found.table.sum(axis=1)).max() < 1e-8
    y = res.fittedvalues.to_numpy()
    for k, category in enumerate(res.categories):
        own = (survey()["party"] == category).to_numpy()
        assert np.abs(found.expected.iloc[k] - y[own].sum(axis=0)).max() < 1e-11


def test_new_rows_are_judged_by_their_own_outcome():
    res, new = split_survey()
    found = res.classification(new)
    best = res.predict(new, which="category").astype(str)
    expected = confusion_matrix(new["party"], best, labels=list(res.categories))
    assert (found.table.to_numpy() == expected).all()
    assert not found.own
    assert "80 new rows" in found.rows
    again = res.classification(new.drop(columns="party"), outcome=new["party"])
    assert found.table.equals(again.table)


def test_a_category_that_is_never_predicted_or_never_seen():
    res = fit_case("anes96")
    found = res.classification()
    assert np.isnan(found.by_category.loc[("precision", 3), "estimate"])
    assert np.isnan(found.by_category.loc[("precision", 3), "upper"])
    assert any("Never predicted" in note and "3, 4" in note for note in found.notes)
    res, new = split_survey()
    few = res.classification(new[new["party"] != "red"])
    assert np.isnan(few.by_category.loc[("sensitivity", "red"), "estimate"])
    assert np.isnan(few.rates.loc["balanced_accuracy", "estimate"])
    assert any("Without people" in note and "red" in note for note in few.notes)
    alone = res.classification(new[new["party"] == "red"])
    assert np.isnan(alone.rates.loc["count_adjusted", "estimate"])
    assert alone.rates.loc["baseline_rate", "estimate"] == 1


def test_of_perfect_predictions_no_variance_is_made_up():
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, 5], "y": list("aaabbb")})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    rates = res.classification().rates
    assert rates.loc["hit_rate", "estimate"] == 1
    low, high = proportion_confint(6, 6, method="wilson")
    assert abs(rates.loc["hit_rate", "lower"] - low) < 1e-14
    assert high == rates.loc["hit_rate", "upper"] == 1
    assert np.isnan(rates.loc["balanced_accuracy", ["lower", "upper"]].to_numpy(float)).all()


def test_alpha_and_unknown_words_are_refused(res):
    with pytest.raises(OptionError, match="alpha"):
        res.classification(alpha=1.5)
    with pytest.raises(TypeError, match="cutoff"):
        res.classification(cutoff=0.5)


def test_it_prints_as_tables(res):
    text, html = repr(res.classification()), res.classification()._repr_html_()
    for word in ("hit_rate", "sensitivity", "green", "the fit's own 160 rows", "newdata="):
        assert word in text.replace("\n", " ")
        assert word.replace("'", "&#x27;") in html
    assert html.count("<table") == 4
