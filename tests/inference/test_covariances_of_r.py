"""Covariances against those of R: sandwich, clubSandwich and survey."""

from __future__ import annotations

import functools
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import CovarianceError, FewClustersWarning, NegativeVarianceWarning
from tests.reference_cases import FOLDER, fit_case, load_case
from tests.theorems.strategies import matrix_gap

FEW = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")
# R's own estimates are this close to the maximum, in standard errors.
CLOSE = 1e-8


@functools.cache
def truth() -> dict[str, Any]:
    path = FOLDER / "covariances" / "covariances.json"
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def students() -> pd.DataFrame:
    data = pd.read_csv(FOLDER / "data" / "hsbdemo.csv")
    area = data["id"] % 4
    return data.assign(
        y=(data["prog"] == "academic").astype(int),
        w=1 + data["id"] % 5,
        unit=data["id"] % 40,
        area=area,
        time=(data["id"] - 1) // 10,
        person=(data["id"] - 1) % 10,
        total=np.array([30, 25, 60, 12])[area],
        lone=area.where(data["id"] % 40 != 7, 9),
    )


@functools.cache
def fitted(outcome: str = "y", **options: Any) -> Any:
    return ml.mnlogit(f"{outcome} ~ write + ses", students(), **options).fit()


def sampled(outcome: str = "y") -> Any:
    return fitted(outcome, weights="w", weight_type="sampling")


BINARY = {
    "HC0": ("HC0", {}),
    "HC1": ("HC1", {}),
    "HC2": ("HC2", {}),
    "HC3": ("HC3", {}),
    "cluster": ("cluster", {"groups": "cid", "correction": "CR0"}),
    "cluster_stata": ("cluster", {"groups": "cid"}),
    "cluster_CR1": ("cluster", {"groups": "cid", "correction": "CR1"}),
    "cluster_CR3": ("cluster", {"groups": "cid", "correction": "CR3"}),
    "units_CR3": ("cluster", {"groups": "unit", "correction": "CR3"}),
    "two_way_stata": ("cluster", {"groups": ["unit", "time"]}),
    "two_way_CR0": ("cluster", {"groups": ["unit", "time"], "correction": "CR0"}),
    "three_way_stata": ("cluster", {"groups": ["unit", "time", "cid"]}),
    "driscoll_kraay": ("HAC", {"time": "time", "maxlags": 3}),
    "panel": ("HAC", {"time": "time", "groups": "person", "maxlags": 3}),
}


@FEW
@pytest.mark.parametrize("name", BINARY)
def test_binary_logit(name):
    kind, options = BINARY[name]
    res = fitted().with_cov(kind, **options)
    block = truth()["binary"]
    bse = np.sqrt(np.diag(block["HC0"]))
    assert (np.abs(res.params.to_numpy().ravel() - block["coef"]) / bse).max() < CLOSE
    assert matrix_gap(res.cov_params(), np.array(block[name])) < CLOSE


def test_negative_eigenvalues_are_set_to_zero_and_told():
    """R leaves negative variances; ours is R's matrix, cut in the metric of the information."""
    with (
        pytest.warns(FewClustersWarning, match="2 by 'schtyp'"),
        pytest.warns(NegativeVarianceWarning, match="1 negative eigenvalues of 4"),
    ):
        res = fitted().with_cov("cluster", groups=["cid", "schtyp"])
    root = np.linalg.cholesky(fitted().cov_params().to_numpy())
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ np.array(truth()["binary"]["negative"]) @ inverse.T)
    assert (values < 0).sum() == 1
    cut = root @ (vectors * np.maximum(values, 0)) @ vectors.T @ root.T
    assert matrix_gap(res.cov_params(), cut) < CLOSE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = fitted(base=1).with_cov("cluster", groups=["schtyp", "cid"]).rebase(0)
    assert matrix_gap(other.cov_params(), res.cov_params()) < 1e-9


SURVEYS = {
    "strata_psu": {"strata": "area", "psu": "unit"},
    "strata_psu_fpc": {"strata": "area", "psu": "unit", "fpc": "total"},
    "psu": {"psu": "unit"},
    "rows": {"strata": "area"},
    "weights": {},
    "lonely_adjust": {"strata": "lone", "psu": "unit", "lonely": "center"},
    "lonely_certainty": {"strata": "lone", "psu": "unit", "lonely": "certainty"},
}


@pytest.mark.parametrize("name", SURVEYS)
def test_survey_of_a_binary_logit(name):
    block = truth()["survey"][name]
    res = sampled().with_cov("survey", **SURVEYS[name])
    assert matrix_gap(res.cov_params(), np.array(block["vcov"])) < CLOSE
    assert res.covariance.df == block.get("df", res.covariance.df)


def test_sampled_fractions_are_sizes_of_populations():
    data = students()
    sizes = data.groupby("area")["unit"].nunique()
    share = data["area"].map(sizes) / data["total"]
    options = {"strata": "area", "psu": "unit"}
    res = sampled().with_cov("survey", fpc=share, **options)
    by_size = sampled().with_cov("survey", fpc="total", **options)
    assert matrix_gap(res.cov_params(), by_size.cov_params()) < 1e-12


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("domain", {"strata": "area", "psu": "unit"}),
        ("domain_strata_psu", {"strata": "area", "psu": "unit"}),
        ("domain_rows", {"strata": "area"}),
    ],
)
@pytest.mark.parametrize("gone", ["zero weight", "missing"])
def test_a_subpopulation_keeps_the_units_of_the_design(name, options, gone):
    data = students()
    inside = (data["schtyp"] == "public") & (data["cid"] > 4)
    if name != "domain":
        inside = (data["schtyp"] == "public") & (data["area"] != 3)
    domain = data.assign(w=data["w"].where(inside, 0 if gone == "zero weight" else np.nan))
    sampling = {"weights": "w", "weight_type": "sampling", "missing": "drop"}
    model = ml.mnlogit("y ~ write + ses", domain, **sampling)
    res = model.fit(cov_type="survey", cov_kwds=options)
    block = truth()["survey"][name]
    assert matrix_gap(res.cov_params(), np.array(block["vcov"])) < CLOSE
    used = data[inside]
    units = used["unit"].nunique() if "psu" in options else len(used)
    assert res.covariance.df == units - used["area"].nunique()


def test_labels_may_miss_where_rows_were_dropped():
    data = students()
    inside = data["area"] != 3
    labels = data.assign(
        w=data["w"].where(inside, 0),
        area=data["area"].where(inside),
        unit=data["unit"].where(inside),
    )
    options = {"weights": "w", "weight_type": "sampling"}
    design = {"strata": "area", "psu": "unit"}
    res = ml.mnlogit("y ~ write + ses", labels, **options).fit()
    alone = ml.mnlogit("y ~ write + ses", data[inside], **options).fit()
    found = res.with_cov("survey", **design)
    assert matrix_gap(found.cov_params(), alone.with_cov("survey", **design).cov_params()) < 1e-9


def test_adjusted_wald_test():
    block = truth()["survey"]["wald_ses"]
    res = sampled().with_cov("survey", strata="area", psu="unit")
    found = res.wald_test(["ses[T.low]", "ses[T.middle]"])
    # R divides the chi-squared by its df; the adjusted statistic is (d - k + 1) / d of that.
    d, k = res.covariance.df, block["df"]
    np.testing.assert_allclose(found.statistic, block["F"] * (d - k + 1) / d, rtol=1e-8)
    assert (found.df, found.df_denom) == (k, d - k + 1)


@FEW
def test_three_categories():
    block = truth()["several"]
    res = fitted("prog")
    close = 1e-7
    for name, kind, options in (
        ("two_way_stata", "cluster", {"groups": ["unit", "time"]}),
        ("driscoll_kraay", "HAC", {"time": "time", "maxlags": 2}),
    ):
        found = res.with_cov(kind, **options)
        assert matrix_gap(found.cov_params(), np.array(block[name])) < close
    survey = block["survey"]
    for name, more in (("vcov", {}), ("vcov_fpc", {"fpc": "total"})):
        found = sampled("prog").with_cov("survey", strata="area", psu="unit", **more)
        assert matrix_gap(found.cov_params(), np.array(survey[name])) < close


@pytest.mark.parametrize("name", ["hsbdemo", "chile"])
def test_clusters_of_the_reference_cases(name):
    case = load_case(name)
    block = case.truth["extra"]["cluster"]
    res = fit_case(name)
    keys = {"CR0": "CR0_se", "stata": "stata_vce_cluster_se", "CR1": "statsmodels_style_se"}
    for correction, key in keys.items():
        with pytest.warns(FewClustersWarning, match=str(block["n_clusters"])):
            found = res.with_cov("cluster", groups=block["cluster"], correction=correction)
        table = case.table(key, block)
        np.testing.assert_allclose(found.bse.loc[table.index, table.columns], table, rtol=1e-7)
        assert found.covariance.groups == ((block["cluster"], block["n_clusters"]),)


def test_lonely_units_raise_with_their_strata():
    with pytest.raises(CovarianceError, match=r"1 strata have one unit.*9.*lonely='center'"):
        sampled().with_cov("survey", strata="lone", psu="unit")
    model = ml.mnlogit("y ~ write", students(), weights="w", weight_type="sampling")
    with warnings.catch_warnings(), pytest.raises(CovarianceError, match="lonely"):
        model.fit(cov_type="survey", cov_kwds={"strata": "lone", "psu": "unit"})
