"""Clustered covariances, sums by cell, and what is said about them."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    CovarianceError,
    FewClustersWarning,
    LabelError,
    LengthMismatchError,
    MissingDataError,
    OptionError,
    SeparationWarning,
    ZeroVarianceWarning,
)
from mlelogit.fitting import basis
from mlelogit.inference.covariance import estimate_covariance
from mlelogit.inference.sandwich import cells
from tests.inference.samples import beside, fitted, plain_clusters, plain_rows, survey
from tests.theorems.strategies import matrix_gap

FEW = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")


def clustered(res, **options):
    return res.with_cov("cluster", **options).cov_params()


@pytest.mark.parametrize("weights", [{}, {"weights": "weight", "weight_type": "sampling"}])
def test_corrections_are_factors_of_a_plain_sum(weights):
    res, groups = fitted(**weights), beside()["many"]
    scores, informations = plain_rows(res)
    bread = np.linalg.inv(informations.sum(axis=0))
    sums = pd.DataFrame(scores).groupby(groups).sum().to_numpy()
    plain = bread @ sums.T @ sums @ bread
    g = len(sums)
    factors = {"CR0": 1, "stata": g / (g - 1), "CR1": g / (g - 1) * 159 / 150}
    for correction, factor in factors.items():
        found = clustered(res, groups=groups, correction=correction)
        assert matrix_gap(found, factor * plain) < 1e-11
    assert matrix_gap(clustered(res, groups=groups), factors["stata"] * plain) < 1e-11


@FEW
def test_statsmodels_has_the_same_clusters():
    res, groups = fitted("party ~ age + educ"), beside()["some"]
    frame = survey()
    exog = sm.add_constant(frame[["age", "educ"]])
    codes = pd.Categorical(frame["party"]).codes
    theirs = sm.MNLogit(codes, exog).fit(
        disp=0, tol=1e-14, maxiter=100, cov_type="cluster", cov_kwds={"groups": groups}
    )
    found = clustered(res, groups=groups, correction="CR1").to_numpy()
    assert matrix_gap(found, theirs.cov_params()) < 1e-8


@FEW
def test_two_ways_add_up_by_inclusion_and_exclusion():
    res, frame = fitted(), beside()
    one, two = frame["many"], frame["few"]
    both = one * 1000 + two
    for correction in ("CR0", "stata", "CR2"):
        parts = [clustered(res, groups=g, correction=correction) for g in (one, two, both)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = clustered(res, groups=np.column_stack([one, two]), correction=correction)
        total = parts[0] + parts[1] - parts[2]
        assert np.linalg.eigvalsh(total).min() < 0
        assert np.linalg.eigvalsh(found).min() > -1e-12


@pytest.mark.parametrize("correction", ["CR0", "stata", "CR1", "CR2", "CR3"])
def test_two_ways_with_a_positive_sum_are_that_sum(correction):
    """Against plain loops over the clusters of each way."""
    res = fitted("party ~ age + educ")
    rng = np.random.default_rng(2)
    one, two = rng.integers(50, size=160), rng.integers(45, size=160)
    ways = (one, two, one * 1000 + two)
    total = np.zeros((6, 6))
    for sign, groups in zip((1, 1, -1), ways, strict=True):
        count = len(np.unique(groups))
        power = {"CR2": 0.5, "CR3": 1.0}.get(correction, 0.0)
        factor = {"stata": count / (count - 1), "CR1": count / (count - 1) * 159 / 154}
        part = plain_clusters(*plain_rows(res), groups, power)
        total += sign * factor.get(correction, 1.0) * part
    assert np.linalg.eigvalsh(total).min() > 0
    found = clustered(res, groups=np.column_stack([one, two]), correction=correction)
    assert matrix_gap(found, total) < 1e-9


def test_every_row_its_own_cluster_is_hc0():
    res = fitted()
    found = clustered(res, groups=beside()["each"], correction="CR0")
    assert matrix_gap(found, res.with_cov("HC0").cov_params()) < 1e-12
    robust = clustered(res, groups=beside()["each"])
    assert matrix_gap(robust, res.with_cov("robust").cov_params()) < 1e-12


def test_few_clusters_are_told_with_their_number():
    with pytest.warns(FewClustersWarning, match=r"12 by 'groups'.*correction='CR2'"):
        fitted().with_cov("cluster", groups=beside()["few"])
    with pytest.warns(FewClustersWarning, match=r"5 by 'groups'.*rank is at most 4.*10 parameters"):
        fitted().with_cov("cluster", groups=beside()["area"])
    with pytest.warns(FewClustersWarning, match="CR2 lessens that"):
        fitted().with_cov("cluster", groups=beside()["few"], correction="CR2")
    fitted().with_cov("cluster", groups=beside()["many"])


def find_rank(res, **options):
    """Return the rank of a covariance by clusters, and what its warning says of it."""
    with pytest.warns(FewClustersWarning) as told:
        matrix = res.with_cov("cluster", **options).cov_params().to_numpy()
    values = np.linalg.eigvalsh(matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix))))
    (said,) = [str(one.message) for one in told if one.category is FewClustersWarning]
    return int((values > 1e-9).sum()), "rank is at most" in said


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NegativeVarianceWarning")
def test_the_rank_is_told_where_it_is_known():
    """Scores add up to zero at a maximum of the likelihood, adjusted ones do not."""
    area, few = beside()["area"], beside()["few"]
    for correction in ("CR0", "stata", "CR1"):
        assert find_rank(fitted(), groups=area, correction=correction) == (4, True)
    for correction in ("CR2", "CR3"):
        assert find_rank(fitted(), groups=area, correction=correction) == (5, False)
    rank, told = find_rank(fitted(), groups=[area, few % 4])
    assert (rank > 4, told) == (True, False)
    reduced = ml.mnlogit("party ~ age + educ + region", survey()).fit(bias_reduction="mean")
    assert find_rank(reduced, groups=area) == (5, False)


@FEW
def test_one_cluster_is_none():
    with pytest.raises(CovarianceError, match=r"one cluster by 'groups'"):
        fitted().with_cov("cluster", groups=np.zeros(160))
    with pytest.raises(CovarianceError, match=r"one cluster by 'groups\[1\]'"):
        fitted().with_cov("cluster", groups=[beside()["few"], np.zeros(160)])


@FEW
def test_more_hypotheses_than_clusters_have_no_test():
    res = fitted().with_cov("cluster", groups=beside()["area"])
    assert np.isfinite(res.wald_test("age").p_value)
    none = res.wald_test(["age", "educ", "region[T.south]"])
    assert np.isnan(none.p_value)
    assert "at most 4 at a time" in none.reason


@pytest.mark.parametrize("correction", ["CR0", "stata", "CR2"])
def test_as_many_hypotheses_as_clusters_would_be_of_their_number_alone(correction):
    """With G sums ``s'(Σ s s')⁻¹ s`` of G hypotheses is G whatever the data (least squares)."""
    two = np.arange(160) % 2
    with pytest.warns(FewClustersWarning):
        res = fitted().with_cov("cluster", groups=two, correction=correction)
    tests = [res.wald_test("age"), res.score_test("age")]
    tables = [res.term_tests(kind) for kind in ("wald", "score")]
    assert all(np.isnan(test.p_value) and "at most 1" in test.reason for test in tests)
    assert all(table["p_value"].isna().all() for table in tables)
    assert np.isfinite(res.wald_test("green: age").p_value)
    plain = np.random.default_rng(0).normal(size=(2, 2))
    total = plain.sum(axis=0)
    assert total @ np.linalg.solve(plain.T @ plain, total) == pytest.approx(2)


def test_scores_that_cancel_in_every_cluster_tell_no_standard_error():
    """In a saturated model of the clusters the scores add up to zero inside each."""
    frame = survey().assign(g=np.arange(160) % 45 // 15 + np.arange(160) % 3 * 3)
    model = ml.mnlogit("party ~ C(g)", frame)
    res = model.fit()
    with (
        pytest.warns(ZeroVarianceWarning, match="18 coefficients"),
        pytest.warns(FewClustersWarning),
    ):
        cancelled = res.with_cov("cluster", groups="g")
    assert cancelled.bse.isna().all().all()
    assert cancelled.pvalues.isna().all().all()


def pupils(seed=3, schools=45, each=40):
    """Draw pupils of schools that differ."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(schools), each)
    frame = pd.DataFrame({"school": school, "year": 2000 + rng.integers(0, 5, len(school))})
    frame["hours"] = rng.gamma(2, 1, len(school))
    frame["girl"] = rng.integers(0, 2, len(school))
    frame["size"] = rng.normal(size=schools)[school]
    frame["first"] = (school == 0) * 1.0
    frame["half"] = ((school == 1) & (frame["girl"] == 1)) * 1.0
    scores = np.outer(frame["hours"], [0, 0.2, -0.1]) + rng.normal(0, 0.3, (schools, 3))[school]
    chosen = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return frame.assign(track=np.array(["a", "b", "c"])[chosen], weight=rng.uniform(0.5, 2) * 1e-9)


ABSORBED = {
    "hours + C(school)": ["hours"],
    "hours + year + C(school, Sum)": ["hours", "year"],
    "hours + first": ["Intercept", "hours"],
    "hours + half": ["Intercept", "hours"],
}


@pytest.mark.parametrize("correction", ["stata", "CR0", "CR1", "CR3"])
@pytest.mark.parametrize("terms", ABSORBED)
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.LeverageWarning")
def test_columns_that_tell_clusters_apart_are_told(terms, correction):
    """The sums of scores of all columns but these are zero in each cluster by the maximum."""
    weights = {"weights": "weight", "weight_type": "sampling"} if correction == "CR0" else {}
    res = ml.mnlogit(f"track ~ {terms}", pupils(), **weights).fit()
    with pytest.warns(ZeroVarianceWarning, match="whatever the data") as told:
        clustered = res.with_cov("cluster", groups="school", correction=correction)
    assert np.isfinite(clustered.bse.to_numpy()).all()
    vanished = 2 * (len(res.params) - len(ABSORBED[terms]))
    said = [str(one.message) for one in told if one.category is ZeroVarianceWarning]
    assert [f"scores of {vanished} coefficients" in message for message in said] == [True]
    assert not any(f"'b: {name}'" in said[0] for name in ABSORBED[terms])


@FEW
def test_clusters_by_a_regressor_are_told():
    res = ml.mnlogit("track ~ hours + girl", pupils()).fit()
    with pytest.warns(ZeroVarianceWarning, match="4 coefficients.*'b: Intercept', 'b: girl'"):
        assert (res.with_cov("cluster", groups="girl").tvalues.loc["girl"].abs() > 0).all()


@FEW
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NegativeVarianceWarning")
@pytest.mark.parametrize("schools", [3, 45])
@pytest.mark.parametrize("seed", range(20))
def test_ordinary_clusters_are_not_told(seed, schools):
    """Columns that are the same inside clusters, dummies of several, far from zero: no warning."""
    frame = pupils(seed, schools, 30).assign(several=lambda f: f["school"] % 3 == 0)
    terms = "hours + year + girl + size" + " + several" * (schools > 3)
    res = ml.mnlogit(f"track ~ {terms}", frame).fit()
    res.with_cov("cluster", groups="school")
    res.with_cov("cluster", groups="school", correction="CR3")
    res.with_cov("cluster", groups=["school", "year"])


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "CR2": ("cluster", {"groups": "many", "correction": "CR2"}),
    "two ways": ("cluster", {"groups": ["many", "panel"], "correction": "CR0"}),
    "panel": ("HAC", {"time": "year", "groups": "panel", "maxlags": 2}),
    "survey": ("survey", {"strata": "area", "psu": "many"}),
    "HC3": ("HC3", {}),
}


def laden():
    return survey().assign(**beside())


@FEW
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NegativeVarianceWarning")
@pytest.mark.parametrize("name", OPTIONS)
def test_fit_and_with_cov_are_the_same(name):
    kind, options = OPTIONS[name]
    model = ml.mnlogit("party ~ age + educ", laden())
    one = model.fit(cov_type=kind, cov_kwds=options)
    two = model.fit().with_cov(kind, **options)
    assert (one.cov_params() == two.cov_params()).all(axis=None)
    assert one.cov_type == kind
    for twin in (copy.deepcopy(two), pickle.loads(pickle.dumps(two))):
        assert (twin.cov_params() == two.cov_params()).all(axis=None)
        assert str(twin.summary()) == str(two.summary())
        again = estimate_covariance(twin.record, twin.covariance.request)
        assert (again.matrix == two.covariance.matrix).all()
    assert one.covariance.describe() in " ".join(str(one.summary()).split())


def test_errors_are_raised_before_the_climb():
    model = ml.mnlogit("party ~ age", laden())

    def never(params):
        raise AssertionError("climbed")

    cases: list[tuple[str, Any, type[Exception], str]] = [
        ("cluster", None, OptionError, "needs groups="),
        ("cluster", {"group": "many"}, OptionError, "groups, correction.*'group'"),
        ("cluster", {"groups": "many", "correction": "CR4"}, OptionError, "stata, CR0, CR1"),
        ("cluster", {"groups": "nowhere"}, ColumnNotFoundError, "'nowhere'"),
        ("cluster", {"groups": [1, 2]}, LengthMismatchError, "160"),
        ("cluster", {"groups": np.full(160, np.nan)}, MissingDataError, "groups"),
        ("HAC", {"groups": "many"}, OptionError, "needs time="),
        ("HAC", {"time": "year", "maxlags": 1.5}, OptionError, "maxlags"),
        ("HAC", {"time": "year", "maxlags": -1}, OptionError, "maxlags"),
        ("HAC", {"time": "year", "correction": "stata"}, OptionError, "none, HC1, CR1"),
        ("survey", {"lonely": "average"}, OptionError, "raise, center, certainty"),
        ("survey", {"strata": "each"}, CovarianceError, "one unit"),
        ("HC3", {"groups": "many"}, OptionError, "takes no options"),
        (None, {"groups": "many"}, OptionError, "default covariance takes no options"),
        ("HC1", ["groups"], OptionError, "dict"),
    ]
    for kind, options, error, match in cases:
        with pytest.raises(error, match=match):
            model.fit(cov_type=kind, cov_kwds=options, callback=never)
        if kind is not None and isinstance(options, dict):
            with pytest.raises(error, match=match):
                fitted_laden().with_cov(kind, **options)
    weighted = ml.mnlogit("party ~ age", laden(), weights="weight", weight_type="importance")
    for kind, options in OPTIONS.values():
        with pytest.raises(CovarianceError, match="importance"):
            weighted.fit(cov_type=kind, cov_kwds=options, callback=never)


def fitted_laden():
    return ml.mnlogit("party ~ age", laden()).fit()


def test_labels_pair_with_the_rows_given():
    """Rows with missing values are dropped from the middle; their labels go with them."""
    frame = laden()
    frame.loc[frame.index[5:100:7], "age"] = np.nan
    model = ml.mnlogit("party ~ age + educ", frame, missing="drop")
    res = model.fit()
    one = clustered(res, groups="many")
    rest = frame.dropna()
    alone = ml.mnlogit("party ~ age + educ", rest).fit()
    assert matrix_gap(one, clustered(alone, groups=rest["many"])) < 1e-9
    assert matrix_gap(clustered(res, groups=frame["many"].to_numpy()), one) < 1e-14
    with pytest.raises(LabelError, match="one column of labels, not 2"):
        res.with_cov("HAC", time=np.zeros((160, 2)))


@FEW
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NegativeVarianceWarning")
def test_separated_data_have_the_covariance_of_the_limit(name):
    kind, options = OPTIONS[name]
    frame = laden()
    frame["apart"] = ((frame["party"] != "green") & (frame["age"] > 50)) * 1
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("party ~ educ + apart", frame).fit()
    with pytest.warns(SeparationWarning):
        other = ml.mnlogit("party ~ educ + apart", frame, base="red").fit()
    found = res.with_cov(kind, **options)
    back = other.with_cov(kind, **options).rebase("blue")
    pd.testing.assert_frame_equal(found.bse, back.bse, rtol=1e-6)
    assert (found.bse.isna() == np.isinf(res.params)).all(axis=None)
    assert found.bse.notna().any(axis=None)


@FEW
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NegativeVarianceWarning")
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("raw", [False, True], ids=["rows in the basis", "raw rows"])
def test_some_cells_at_a_time_add_up_to_the_same(name, raw, monkeypatch):
    kind, options = OPTIONS[name]
    res = ml.mnlogit("party ~ age + educ", laden()).fit()
    whole = res.with_cov(kind, **options)
    monkeypatch.setattr(cells, "CELL_ELEMENTS", 6 * 7)
    if raw:
        monkeypatch.setattr(basis, "DIRECT_ELEMENTS", 0)
    assert (cells.open_objective(res.record)[0].basis is not None) == raw
    parts = res.with_cov(kind, **options)
    assert matrix_gap(parts.cov_params(), whole.cov_params()) < 1e-11


@pytest.mark.parametrize("kind", ["cluster", "CR2", "HC3", "survey"])
def test_no_score_of_every_row_is_held(kind):
    rng = np.random.default_rng(0)
    n, columns = 200_000, 20
    x = rng.normal(size=(n, columns))
    codes = (x[:, :1] * [0, 0.5, -0.5] + rng.gumbel(size=(n, 3))).argmax(axis=1)
    res = ml.MNLogit(codes, x).fit()
    groups = rng.permutation(n)
    options: dict[str, Any] = {"groups": groups}
    if kind == "survey":
        options = {"strata": groups % 5}
    elif kind == "CR2":
        options["correction"] = "CR2"
    elif kind == "HC3":
        options = {}
    # What is imported on first use stays, however many rows there are.
    few = ml.MNLogit(codes[:500], x[:500]).fit()
    few.with_cov("cluster", groups=groups[:500])
    tracemalloc.start()
    res.with_cov({"CR2": "cluster"}.get(kind, kind), **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scores = 8 * n * columns * 2
    assert peak < 0.5 * scores
    if kind == "cluster":
        robust = res.with_cov("robust").cov_params()
        assert matrix_gap(clustered(res, groups=groups), robust) < 1e-11
