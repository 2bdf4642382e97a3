"""Discriminant analysis and the logit: two estimators of one posterior, each best at its own."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)

import mlelogit as ml
from mlelogit.equivalence import (
    GaussianClasses,
    compare_estimators,
    fit_gaussian_classes,
    one_hot,
    softmax,
)
from mlelogit.exceptions import (
    BaseCategoryError,
    CollinearityWarning,
    ColumnTypeError,
    CovarianceError,
    DuplicateColumnError,
    EmptyDataError,
    InfiniteValueError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    OneCategoryError,
    OptionError,
    RankDeficiencyError,
    ScaleError,
    SeparationWarning,
    WeightTypeError,
)
from tests.independent import climb
from tests.reference_cases import FOLDER

SHAPES = [(False, False), (False, True), (True, False), (True, True)]
every_shape = pytest.mark.parametrize(("own", "unbiased"), SHAPES)
TRUE = GaussianClasses(
    [0.5, 0.3, 0.2],
    [[0.0, 1.0], [1.0, 0.5], [-0.5, 2.0]],
    [[1.0, 0.4], [0.4, 2.0]],
    ["ape", "bee", "cat"],
)


def draw(classes, n, rng):
    """Return n rows and codes of Gaussian classes with a common covariance."""
    codes = rng.choice(len(classes.priors), size=n, p=classes.priors)
    noise = rng.multivariate_normal(np.zeros(len(classes.names)), classes.covariance, size=n)
    return classes.means[codes] + noise, codes


def draw_labelled(n, rng):
    x, codes = draw(TRUE, n, rng)
    frame = pd.DataFrame(x, columns=["height", "weight"])
    return frame, pd.Series(np.array(TRUE.categories)[codes], name="animal")


def kind(own):
    return "own" if own else "common"


@pytest.mark.parametrize("case", ["iris", "penguins"])
@every_shape
def test_posterior_is_that_of_mass(case, own, unbiased):
    data = pd.read_csv(FOLDER / "data" / f"{case}.csv")
    names, outcome = {
        "iris": (["Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width"], "Species"),
        "penguins": (["bill_length_mm", "bill_depth_mm", "flipper_length_mm"], "species"),
    }[case]
    data = data.dropna(subset=names)
    truth = json.loads((FOLDER / "gaussian.json").read_text())
    truth = truth[f"{case}_{'qda' if own else 'lda'}_{'moment' if unbiased else 'mle'}"]
    fit = fit_gaussian_classes(data[names], data[outcome], covariance=kind(own), unbiased=unbiased)
    posterior = fit.posterior(data[names].iloc[::7])
    assert posterior.columns.tolist() == truth["categories"]
    assert np.abs(posterior.to_numpy() - truth["posterior"]).max() < 1e-12


@every_shape
def test_posterior_is_that_of_scikit_learn(rng, own, unbiased):
    """Its solver lsqr divides by n; svd and the quadratic one by what its version does."""
    x, codes = draw(TRUE, 200, rng)
    fit = fit_gaussian_classes(x, codes, covariance=kind(own), unbiased=unbiased)
    if not own and not unbiased:
        peers = [LinearDiscriminantAnalysis(solver=solver) for solver in ("lsqr", "eigen")]
    else:
        peers = [QuadraticDiscriminantAnalysis() if own else LinearDiscriminantAnalysis()]
    other = fit_gaussian_classes(x, codes, covariance=kind(own), unbiased=not unbiased)
    for peer in peers:
        found = peer.fit(x, codes).predict_proba(x)
        gaps = [np.abs(one.posterior(x) - found).max().max() for one in (fit, other)]
        assert gaps[0] < 1e-12 if len(peers) == 2 else min(gaps) < 1e-12
        assert max(gaps) > 1e-5


@every_shape
def test_estimates_are_shares_means_and_squares(rng, own, unbiased):
    frame, y = draw_labelled(80, rng)
    fit = fit_gaussian_classes(frame, y, covariance=kind(own), unbiased=unbiased)
    assert fit.categories == ("ape", "bee", "cat")
    assert fit.names == ("height", "weight")
    groups = [frame[y == label] for label in fit.categories]
    squares = [group.cov(ddof=0).to_numpy() * len(group) for group in groups]
    assert np.abs(fit.priors - [len(group) / 80 for group in groups]).max() < 1e-15
    assert np.abs(fit.means - [group.mean() for group in groups]).max() < 1e-14
    if own:
        truth = [s / (len(g) - unbiased) for s, g in zip(squares, groups, strict=True)]
    else:
        truth = sum(squares) / (80 - 3 * unbiased)
    assert np.abs(fit.covariance - truth).max() < 1e-13
    assert fit.nobs == 80


@pytest.mark.parametrize("own", [False, True])
def test_no_other_gaussian_classes_have_a_higher_joint_likelihood(rng, own):
    x, codes = draw(TRUE, 120, rng)
    fit, d = fit_gaussian_classes(x, codes, covariance=kind(own)), one_hot(codes)
    assert abs((d * fit.log_joint(x)).sum().sum() - fit.loglike) < 1e-11
    marginal = np.log(np.exp(fit.log_joint(x)).sum(axis=1)).sum()
    assert abs(fit.marginal_loglike - marginal) < 1e-10
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            priors = fit.priors * np.exp(size * rng.normal(size=3))
            means = fit.means + size * rng.normal(size=(3, 2))
            root = np.linalg.cholesky(fit.covariance)
            root = root * (1 + size * rng.normal(size=root.shape))
            other = GaussianClasses(priors / priors.sum(), means, root @ np.swapaxes(root, -1, -2))
            assert (d * other.log_joint(x)).sum().sum() < fit.loglike
    biased = fit_gaussian_classes(x, codes, covariance=kind(own), unbiased=True)
    assert biased.loglike < fit.loglike


@pytest.mark.parametrize("own", [False, True])
def test_the_logit_has_the_higher_conditional_likelihood(rng, own):
    x, codes = draw(TRUE, 150, rng)
    for seed in range(5):
        moved = x + 0.5 * np.random.default_rng(seed).exponential(size=x.shape) ** 2
        both = compare_estimators(moved, codes, covariance=kind(own))
        assert both.gain > 0
        columns = both.classes.logit_columns(moved).to_numpy()
        truth = climb(one_hot(codes), columns)
        logit = both.loglikes.loc["multinomial logit"]
        assert abs(logit["conditional"] - truth.loglike) < 1e-9
        assert np.isnan(logit["joint"])
        own_params = np.insert(both.classes.logit_params().to_numpy(), 0, 0.0, axis=1)
        y = softmax(columns @ own_params)
        gaussian = both.loglikes.loc["Gaussian classes"]
        assert abs(gaussian["conditional"] - np.log(y[one_hot(codes) == 1]).sum()) < 1e-9
        assert abs(gaussian["joint"] - gaussian["conditional"] - gaussian["marginal"]) < 1e-9


@pytest.mark.parametrize("base", [None, "ape", "bee", "cat"])
def test_columns_of_the_comparison_are_the_two_estimators(rng, base):
    frame, y = draw_labelled(200, rng)
    both = compare_estimators(frame, y, base=base)
    res = ml.MNLogit(y, frame.assign(const=1.0)[["const", "height", "weight"]], base=base).fit()
    fit = fit_gaussian_classes(frame, y)
    assert both.base == res.base
    table = both.params
    assert table.index.equals(res.cov_params().index)
    for column, truth in {
        "joint": fit.logit_params(base),
        "joint_se": fit.logit_bse(base),
        "conditional": res.params,
        "conditional_se": res.bse,
    }.items():
        assert truth.index.equals(res.params.index)
        assert truth.columns.equals(res.params.columns)
        assert np.abs(table[column] - truth.to_numpy().T.ravel()).max() < 1e-9
    assert (table["difference"] == table["joint"] - table["conditional"]).all()
    share = (table["difference"].abs() / table["conditional_se"]).max()
    assert both.largest_difference == share


def test_the_comparison_does_not_depend_on_the_base(rng):
    frame, y = draw_labelled(150, rng)
    one, two = (compare_estimators(frame, y, base=base) for base in ("ape", "cat"))
    assert abs(one.gain - two.gain) < 1e-9
    for column in ("joint", "joint_se", "conditional", "conditional_se"):
        sign = 1 if column.endswith("se") else -1
        left, right = one.params.loc["cat", column], two.params.loc["ape", column]
        assert np.abs(left - sign * right).max() < 1e-8


def fold(theta):
    """Turn log shares, means and a vech into classes, K = 2."""
    shares = np.exp(np.append(0, theta[:2]))
    square = np.array([[theta[8], theta[9]], [theta[9], theta[10]]])
    return shares / shares.sum(), theta[2:8].reshape(3, 2), square


def differentiate(function, at, step):
    """Return the Jacobian by central differences of the fourth order."""
    columns = []
    for i in range(len(at)):
        move = np.zeros(len(at))
        move[i] = step
        near = function(at + move) - function(at - move)
        far = function(at + 2 * move) - function(at - 2 * move)
        columns.append((8 * near - far) / (12 * step))
    return np.array(columns).T


def test_standard_errors_are_those_of_the_joint_information(rng):
    """The delta method by numbers: the inverse of minus the Hessian between two Jacobians."""
    x, codes = draw(TRUE, 60, rng)
    x = x + np.array([3.0, -2.0])
    fit, d = fit_gaussian_classes(x, codes), one_hot(codes)
    top, square = np.log(fit.priors / fit.priors[0])[1:], fit.covariance
    theta = np.concatenate([top, fit.means.ravel(), square[np.triu_indices(2)]])

    def loglike(point):
        return (d * GaussianClasses(*fold(point)).log_joint(x).to_numpy()).sum()

    def score(point):
        return differentiate(lambda at: np.array([loglike(at)]), point, 2e-3)[0]

    assert np.abs(score(theta)).max() < 1e-6
    covariance = np.linalg.inv(-differentiate(score, theta, 2e-3))
    for base in (0, 2):

        def map_logit(point, base=base):
            return GaussianClasses(*fold(point)).logit_params(base).to_numpy().T.ravel()

        jacobian = differentiate(map_logit, theta, 1e-3)
        variances = np.diag(jacobian @ covariance @ jacobian.T)
        ours = fit.logit_bse(base).to_numpy().T.ravel()
        assert np.abs(ours / np.sqrt(variances) - 1).max() < 1e-6


def test_both_estimators_find_the_map_of_the_true_classes():
    x, codes = draw(TRUE, 100_000, np.random.default_rng(7))
    both = compare_estimators(x, codes)
    truth = TRUE.logit_params().to_numpy().T.ravel()
    for name in ("joint", "conditional"):
        z = (both.params[name] - truth) / both.params[f"{name}_se"]
        assert np.abs(z).max() < 3.5
        assert 0.1 < (z**2).mean() < 3
        assert both.params[f"{name}_se"].max() < 0.03
    assert (both.params["joint_se"] < both.params["conditional_se"]).all()


def test_only_the_logit_finds_the_truth_where_classes_are_not_gaussian():
    """Log-odds are linear, and x is far from a mixture of normals."""
    rng = np.random.default_rng(11)
    x = rng.exponential(size=(40_000, 1)) ** 1.5
    truth = np.array([-1.0, 1.2])
    p = 1 / (1 + np.exp(-truth[0] - truth[1] * x[:, 0]))
    both = compare_estimators(x, (rng.uniform(size=len(x)) < p).astype(int))
    z = (both.params["conditional"] - truth) / both.params["conditional_se"]
    assert np.abs(z).max() < 3
    assert np.abs(both.params["joint"] - truth).max() > 10 * both.params["joint_se"].max()
    assert both.gain > 100


# Efron (1975), JASA 70, 892-898: the efficiency of the logit, two classes of equal priors.
EFRON = {0.5: 1.0, 1: 0.995, 1.5: 0.968, 2: 0.899, 2.5: 0.786, 3: 0.641, 3.5: 0.486, 4: 0.343}


def find_efficiency(distance):
    """Return Efron's efficiency ``(1 + Δ²/4) e^{-Δ²/8} ∫ φ(x) / cosh(Δ x / 2) dx``."""

    def weigh(x):
        return np.exp(-(x**2) / 2) / np.cosh(distance * x / 2) / np.sqrt(2 * np.pi)

    area, error = quad(weigh, -12, 12, epsabs=1e-13, epsrel=1e-12)
    assert error < 1e-10
    return (1 + distance**2 / 4) * np.exp(-(distance**2) / 8) * area


def test_efficiencies_are_the_published_ones():
    for distance, published in EFRON.items():
        assert abs(find_efficiency(distance) - published) < 5.1e-4
    assert all(find_efficiency(a) > find_efficiency(b) for a, b in pairwise(EFRON))


def make_pair(distance):
    """Return two classes at that distance along the first of two columns, equal priors."""
    return GaussianClasses([0.5, 0.5], [[-distance / 2, 0.0], [distance / 2, 0.0]], np.eye(2))


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.0, 4.0])
def test_standard_errors_have_efrons_efficiency(distance):
    """It is that of the constant and of the slope across; along there is more to lose."""
    x, codes = draw(make_pair(distance), 100_000, np.random.default_rng(3))
    table = compare_estimators(x, codes).params.loc[1]
    ratio = (table["joint_se"] / table["conditional_se"]) ** 2
    efficiency = find_efficiency(distance)
    for name in ("const", "x2"):
        assert abs(ratio[name] - efficiency) < 0.03 * efficiency
    assert ratio["x1"] < ratio["x2"]


def test_estimates_of_many_samples_have_efrons_efficiency():
    """Variances over 150 samples, and standard errors that are the spread of the estimates."""
    rng, distance = np.random.default_rng(5), 2.5
    found = []
    for _ in range(150):
        x, codes = draw(make_pair(distance), 400, rng)
        found.append(compare_estimators(x, codes).params.loc[1])
    tables = pd.concat(found, keys=range(150))
    spread = tables[["joint", "conditional"]].groupby(level=1).var()
    ratio = spread["joint"] / spread["conditional"]
    # Logarithms of ratios of variances, of 150 pairs correlated by the root of the efficiency, have
    # standard deviation 2 sqrt((1 - 0.786) / 150) = 0.08; the mean of two independent ones 0.05.
    assert abs(np.log(ratio[["const", "x2"]] / find_efficiency(distance)).mean()) < 0.16
    for name in ("joint", "conditional"):
        errors = (tables[f"{name}_se"] ** 2).groupby(level=1).mean()
        # A variance of 150 has standard deviation sqrt(2 / 150) = 0.12.
        assert np.abs(spread[name] / errors - 1).max() < 0.4
    truth = make_pair(distance).logit_params()[1]
    bias = tables["joint"].groupby(level=1).mean() - truth
    assert np.abs(bias / np.sqrt(spread["joint"] / 150)).max() < 4


def read_outputs(given, weights=None, weight_type=None, covariance="common"):
    x, y = given
    options = {"weights": weights, "weight_type": weight_type, "covariance": covariance}
    fit = fit_gaussian_classes(x, y, **options)
    both = compare_estimators(x, y, **options)
    values = [fit.priors, fit.means, fit.covariance, fit.totals, both.params, both.loglikes]
    numbers = [fit.loglike, fit.conditional_loglike, fit.nobs, both.nobs, both.gain]
    return np.concatenate([np.ravel(np.nan_to_num(value)) for value in [*values, numbers]])


@pytest.mark.parametrize("covariance", ["common", "own"])
def test_frequencies_and_counts_are_expanded_rows(rng, covariance):
    x, codes = draw(TRUE, 60, rng)
    people = rng.integers(0, 4, size=60)
    expanded = read_outputs(
        (x.repeat(people, axis=0), codes.repeat(people)), None, None, covariance
    )
    weighted = read_outputs((x, codes), people, "frequency", covariance)
    counted = read_outputs((x, one_hot(codes) * people[:, None]), None, None, covariance)
    assert np.abs(weighted - expanded).max() < 1e-7
    assert np.abs(counted - expanded).max() < 1e-7
    unbiased = fit_gaussian_classes(
        x, codes, weights=people, weight_type="frequency", unbiased=True, covariance=covariance
    )
    truth = fit_gaussian_classes(
        x.repeat(people, axis=0), codes.repeat(people), unbiased=True, covariance=covariance
    )
    assert np.abs(unbiased.covariance - truth.covariance).max() < 1e-13


def test_counts_of_several_categories_in_a_row(rng):
    x, d = rng.normal(size=(30, 2)), rng.integers(0, 4, size=(30, 3))
    codes = np.concatenate([np.repeat(np.arange(3), row) for row in d])
    one = read_outputs((x, d))
    assert np.abs(one - read_outputs((x.repeat(d.sum(axis=1), axis=0), codes))).max() < 1e-7


def test_order_of_rows_and_units_do_not_matter(rng):
    x, codes = draw(TRUE, 90, rng)
    order = rng.permutation(90)
    assert np.abs(read_outputs((x, codes)) - read_outputs((x[order], codes[order]))).max() < 1e-8
    units = np.array([1e-6, 1e5])
    one, two = compare_estimators(x, codes), compare_estimators(x * units, codes)
    scale = np.tile([1, *units], 2)[:, None]
    relative = two.params * scale / one.params - 1
    assert np.abs(relative.drop(columns="difference")).max().max() < 1e-8


def test_far_from_the_origin_nothing_is_lost(rng):
    x, codes = draw(TRUE, 90, rng)
    far = np.round(x * 2**20) / 2**20
    one, two = (fit_gaussian_classes(rows, codes) for rows in (far, far + 2.0**24))
    assert np.abs(one.posterior(far) - two.posterior(far + 2.0**24)).max().max() < 1e-9
    assert np.abs(one.covariance - two.covariance).max() < 1e-9
    slopes = one.logit_params().iloc[1:] - two.logit_params().iloc[1:]
    assert np.abs(slopes).max().max() < 1e-8


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("share", [1e-4, 1e-7, 1e-9])
def test_nearly_collinear_columns_keep_their_digits(rng, share, own):
    """And are what the logit accepts too; the digits left are those of the differences."""
    x, codes = draw(TRUE, 200, rng)
    near = np.column_stack([x[:, 0], x[:, 0] + share * x[:, 1]])
    fit = fit_gaussian_classes(near, codes, covariance=kind(own))
    turned = np.column_stack([x[:, 0], (near[:, 1] - near[:, 0]) / share])
    truth = fit_gaussian_classes(turned, codes, covariance=kind(own))
    assert np.abs(fit.posterior(near) - truth.posterior(turned)).max().max() < 1e-14 / share
    assert abs(fit.loglike - truth.loglike + 200 * np.log(share)) < 1e-10 / share**0.5
    for again in (copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        assert again.posterior(near).equals(fit.posterior(near))
    if not own:
        assert np.isfinite(ml.MNLogit(codes, np.column_stack([np.ones(200), near])).fit().llf)
        assert compare_estimators(near, codes).gain > 0


@pytest.mark.parametrize("covariance", ["common", "own"])
def test_combinations_are_what_the_logit_takes_for_them(rng, covariance):
    x, codes = draw(TRUE, 200, rng)
    x = np.column_stack([x, x @ [1.0, 2.0] + 5 + 1e-13 * rng.normal(size=200)])
    with pytest.raises(RankDeficiencyError, match=r"but for a constant: x3 = x1 \+ 2 x2"):
        fit_gaussian_classes(x, codes, covariance=covariance)
    with pytest.warns(CollinearityWarning, match="x3 = "):
        ml.MNLogit(codes, np.column_stack([np.ones(200), x])).fit()


def test_factors_are_those_of_the_covariance_and_cannot_be_written_to(rng):
    x, codes = draw(TRUE, 100, rng)
    for own in (False, True):
        fit = fit_gaussian_classes(x, codes, covariance=kind(own))
        assert np.abs(fit.roots - np.linalg.cholesky(fit.covariance)).max() < 1e-13
        for held in (fit.totals, fit.roots, fit.covariance):
            with pytest.raises(ValueError, match="read-only"):
                held[0] = 1


def test_a_column_of_two_values_has_no_square(rng):
    frame, y = draw_labelled(200, rng)
    frame["b"] = rng.integers(0, 2, 200)
    assert compare_estimators(frame, y).gain > 0
    assert fit_gaussian_classes(frame, y, covariance="own").categories == TRUE.categories
    with pytest.raises(RankDeficiencyError, match="Column 'b' takes two values, so its square"):
        compare_estimators(frame, y, covariance="own")


def test_weights_that_are_no_counts_have_no_standard_errors(rng):
    x, codes = draw(TRUE, 100, rng)
    weights = rng.uniform(0.5, 2, size=100)
    for name in ("sampling", "importance"):
        both = compare_estimators(x, codes, weights=weights, weight_type=name)
        assert both.params["joint_se"].isna().all()
        assert both.params["conditional_se"].notna().all()
        assert f"weight_type='{name}'" in str(both)
        with pytest.raises(CovarianceError, match=f"weight_type='{name}'"):
            both.classes.logit_bse()
    mean = (weights[:, None] * one_hot(codes)).T @ x
    truth = mean / (weights @ one_hot(codes))[:, None]
    assert np.abs(both.classes.means - truth).max() < 1e-14


def test_own_covariances_have_no_standard_errors_and_say_so(rng):
    x, codes = draw(TRUE, 100, rng)
    both = compare_estimators(x, codes, covariance="own")
    assert both.params.loc[1].index.tolist() == ["const", "x1", "x2", "x1^2", "x1:x2", "x2^2"]
    assert both.params["joint_se"].isna().all()
    assert "derived for a common covariance" in str(both)
    with pytest.raises(CovarianceError, match="derived for a common"):
        both.classes.logit_bse()


def test_separated_data_are_said_to_be():
    x = np.array([[0.0], [1.0], [2.0], [5.0], [6.0], [7.0]])
    with pytest.warns(SeparationWarning):
        both = compare_estimators(x, list("aaabbb"))
    assert both.separated
    assert "The data are separated" in str(both)
    assert np.isinf(both.params["conditional"]).any()
    assert np.isnan(both.largest_difference)
    assert both.gain > 0
    assert np.isfinite(both.params["joint"]).all()


def test_labels_keep_their_order_and_index(rng):
    frame, y = draw_labelled(120, rng)
    order = ["cat", "ape", "bee"]
    fit = fit_gaussian_classes(frame, pd.Categorical(y, categories=order))
    assert list(fit.categories) == order
    assert fit.posterior(frame).columns.tolist() == order
    assert fit_gaussian_classes(frame, y == "ape").categories == (False, True)
    gaps = frame.mask(pd.DataFrame(rng.uniform(size=frame.shape) < 0.1, columns=frame.columns))
    whole = gaps.notna().all(axis=1)
    one = fit_gaussian_classes(gaps, y, missing="drop")
    assert (one.means == fit_gaussian_classes(frame[whole], y[whole]).means).all()


def test_what_is_given_is_not_changed(rng):
    frame, y = draw_labelled(60, rng)
    before = frame.copy(), y.copy()
    compare_estimators(frame, y)
    assert frame.equals(before[0])
    assert y.equals(before[1])


def test_tables_print_and_show_in_a_notebook(rng):
    frame, y = draw_labelled(100, rng)
    both = compare_estimators(frame.rename(columns={"height": "<h>"}), y, base="bee")
    said = str(both)
    assert "Base category: bee. Observations: 100." in said
    assert f"higher by {both.gain:.6g}" in said
    for value in both.loglikes.to_numpy().ravel():
        assert np.isnan(value) or f"{value:.4f}" in said
    assert "nan" not in said.lower()
    assert "standard errors of the logit" in said
    assert repr(both) == said
    assert "&lt;h&gt;" in both._repr_html_()
    fit = str(both.classes)
    assert f"Joint log-likelihood {both.classes.loglike:.6f}" in fit
    assert "squares divided by n\n" in fit
    assert both.classes._repr_html_().count("<table") == 1


X = np.random.default_rng(1).normal(size=(12, 2))
Y = np.array(list("abcabcabcabc"))
FRAME = pd.DataFrame(X, columns=["u", "v"])


@pytest.mark.parametrize(
    ("x", "y", "options", "error", "said"),
    [
        (X[:4], list("aabc"), {}, RankDeficiencyError, "4 rows in 3 categories are too few"),
        (X, Y, {"covariance": "both"}, OptionError, "common, own"),
        (X, Y, {"weights": np.ones(12)}, WeightTypeError, "weight_type"),
        (X, Y, {"missing": "ignore"}, OptionError, "missing"),
        (X, Y[:11], {}, LengthMismatchError, "11"),
        (X, ["a"] * 12, {}, OneCategoryError, "single value"),
        (np.where(X[3, 1] == X, np.nan, X), Y, {}, MissingDataError, "x2"),
        (np.where(X[3, 1] == X, np.inf, X), Y, {}, InfiniteValueError, "x2"),
        (X, [None, *Y[1:]], {}, MissingDataError, "y"),
        (X[:0], Y[:0], {}, EmptyDataError, "no rows"),
        (FRAME.astype(str) + "a", Y, {}, ColumnTypeError, "u"),
        (FRAME, pd.Series(Y, index=range(1, 13)), {}, MisalignedIndexError, "index"),
        (FRAME.assign(const=1.0), Y, {}, RankDeficiencyError, "'const' of X is constant"),
        (FRAME * [1, 1e160], Y, {}, ScaleError, "'v' has .* outside 1e-100 to 1e"),
        (FRAME * [1e-170, 1], Y, {}, ScaleError, "'u' has .* use other units"),
        (
            FRAME.assign(w=FRAME.u - 2 * FRAME.v),
            Y,
            {},
            RankDeficiencyError,
            "within every category, .* w = u - 2 v",
        ),
        (FRAME.assign(w=(Y == "a") * 3.7), Y, {}, RankDeficiencyError, "within every category"),
        (FRAME.rename(columns={"u": "const"}), Y, {}, DuplicateColumnError, "terms"),
        (
            X,
            [*"aaaaabbbbb", "b", "c"],
            {"covariance": "own"},
            RankDeficiencyError,
            "Category 'c' has 1 rows, and its own covariance of 2 columns needs 3",
        ),
        (
            FRAME.assign(u=np.where(Y == "b", 0.1, FRAME.u)),
            Y,
            {"covariance": "own"},
            RankDeficiencyError,
            "'u' is constant within category 'b'",
        ),
    ],
)
def test_bad_input_is_named(x, y, options, error, said):
    for function in (fit_gaussian_classes, compare_estimators):
        with pytest.raises(error, match=said):
            function(x, y, **options)


@pytest.mark.parametrize("covariance", ["common", "own"])
def test_weights_that_are_too_small_for_an_unbiased_divisor_are_named(covariance):
    given = {"weights": np.full(12, 0.01), "weight_type": "importance", "covariance": covariance}
    assert fit_gaussian_classes(X, Y, **given).nobs > 0
    with pytest.raises(RankDeficiencyError, match="total weight less one per category"):
        fit_gaussian_classes(X, Y, unbiased=True, **given)


def test_bad_options_are_named():
    with pytest.raises(OptionError, match="unbiased must be True or False"):
        fit_gaussian_classes(X, Y, unbiased="yes")
    with pytest.raises(OptionError, match="sampling weights are none"):
        fit_gaussian_classes(X, Y, weights=np.ones(12), weight_type="sampling", unbiased=True)
    with pytest.raises(BaseCategoryError, match="base='z'"):
        compare_estimators(X, Y, base="z")
    with pytest.raises(TypeError):
        fit_gaussian_classes(X, Y, solver="svd")
