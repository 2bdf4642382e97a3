"""Replicates are fits of resamples, their intervals those of scipy, their moments known."""

from __future__ import annotations

import itertools
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import mlelogit as ml
from mlelogit.exceptions import (
    BiasReductionError,
    BootstrapError,
    BootstrapWarning,
    FewClustersWarning,
    LabelError,
    OptionError,
)
from mlelogit.inference.resampling import draws, units
from mlelogit.inference.resampling.bootstrap_intervals import bca_interval, percentile_interval
from mlelogit.inference.resampling.draws import perturb
from mlelogit.inference.resampling.units import (
    PERTURBATIONS,
    draw_fractional,
    draw_pairs,
    draw_perturbations,
    make_units,
)
from tests.inference.samples import fitted, plain_sandwich, survey

FORMULA = "party ~ age + educ"


def fit_rows(rows, formula=FORMULA, **options):
    return ml.mnlogit(formula, survey().iloc[rows].reset_index(drop=True), **options).fit()


def standardize(found, res):
    return np.abs((found - res.record.maximum.params) / res.covariance.bse).max()


def expand(res, counts):
    """Return the positions of rows, each as often as it counts."""
    return np.repeat(np.arange(len(survey())), counts.astype(int))


@pytest.fixture(scope="module")
def clusters():
    return np.random.default_rng(11).permutation(len(survey())) % 45


def tabulate():
    """Return the survey as counts: one row for every age group and educ, columns parties."""
    frame = survey().assign(age=(survey()["age"] // 10 * 10))
    table = pd.crosstab([frame["age"], frame["educ"]], frame["party"]).reset_index()
    return frame, table


def test_a_replicate_of_pairs_is_the_fit_of_the_rows_drawn():
    res = fitted(FORMULA)
    boot = res.bootstrap(4, seed=3)
    drawn = draw_pairs(make_units(res.record), np.random.default_rng(3), 4)
    assert (drawn.sum(axis=1) == len(survey())).all()
    for replicate, counts in zip(boot.replicates, drawn, strict=True):
        assert standardize(replicate, fit_rows(expand(res, counts))) < 1e-7


def test_a_replicate_of_clusters_is_the_fit_of_the_clusters_drawn(clusters):
    res = fitted(FORMULA)
    boot = res.bootstrap(4, "cluster", groups=clusters, seed=3)
    codes = np.unique(clusters, return_inverse=True)[1]
    drawn = draw_pairs(make_units(res.record, codes), np.random.default_rng(3), 4)
    for replicate, counts in zip(boot.replicates, drawn, strict=True):
        per_cluster = [np.unique(counts[codes == g]) for g in range(45)]
        assert all(len(found) == 1 for found in per_cluster)
        assert sum(float(found[0]) for found in per_cluster) == 45
        assert standardize(replicate, fit_rows(expand(res, counts))) < 1e-7


def test_strata_keep_their_sizes():
    res = fitted(FORMULA)
    region = survey()["region"].to_numpy()
    codes = np.unique(region, return_inverse=True)[1]
    drawn = draw_pairs(make_units(res.record, None, codes), np.random.default_rng(0), 50)
    for stratum in range(3):
        assert (drawn[:, codes == stratum].sum(axis=1) == (codes == stratum).sum()).all()
    assert (drawn.max(axis=1) > 1).all()
    assert "within 3 strata of region" in res.bootstrap(50, strata="region", seed=1).summary()


def test_sampling_weights_stay_with_their_rows():
    res = ml.mnlogit(FORMULA, survey(), weights="weight", weight_type="sampling").fit()
    boot = res.bootstrap(3, seed=5)
    drawn = draw_pairs(make_units(res.record), np.random.default_rng(5), 3)
    for replicate, counts in zip(boot.replicates, drawn, strict=True):
        options = {"weights": "weight", "weight_type": "sampling"}
        assert standardize(replicate, fit_rows(expand(res, counts), **options)) < 1e-7


@pytest.mark.parametrize("form", ["counts", "frequency", "frequency counts"])
def test_people_are_drawn_as_if_each_had_a_row(form):
    """A replicate of counts or frequency weights is the fit of that many single rows."""
    frame, table = tabulate()
    formula, options = "counts(blue, green, red) ~ age + educ", {}
    if form == "frequency":
        table = frame.groupby(["age", "educ", "party"]).size().rename("n").reset_index()
        formula, options = FORMULA, {"weights": "n", "weight_type": "frequency"}
    if form == "frequency counts":
        table = table.assign(n=2)
        options = {"weights": "n", "weight_type": "frequency"}
    res = ml.mnlogit(formula, table, **options).fit()
    boot = res.bootstrap(3, seed=5)
    cells = make_units(res.record)
    drawn = draw_pairs(cells, np.random.default_rng(5), 3)
    assert (drawn.sum(axis=1) == res.nobs).all()
    design = cells.record.need_blocks().design
    x = np.asarray(design.source.block(0, cells.rows)).T
    names = np.array(design.outcome.categories)
    for replicate, counts in zip(boot.replicates, drawn, strict=True):
        repeated = np.repeat(np.arange(cells.rows), counts.astype(int))
        alone = ml.MNLogit(names[design.outcome.codes[repeated]], x[repeated]).fit()
        assert standardize(replicate, alone) < 1e-7
    assert "people" in boot.drawn


def check_moments(drawn, mean, covariance):
    """Compare with moments within five of their Monte Carlo standard errors."""
    b = len(drawn)
    spread = np.sqrt(np.diag(covariance))
    assert (np.abs(drawn.mean(axis=0) - mean) < 5 * spread / np.sqrt(b)).all()
    found = np.cov(drawn, rowvar=False)
    error = np.sqrt((np.outer(spread**2, spread**2) + covariance**2) / b)
    assert (np.abs(found - covariance) < 6 * error).all()


def test_draws_of_people_have_the_moments_of_rows_expanded():
    """Cells of c people: multinomial counts, and sums of c exponential weights."""
    _, table = tabulate()
    res = ml.mnlogit("counts(blue, green, red) ~ age + educ", table).fit()
    cells = make_units(res.record)
    few, rng, n = np.argsort(-cells.people)[:6], np.random.default_rng(1), float(res.nobs)
    people = cells.people[few]
    assert people.max() > 1
    drawn = draw_pairs(cells, rng, 4000)[:, few]
    check_moments(drawn, people, np.diag(people) - np.outer(people, people) / n)
    check_moments(draw_fractional(cells, rng, 4000)[:, few], people, np.diag(people))
    for name in PERTURBATIONS:
        sums, squares = draw_perturbations(cells, rng, 4000, name)
        check_moments(sums[:, few], np.zeros(6), np.diag(people))
        assert (np.abs(squares[:, few].mean(axis=0) / people - 1) < 0.15).all()
        assert name != "rademacher" or (squares[:, few] == people).all()


@pytest.mark.parametrize("kind", ["cluster", "fractional", "score"])
def test_clusters_of_people_are_clusters_of_rows(kind):
    """The same clusters are drawn, so every replicate is the same."""
    frame, table = tabulate()
    single = frame.groupby(["age", "educ", "party"]).size().rename("n").reset_index()
    fits = [
        ml.mnlogit(FORMULA, frame).fit(),
        ml.mnlogit("counts(blue, green, red) ~ age + educ", table).fit(),
        ml.mnlogit(FORMULA, single, weights="n", weight_type="frequency").fit(),
    ]
    with pytest.warns(FewClustersWarning, match="7 by 'educ'"):
        one, *others = (fit.bootstrap(45, kind, groups="educ", seed=2) for fit in fits)
    scale = one.bse.to_numpy().max()
    for other in others:
        assert np.abs(other.replicates - one.replicates).max() < 1e-7 * scale
        if kind == "cluster":
            gaps = other.conf_int(0.4, "bca") - one.conf_int(0.4, "bca")
            assert np.abs(gaps.to_numpy()).max() < 1e-6 * scale


def test_counts_and_expanded_rows_agree_in_distribution():
    frame, table = tabulate()
    one = ml.mnlogit("counts(blue, green, red) ~ age + educ", table).fit().bootstrap(1500, seed=1)
    two = ml.mnlogit(FORMULA, frame).fit().bootstrap(1500, seed=2)
    gaps = np.log(one.bse / two.bse).to_numpy()
    assert np.abs(gaps).max() < 5 * np.sqrt(2 / (2 * 1500))
    assert scipy.stats.ks_2samp(one.replicates[:, 1], two.replicates[:, 1]).pvalue > 1e-3


@pytest.mark.parametrize("kind", ["pairs", "fractional", "score"])
def test_standard_errors_agree_with_the_sandwich(kind):
    """Within five Monte Carlo errors, 1 / sqrt(2 B), and 3 percent of what is of order P / n."""
    res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    boot = res.bootstrap(2000, kind, seed=1)
    ratio = (boot.bse / res.with_cov("HC0").bse).to_numpy()
    assert np.abs(ratio - 1).max() < 5 / np.sqrt(2 * 2000) + 0.03
    assert (np.abs(boot.bias.to_numpy() / res.bse.to_numpy()) < 0.15).all()


def plain_scores(res, squared=False):
    """Return V and the scores (n, P) of the survey's rows, with plain loops."""
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, len(survey()))).T
    y = res.fittedvalues.to_numpy()
    weights = np.ones(len(x)) if design.weights is None else design.weights
    residuals = (np.eye(3)[design.outcome.codes] - y)[:, 1:] * weights[:, np.newaxis]
    scores = np.array([np.kron(e, row) for e, row in zip(residuals, x, strict=True)])
    return plain_sandwich(res, squared)[0], scores


@pytest.mark.parametrize("name", ["rademacher", "webb", "mammen"])
@pytest.mark.parametrize("weighted", [False, True])
def test_over_all_perturbations_the_covariance_is_the_cluster_sandwich(name, weighted):
    """E w = 0 and E ww' = 1, so that the mean of (b* - b)(b* - b)' is V Σ s_g s_g' V exactly."""
    options = {"weights": "weight", "weight_type": "sampling"} if weighted else {}
    res = fitted(FORMULA, **options)
    count = 8 if name == "rademacher" else 4
    codes = np.arange(len(survey())) % count
    values, chances = PERTURBATIONS[name]
    patterns = np.array(list(itertools.product(range(len(values)), repeat=count)))
    cells = make_units(res.record, codes)
    moved = perturb(cells, cells.spread(values[patterns])) - res.record.maximum.params
    weights = chances[patterns].prod(axis=1)
    bread, scores = plain_scores(res)
    totals = np.array([scores[codes == g].sum(axis=0) for g in range(count)])
    expected = bread @ totals.T @ totals @ bread
    bse = res.covariance.bse
    assert np.abs(weights @ moved / bse).max() < 1e-10
    gaps = (moved.T * weights) @ moved - expected
    assert np.abs(gaps / np.outer(bse, bse)).max() < 1e-9
    third = chances @ values**3
    assert abs(third - (1 if name == "mammen" else 0)) < 1e-12


def test_a_single_persons_scores_are_perturbed_one_by_one():
    """One row moved at a time: b* - b is V s_n."""
    res = fitted(FORMULA)
    bread, scores = plain_scores(res)
    moved = perturb(make_units(res.record), np.eye(len(survey()))) - res.record.maximum.params
    assert np.abs((moved - scores @ bread) / res.covariance.bse).max() < 1e-9


def in_scipy(boot, refit, data, method, alpha=0.05):
    """Let scipy form the interval from our replicates, and leave rows out by itself."""
    levels = {"percentile": "percentile", "basic": "basic", "bca": "BCa"}
    given = type("Given", (), {"bootstrap_distribution": boot.replicates.T})()
    found = scipy.stats.bootstrap(
        data,
        refit,
        n_resamples=0,
        vectorized=False,
        confidence_level=1 - alpha,
        method=levels[method],
        bootstrap_result=given,
    )
    return np.column_stack(found.confidence_interval)


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_intervals_are_those_of_scipy(method, alpha):
    res = fitted(FORMULA)
    boot = res.bootstrap(300, seed=1)

    def refit(rows):
        return fit_rows(rows.astype(int)).record.maximum.params

    expected = in_scipy(boot, refit, (np.arange(len(survey())),), method, alpha)
    found = boot.conf_int(alpha, method)
    assert found.index.equals(res.conf_int().index)
    assert list(found.columns) == ["lower", "upper"]
    bse = res.covariance.bse[:, np.newaxis]
    assert np.abs((found.to_numpy() - expected) / bse).max() < 1e-6


def test_replicates_equal_to_the_estimate_lie_half_below_it():
    """Symmetric replicates without acceleration: the BCa interval is the percentile interval."""
    replicates = np.repeat([-2.0, -1, 0, 1, 2], 20)[:, np.newaxis]
    found, levels = bca_interval(replicates, np.zeros(1), np.zeros(1), 0.3)
    assert np.abs(levels.ravel() - [0.15, 0.85]).max() < 1e-12
    assert found.ravel().tolist() == percentile_interval(replicates, 0.3).ravel().tolist()


def test_strata_accelerate_as_samples_of_scipy():
    res = fitted(FORMULA)
    boot = res.bootstrap(300, strata="region", seed=1)
    samples = [np.flatnonzero(survey()["region"] == r) for r in ("north", "south", "west")]

    def refit(*rows):
        return fit_rows(np.concatenate(rows).astype(int)).record.maximum.params

    expected = in_scipy(boot, refit, samples, "bca")
    bse = res.covariance.bse[:, np.newaxis]
    assert np.abs((boot.conf_int(method="bca").to_numpy() - expected) / bse).max() < 1e-6


def test_clusters_are_left_out_whole(clusters):
    res = fitted(FORMULA)
    boot = res.bootstrap(200, "cluster", groups=clusters, seed=1)
    names = np.unique(clusters)

    def refit(chosen):
        rows = [np.flatnonzero(clusters == names[int(g)]) for g in chosen]
        return fit_rows(np.concatenate(rows)).record.maximum.params

    expected = in_scipy(boot, refit, (np.arange(45),), "bca")
    bse = res.covariance.bse[:, np.newaxis]
    assert np.abs((boot.conf_int(method="bca").to_numpy() - expected) / bse).max() < 1e-6


def test_normal_intervals_and_exponentials():
    res = fitted(FORMULA)
    boot = res.bootstrap(60, seed=1)
    found = boot.conf_int(0.1, "normal")
    half = scipy.stats.norm.isf(0.05) * boot.replicates.std(axis=0, ddof=1)
    params = res.record.maximum.params
    expected = np.column_stack([params - half, params + half])
    assert np.abs(found.to_numpy() / expected - 1).max() < 1e-12
    ratios = boot.conf_int(0.1, exponentiate=True)
    assert np.abs(ratios / np.exp(boot.conf_int(0.1)) - 1).to_numpy().max() < 1e-12


@pytest.mark.parametrize("method", ["percentile", "basic", "bca", "normal"])
def test_a_statistic_has_intervals_too(method):
    """A coefficient as a statistic has that coefficient's interval; a contrast its own."""
    res = fitted(FORMULA)
    boot = res.bootstrap(200, seed=1)

    def contrast(b):
        gap = b.loc["age", "green"] - b.loc["age", "red"]
        return pd.Series({"own": b.loc["age", "green"], "gap": gap})

    found = boot.conf_int(method=method, statistic=contrast)
    assert list(found.index) == ["own", "gap"]
    own = boot.conf_int(method=method).loc[("green", "age")]
    assert np.abs(found.loc["own"] / own - 1).max() < 1e-9
    rebased = res.rebase("red").bootstrap(200, seed=1)
    other = rebased.conf_int(method=method).loc[("green", "age")]
    assert np.abs(found.loc["gap"] - other).max() < 1e-6 * abs(other).max()


def test_the_covariance_is_that_of_the_replicates():
    res = fitted(FORMULA)
    boot = res.bootstrap(50, seed=1)
    values = boot.params
    assert values.shape == (50, 6)
    assert boot.covariance.kind == "bootstrap"
    assert np.abs(boot.cov_params() - values.cov()).to_numpy().max() < 1e-15
    for category, name in values:
        column = values[(category, name)]
        assert abs(boot.bse.loc[name, category] / column.std() - 1) < 1e-12
        gap = column.mean() - res.params.loc[name, category]
        assert abs(boot.bias.loc[name, category] - gap) < 1e-14
    values.iloc[:] = 0.0
    assert boot.params.to_numpy().all()


def test_a_fit_can_be_read_with_the_covariance_of_its_bootstrap():
    res = fitted(FORMULA)
    boot = res.bootstrap(50, seed=1)
    seen = res.with_cov(boot)
    assert seen.cov_type == "bootstrap"
    assert (seen.bse == boot.bse).all(axis=None)
    assert "50 replicates; pairs, 160 rows, seed 1" in seen.summary().as_text()
    rebased = res.rebase("red").bootstrap(50, seed=1)
    assert np.abs(seen.rebase("red").bse / rebased.bse - 1).to_numpy().max() < 1e-6
    for other in (res.rebase("red"), fitted("party ~ age + region")):
        with pytest.raises(BootstrapError, match="another"):
            other.with_cov(boot)
    with pytest.raises(OptionError):
        res.with_cov(boot, groups="region")


@pytest.mark.parametrize("kind", ["pairs", "cluster", "fractional", "score"])
def test_a_seed_says_all(kind, clusters):
    res = fitted(FORMULA)
    groups = clusters if kind == "cluster" else None
    ask = {"times": 30, "kind": kind, "groups": groups}
    one = res.bootstrap(**ask, seed=4, n_jobs=1)
    two = res.bootstrap(**ask, seed=4, n_jobs=3)
    assert (one.replicates == two.replicates).all()
    given = res.bootstrap(**ask, seed=np.random.default_rng(4))
    assert (res.bootstrap(**ask, seed=given.seed).replicates == given.replicates).all()
    other = res.bootstrap(**ask, seed=np.random.default_rng(5))
    assert not (other.replicates == given.replicates).any()
    free = res.bootstrap(**ask)
    assert (res.bootstrap(**ask, seed=free.seed).replicates == free.replicates).all()
    assert not (free.replicates == one.replicates).any()


def test_chunks_are_drawn_one_after_the_other(monkeypatch):
    res = fitted(FORMULA)
    whole = res.bootstrap(20, "fractional", seed=4)
    monkeypatch.setattr(units, "CHUNK_ELEMENTS", 7 * len(survey()))
    pieces = res.bootstrap(20, "fractional", seed=4)
    assert np.abs(pieces.replicates / whole.replicates - 1).max() < 1e-9


def rare():
    """Return a sample whose third category is in four rows of 60."""
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    codes = rng.integers(0, 2, 60)
    codes[np.argsort(np.abs(x[:, 1]))[[0, 20, 40, 58]]] = 2
    return codes, x


def test_resamples_without_a_maximum_are_counted_and_told():
    codes, x = rare()
    res = ml.MNLogit(codes, x).fit()
    with pytest.warns(BootstrapWarning, match=r"of 200 resamples \(.*%\).*a category is absent"):
        boot = res.bootstrap(200, seed=1)
    drawn = draw_pairs(make_units(res.record), np.random.default_rng(1), 200)
    absent = (drawn[:, codes == 2].sum(axis=1) == 0).sum()
    assert absent > 0
    assert boot.failures[draws.ABSENT] == absent
    broken = np.isnan(boot.replicates).any(axis=1)
    assert boot.failed == broken.sum() == sum(boot.failures.values())
    assert np.isfinite(boot.bse).all(axis=None)
    assert np.isfinite(boot.conf_int()).all(axis=None)
    assert f"Failed:     {boot.failed}" in repr(boot)


def test_fractional_weights_never_fail():
    codes, x = rare()
    assert ml.MNLogit(codes, x).fit().bootstrap(500, "fractional", seed=1).failed == 0


def test_no_resample_with_a_maximum_is_an_error():
    codes, x = rare()
    groups = np.where(codes == 2, 1, 0)
    with pytest.raises(BootstrapError, match="fractional"):
        ml.MNLogit(codes, x).fit().bootstrap(3, "cluster", groups=groups, seed=1)


def test_bca_needs_every_cluster_to_be_dispensable():
    codes, x = rare()
    groups = np.where(codes == 2, 0, np.arange(60) % 9 + 1)
    res = ml.MNLogit(codes, x).fit()
    with (
        pytest.warns(BootstrapWarning, match="resamples"),
        pytest.warns(FewClustersWarning, match="10 by 'groups'"),
    ):
        boot = res.bootstrap(120, "cluster", groups=groups, seed=1)
    with pytest.raises(BootstrapError, match="leaves out every cluster"):
        boot.conf_int(method="bca")


def test_what_is_no_sample_raises():
    frame = survey()
    weighted = ml.mnlogit(FORMULA, frame, weights="weight", weight_type="importance").fit()
    with pytest.raises(BootstrapError, match="Importance"):
        weighted.bootstrap(5)
    for kind in ("pairs", "score"):
        with pytest.raises(BiasReductionError, match="bias"):
            ml.mnlogit(FORMULA, frame).fit(bias_reduction="mean").bootstrap(5, kind)
    x = np.arange(20.0)
    with pytest.warns(ml.exceptions.SeparationWarning):
        separated = ml.MNLogit((x > 9).astype(int), np.column_stack([np.ones(20), x])).fit()
    with pytest.raises(BootstrapError, match="separated"):
        separated.bootstrap(5)
    with pytest.warns(ml.exceptions.NotConvergedWarning):
        stopped = ml.mnlogit(FORMULA, frame).fit(maxiter=1, start_params=np.full(6, 0.1))
    with pytest.raises(BootstrapError, match="maxiter"):
        stopped.bootstrap(5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "wild"}, "pairs, cluster, fractional, score"),
        ({"times": 1}, "times"),
        ({"times": 2.5}, "times"),
        ({"times": True}, "times"),
        ({"kind": "cluster"}, "groups"),
        ({"groups": "region"}, "kind='cluster'"),
        ({"kind": "score", "strata": "region"}, "strata"),
        ({"weights": "webb"}, "kind='score'"),
        ({"kind": "score", "weights": "normal"}, "rademacher, webb, mammen"),
        ({"seed": -1}, "seed"),
        ({"seed": "now"}, "seed"),
        ({"seed": True}, "seed"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"disp": 2}, "disp"),
    ],
)
def test_options_are_judged(options, said):
    with pytest.raises(OptionError, match=said):
        fitted(FORMULA).bootstrap(**{"times": 5, **options})
    with pytest.raises(TypeError, match="reps"):
        fitted(FORMULA).bootstrap(reps=5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "bc"}, "percentile, basic, bca, normal"),
        ({"alpha": 2}, "alpha"),
        ({"statistic": "age"}, "function"),
        ({"statistic": lambda b: b, "exponentiate": True}, "inside"),
    ],
)
def test_options_of_intervals_are_judged(options, said):
    with pytest.raises(OptionError, match=said):
        fitted(FORMULA).bootstrap(60, seed=1).conf_int(**options)


def test_intervals_without_a_meaning_are_refused():
    res = fitted(FORMULA)
    with pytest.raises(OptionError, match="'score'"):
        res.bootstrap(60, "score", seed=1).conf_int(method="bca")
    boot = res.bootstrap(30, seed=1)
    with pytest.warns(BootstrapWarning, match="30 replicates are too few"):
        boot.conf_int()
    with pytest.raises(BootstrapError, match="not finite in 30"):
        boot.conf_int(0.2, statistic=lambda b: np.nan)
    with pytest.warns(BootstrapWarning, match="NaN"):
        assert boot.conf_int(0.2, "bca", statistic=lambda b: 1.0).isna().all(axis=None)


def test_corrected_levels_that_replicates_do_not_reach_are_told():
    """Whether the end of an interval lies beyond the last replicate but one, whatever alpha is."""
    boot = fitted(FORMULA).bootstrap(100, seed=1)
    ordered = np.sort(boot.replicates, axis=0)
    outcomes = set()
    for alpha in np.linspace(0.02, 0.12, 11):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = boot.conf_int(alpha, "bca")
        beyond = (found["lower"] < ordered[1]) | (found["upper"] > ordered[-2])
        assert bool(told) == beyond.any()
        assert all("100 replicates are too few" in str(one.message) for one in told)
        outcomes.add((bool(told), alpha * 100 >= 2))
    assert outcomes == {(True, True), (False, True)}


@pytest.mark.parametrize("kind", ["pairs", "fractional", "score"])
def test_coefficients_that_constraints_fix_have_no_interval(kind):
    fixed = ["red: educ = 0.2", "green: age + red: age = 0.03", "green: age - red: age = 0.01"]
    res = ml.mnlogit(FORMULA, survey()).fit(constraints=fixed)
    boot = res.bootstrap(60, kind, seed=1)
    still = [("green", "age"), ("red", "age"), ("red", "educ")]
    for method in ("percentile", "basic", "normal", *(["bca"] if kind == "pairs" else [])):
        for exponentiate in (False, True):
            found = boot.conf_int(0.3, method, exponentiate=exponentiate)
            assert found.loc[still].isna().all(axis=None)
            assert np.isfinite(found.drop(still)).all(axis=None)
    assert repr(boot).count("(fixed)") == 6
    assert "0.02" in repr(boot)


def test_units_are_judged():
    res = fitted(FORMULA)
    with pytest.raises(BootstrapError, match="one cluster"):
        res.bootstrap(5, "cluster", groups=np.ones(len(survey())))
    with pytest.raises(BootstrapError, match="several strata"):
        res.bootstrap(5, "cluster", groups="educ", strata="region")
    alone = np.zeros(len(survey()))
    alone[3] = 1
    with pytest.raises(BootstrapError, match="1 strata have a single unit"):
        res.bootstrap(5, strata=alone)
    with pytest.raises(LabelError, match="groups"):
        res.bootstrap(5, "cluster", groups=np.ones((len(survey()), 2)))


def test_odd_names_omitted_columns_and_offsets_are_carried():
    rng = np.random.default_rng(2)
    x = pd.DataFrame({"a: b": np.ones(200), 3: rng.normal(size=200)})
    x["twice"] = 2 * x[3]
    codes, offset = rng.integers(0, 3, 200), rng.normal(size=(200, 3))
    with pytest.warns(ml.exceptions.CollinearityWarning):
        res = ml.MNLogit(codes, x, base=1, offset=offset).fit()
    boot = res.bootstrap(60, seed=1)
    assert boot.conf_int().index.equals(res.conf_int().index)
    assert boot.bse.index.equals(res.bse.index)
    assert boot.bse.loc["twice"].isna().all()
    assert boot.conf_int().xs("twice", level="name").isna().all(axis=None)
    assert boot.cov_params().index.equals(res.cov_params().index)
    drawn = draw_pairs(make_units(res.record), np.random.default_rng(1), 60)[0].astype(int)
    rows = np.repeat(np.arange(200), drawn)
    alone = ml.MNLogit(codes[rows], x.iloc[rows, :2], base=1, offset=offset[rows]).fit()
    assert standardize(boot.replicates[0], alone) < 1e-7
    assert "(omitted)" in repr(boot)


def test_labels_pair_with_the_rows_that_are_left():
    frame = survey().copy()
    frame.loc[[5, 40], "age"] = np.nan
    res = ml.mnlogit(FORMULA, frame, missing="drop").fit()
    with pytest.warns(FewClustersWarning, match="3 by 'region'"):
        boot = res.bootstrap(60, "cluster", groups="region", seed=1)
    left = ml.mnlogit(FORMULA, frame.dropna().reset_index(drop=True)).fit()
    with pytest.warns(FewClustersWarning, match="3 by 'region'"):
        other = left.bootstrap(60, "cluster", groups="region", seed=1)
    assert np.abs(boot.replicates - other.replicates).max() < 1e-8
    assert boot.drawn == "3 clusters of region"


def test_probabilities_are_drawn_by_row(rng):
    x = np.column_stack([np.ones(80), rng.normal(size=80)])
    shares = rng.dirichlet(np.ones(3), size=80)
    res = ml.MNLogit(shares, x).fit()
    boot = res.bootstrap(60, seed=1)
    assert np.isfinite(boot.conf_int(0.4, method="bca")).all(axis=None)
    drawn = draw_pairs(make_units(res.record), np.random.default_rng(1), 60)[0].astype(int)
    rows = np.repeat(np.arange(80), drawn)
    assert standardize(boot.replicates[0], ml.MNLogit(shares[rows], x[rows]).fit()) < 1e-7


def test_an_interrupt_ends_it(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(draws, "refit", stop)
    with pytest.raises(KeyboardInterrupt):
        fitted(FORMULA).bootstrap(5, disp=True)


def test_a_bar_is_shown_when_asked_for(capsys):
    fitted(FORMULA).bootstrap(5, seed=1)
    assert capsys.readouterr().err == ""
    fitted(FORMULA).bootstrap(5, seed=1, disp=True)
    assert "Replicates:" in capsys.readouterr().err


def test_a_summary_names_kind_replicates_failures_and_seed():
    boot = fitted(FORMULA).bootstrap(60, "score", weights="webb", seed=12)
    text = repr(boot)
    for said in ("score (webb)", "160 rows", "60", "Seed:       12", "percentile, 0.95", "std err"):
        assert said in text
    again = pickle.loads(pickle.dumps(boot))
    assert repr(again) == text
