"""Penalized paths against glmnet, their optimality conditions and other theorems."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax

import mlelogit as ml
from mlelogit.exceptions import (
    CollinearityWarning,
    NotConvergedWarning,
    OptionError,
)
from mlelogit.fitting.penalized import descent
from tests.reference_cases import FOLDER

KINDS = [(1.0, False), (0.4, False), (1.0, True), (0.4, True), (0.0, False)]
every_kind = pytest.mark.parametrize(("l1_ratio", "grouped"), KINDS)


def load(name):
    truth = json.loads((FOLDER / "truth" / f"{name}.json").read_text(encoding="utf-8"))
    return truth, pd.read_csv(FOLDER / truth["data"])


def list_fits(name):
    truth, _ = load(name)
    return [(name, place) for place in range(len(truth["fits"]))]


def make_columns(truth, data):
    columns = pd.DataFrame({"(Intercept)": np.ones(len(data))})
    for name in truth["x_columns"]:
        if name in data:
            columns[name] = data[name]
        else:
            columns[name] = (data["ses"] == name.removeprefix("ses")).astype(float)
    return columns


@pytest.mark.parametrize(("name", "place"), list_fits("glmnet_hsbdemo") + list_fits("glmnet_iris"))
def test_single_fits_agree_with_glmnet(name, place):
    truth, data = load(name)
    fit, names = truth["fits"][place], truth["x_columns"]
    model = ml.MNLogit(data[truth["outcome"]], make_columns(truth, data))
    path = model.fit_path(
        fit["alpha"],
        penalties=fit["lambda"],
        standardize=fit["standardize"],
        grouped=fit["type"] == "grouped",
    )
    expected = pd.DataFrame(
        {
            category: [fit["intercept"][category], *(fit["coef"][category][x] for x in names)]
            for category in truth["categories"]
        },
        index=["(Intercept)", *names],
    )
    found = path.coefficients()[truth["categories"]]
    size = np.maximum(1, np.abs(expected).to_numpy())
    assert (np.abs(found - expected).to_numpy() / size).max() < 1e-6
    line = path.table.iloc[0]
    assert abs(line["loglike"] / fit["loglik"] - 1) < 1e-6
    assert abs(line["deviance_ratio"] - fit["dev_ratio"]) < 1e-6
    assert line["nonzero"] == fit["n_nonzero"]
    assert line["kkt"] < 1e-12
    first = path.predict()[truth["categories"]].to_numpy()[:3]
    assert np.abs(first - np.array(fit["fitted_first3"])).max() < 1e-6


def make_regions(fit, base="south", **options):
    _, data = load("glmnet_regions")
    data = data.iloc[: fit["rows"]]
    columns = data[["x1", "x2", "x3", "x4", "x5"]].astype(float)
    if fit["intercept"]:
        columns.insert(0, "const", 1.0)
    if fit["weights"]:
        options |= {"weights": data["w"], "weight_type": "frequency"}
    if fit["offset"]:
        options["offset"] = np.column_stack([0 * data["o"], data["o"], 0 * data["o"], -data["o"]])
    return ml.MNLogit(data["y"], columns, base=base, **options)


@pytest.mark.parametrize(("name", "place"), list_fits("glmnet_regions"))
def test_paths_of_four_categories_agree_with_glmnet(name, place):
    fit = load(name)[0]["fits"][place]
    model = make_regions(fit)
    options = {"standardize": fit["standardize"], "grouped": fit["grouped"]}
    path = model.fit_path(fit["alpha"], penalties=fit["lambda"], **options)
    for level, expected in zip(fit["lambda"], np.array(fit["coef"]), strict=True):
        table = expected.T if fit["intercept"] else expected.T[1:]
        found = path.coefficients(level).to_numpy()
        # An intercept makes up for means: of x2 that is 1000, 20 standard deviations.
        assert (np.abs(found - table) / np.maximum(1, np.abs(table))).max() < 1e-6
        assert np.array_equal(found[1:] == 0, table[1:] == 0) or fit["name"] == "no intercept"
    assert np.abs(path.table["deviance_ratio"] - fit["dev_ratio"]).max() < 1e-8
    assert abs(-2 * path.fits.null_loglike / fit["nulldev"] - 1) < 1e-12
    default = model.fit_path(fit["alpha"], **options)
    assert abs(default.penalties[0] / fit["lambda_max"] - 1) < 1e-9
    assert abs(default.penalties[1] / fit["lambda_second"] - 1) < 1e-9
    assert len(default.penalties) == 100
    assert default.converged


def measure_slack(x, d, weights, coefficients, level, l1_ratio, grouped, scale):
    """Return the worst violation of the optimality conditions, in the columns' own units."""
    intercept = "const" in x
    table = x.to_numpy()
    y = np.exp(log_softmax(table @ coefficients.to_numpy(), axis=1))
    shares = weights / (weights * d.sum(axis=1)).sum()
    gradient = table.T @ (shares[:, np.newaxis] * (d.sum(axis=1, keepdims=True) * y - d))
    worst = 0.0
    for g, b, s, name in zip(gradient, coefficients.to_numpy(), scale, x.columns, strict=True):
        if intercept and name == "const":
            worst = max(worst, np.abs(g).max())
            continue
        smooth = g / s + level * (1 - l1_ratio) * b * s
        price = level * l1_ratio
        for part, own in (
            [(smooth, b)] if grouped else [*zip(smooth[:, None], b[:, None], strict=True)]
        ):
            norm = np.linalg.norm(own)
            if norm:
                worst = max(worst, np.abs(part + price * own / norm).max())
            else:
                worst = max(worst, np.linalg.norm(part) - price)
    return worst


@every_kind
@pytest.mark.parametrize("standardize", [True, False])
def test_conditions_hold_along_the_path(l1_ratio, grouped, standardize):
    fit = load("glmnet_regions")[0]["fits"][0] | {"weights": True}
    model = make_regions(fit)
    _, data = load("glmnet_regions")
    x = data[["x1", "x2", "x3", "x4", "x5"]].assign(const=1.0)[
        ["const", "x1", "x2", "x3", "x4", "x5"]
    ]
    d = (data["y"].to_numpy()[:, np.newaxis] == np.array(model.categories)).astype(float)
    mean = np.average(x, axis=0, weights=data["w"])
    deviation = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=data["w"]))
    path = model.fit_path(l1_ratio, grouped=grouped, standardize=standardize)
    scale = deviation if standardize else np.ones(6)
    # In the columns' own units the gradient of x2, near 1000, carries their rounding.
    for level in path.penalties[::9]:
        slack = measure_slack(
            x, d, data["w"].to_numpy(), path.coefficients(level), level, l1_ratio, grouped, scale
        )
        assert slack < 1e-10 * (1 if standardize else 1000)


@every_kind
def test_the_first_penalty_is_the_least_that_leaves_nothing(l1_ratio, grouped):
    fit = load("glmnet_regions")[0]["fits"][0]
    model = make_regions(fit)
    path = model.fit_path(l1_ratio, grouped=grouped)
    if l1_ratio:
        assert path.table["nonzero"].iloc[0] == 0
        just_below = model.fit_path(
            l1_ratio, grouped=grouped, penalties=path.penalties[0] * (1 - 1e-6)
        )
        assert just_below.table["nonzero"].iloc[0] > 0
    far = model.fit_path(l1_ratio, grouped=grouped, penalties=1e9)
    assert abs(far.table["loglike"].iloc[0] / model.fit().llnull - 1) < 1e-8
    assert np.abs(far.coefficients().iloc[1:].to_numpy()).max() < 1e-8


@every_kind
def test_neither_base_nor_units_nor_row_order_matter(l1_ratio, grouped):
    fit = load("glmnet_regions")[0]["fits"][0]
    path = make_regions(fit).fit_path(l1_ratio, grouped=grouped, penalties=[0.05, 0.003])
    other = make_regions(fit, base="east").fit_path(
        l1_ratio, grouped=grouped, penalties=[0.05, 0.003]
    )
    _, data = load("glmnet_regions")
    units = np.array([1.0, 1e6, 1e-3, 2.0, 1.0])
    columns = data[["x1", "x2", "x3", "x4", "x5"]] * units + np.array([0, 0, 3, 0, 0])
    columns.insert(2, "const", 7.0)
    turned = columns.iloc[::-1]
    scaled = ml.MNLogit(data["y"].iloc[::-1], turned).fit_path(
        l1_ratio, grouped=grouped, penalties=[0.05, 0.003]
    )
    for level in (0.05, 0.003):
        plain = path.coefficients(level)
        assert np.abs(plain - other.coefficients(level)).to_numpy().max() < 1e-8
        back = scaled.coefficients(level).drop(index="const").mul(units, axis=0)
        assert np.abs(plain.drop(index="const") - back).to_numpy().max() < 1e-9
        assert (
            np.abs(path.predict(penalty=level) - scaled.predict(penalty=level)).to_numpy().max()
            < 1e-9
        )


@every_kind
def test_weights_and_counts_count_as_rows_written_out(l1_ratio, grouped, voters):
    formula = "vote ~ age + children"
    options = {"grouped": grouped, "penalties": [0.05, 0.002]}
    weighted = ml.mnlogit(formula, voters, weights="people", weight_type="frequency")
    long = voters.loc[voters.index.repeat(voters["people"])]
    first = weighted.fit_path(l1_ratio, **options)
    second = ml.mnlogit(formula, long.reset_index(drop=True)).fit_path(l1_ratio, **options)
    assert np.abs(first.fits.coefficients - second.fits.coefficients).max() < 1e-9
    assert np.abs(first.table["loglike"] - second.table["loglike"]).max() < 1e-8
    table = pd.crosstab([voters["children"], voters["region"]], voters["vote"])
    x = np.column_stack([np.ones(len(table)), table.index.get_level_values(0)])
    third = ml.MNLogit(table.to_numpy(), x, outcome="counts").fit_path(l1_ratio, **options)
    fourth = ml.MNLogit(
        voters["vote"], np.column_stack([np.ones(400), voters["children"]])
    ).fit_path(l1_ratio, **options)
    assert np.abs(third.fits.coefficients - fourth.fits.coefficients).max() < 1e-9


@every_kind
def test_small_steps_in_the_penalty_change_little(l1_ratio, grouped):
    fit = load("glmnet_regions")[0]["fits"][0]
    levels = np.geomspace(0.1, 0.001, 120)
    path = make_regions(fit).fit_path(l1_ratio, grouped=grouped, penalties=levels)
    probabilities = np.array([path.predict(penalty=level).to_numpy() for level in levels])
    assert np.abs(np.diff(probabilities, axis=0)).max() < 0.05
    assert (np.diff(path.table["loglike"]) > 0).all()


def test_a_cold_start_ends_where_the_path_does():
    fit = load("glmnet_regions")[0]["fits"][0]
    model = make_regions(fit)
    for l1_ratio, grouped in KINDS:
        path = model.fit_path(l1_ratio, grouped=grouped)
        alone = model.fit_path(l1_ratio, grouped=grouped, penalties=path.penalties[-1])
        difference = path.coefficients(path.penalties[-1]) - alone.coefficients()
        assert np.abs(difference).to_numpy().max() < 1e-7


def test_ridge_agrees_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.linear_model")
    _, data = load("glmnet_regions")
    x = data[["x1", "x3", "x4", "x5"]].to_numpy()
    level = 0.02
    # C multiplies the sum of losses, and the penalty is half the squares.
    other = sklearn.LogisticRegression(
        C=1 / (level * len(x)), tol=1e-12, max_iter=10_000, solver="newton-cg"
    ).fit(x, data["y"])
    path = ml.MNLogit(data["y"], np.column_stack([np.ones(len(x)), x])).fit_path(
        0, penalties=level, standardize=False
    )
    found = path.coefficients().to_numpy()
    assert np.abs(found[1:].T - other.coef_).max() < 1e-7
    assert np.abs(found[0] - (other.intercept_ - other.intercept_.mean())).max() < 1e-7


def test_two_categories_are_a_lasso_of_their_difference():
    """Of b and -b the absolute values cost what that of the difference does."""
    data = load("glmnet_iris")[1].iloc[50:]
    x, level = np.column_stack([np.ones(100), data.iloc[:, :4]]), 0.01
    path = ml.MNLogit(data["Species"], x).fit_path(1.0, penalties=level, standardize=False)
    assert np.abs(path.coefficients().to_numpy().sum(axis=1)).max() < 1e-12
    slope = path.coefficients(base="versicolor").to_numpy()[:, 0]
    shares = 1 / (1 + np.exp(-(x @ slope)))
    gradient = x.T @ (shares - (data["Species"] == "virginica")) / 100
    kept = slope[1:] != 0
    assert 0 < kept.sum() < 4
    assert np.abs(gradient[0]) < 1e-12
    assert np.abs(gradient[1:] + level * np.sign(slope[1:]))[kept].max() < 1e-12
    assert np.abs(gradient[1:])[~kept].max() < level


@every_kind
def test_more_columns_than_rows(l1_ratio, grouped, rng):
    x = rng.normal(size=(40, 120))
    y = (x[:, :3] + rng.gumbel(size=(40, 3))).argmax(axis=1)
    with pytest.warns(CollinearityWarning):
        model = ml.MNLogit(y, np.column_stack([np.ones(40), x]))
    path = model.fit_path(l1_ratio, grouped=grouped)
    assert path.converged
    assert path.coefficients(path.penalties[5]).shape == (121, 3)
    assert path.penalties[-1] == pytest.approx(path.penalties[0] / 100)
    if l1_ratio:
        assert path.table["nonzero"].iloc[0] == 0


def test_narrow_and_wide_ridges_are_one(rng, monkeypatch):
    """Columns that repeat others make the ridge narrow; its fit is that of the columns alone."""
    x = rng.normal(size=(30, 4))
    y = (x[:, :3] + rng.gumbel(size=(30, 3))).argmax(axis=1)
    with pytest.warns(CollinearityWarning):
        wide = ml.MNLogit(y, np.column_stack([np.ones(30), np.tile(x, 9)]))
    plain = ml.MNLogit(y, np.column_stack([np.ones(30), x]))
    # Nine equal columns share a coefficient: nine ninths of it squared cost a ninth.
    first = wide.fit_path(0, penalties=[0.9, 0.09], standardize=False)
    second = plain.fit_path(0, penalties=[0.1, 0.01], standardize=False)
    for one, other in zip(first.penalties, second.penalties, strict=True):
        summed = first.coefficients(one).to_numpy()[1:].reshape(9, 4, 3).sum(axis=0)
        assert np.abs(summed - second.coefficients(other).to_numpy()[1:]).max() < 1e-9


def test_columns_that_repeat_others_do_not_hurt():
    data = load("glmnet_iris")[1]
    x = data.iloc[:, :4].to_numpy()
    with pytest.warns(CollinearityWarning):
        model = ml.MNLogit(data["Species"], np.column_stack([np.ones(150), x, x[:, :2], x.sum(1)]))
    for l1_ratio, grouped in KINDS:
        assert model.fit_path(l1_ratio, grouped=grouped).converged


def test_separated_data_have_finite_fits_and_no_warning():
    data = load("glmnet_iris")[1]
    model = ml.mnlogit("Species ~ Q('Petal.Length') + Q('Petal.Width')", data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = model.fit_path(1.0, penalties=[1e-3, 1e-6])
    assert path.converged
    assert np.isfinite(path.fits.coefficients).all()


def test_sparse_columns_give_the_same_fits(rng):
    sparse = pytest.importorskip("scipy.sparse")
    x = (rng.random((300, 60)) < 0.05) * rng.normal(size=(300, 60))
    x[:, 0] = 1.0
    y = (x[:, 1:4] * 3 + rng.gumbel(size=(300, 3))).argmax(axis=1)
    one = ml.MNLogit(y, sparse.csr_array(x)).fit_path(0.7, penalties=[0.02, 0.005])
    other = ml.MNLogit(y, x).fit_path(0.7, penalties=[0.02, 0.005])
    assert np.abs(one.fits.coefficients - other.fits.coefficients).max() < 1e-10


def test_a_fit_that_stops_early_says_so(monkeypatch):
    monkeypatch.setattr(descent, "LARGEST_STEPS", 1)
    fit = load("glmnet_regions")[0]["fits"][0]
    with pytest.warns(NotConvergedWarning, match="1 of 1 penalized fits"):
        path = make_regions(fit).fit_path(penalties=0.001)
    assert not path.converged


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"l1_ratio": -0.1}, "l1_ratio"),
        ({"l1_ratio": 1.1}, "l1_ratio"),
        ({"l1_ratio": "lasso"}, "l1_ratio"),
        ({"l1_ratio": True}, "l1_ratio"),
        ({"penalties": 0}, r"fit\(\)"),
        ({"penalties": [0.1, -0.1]}, "number 1 is -0.1"),
        ({"penalties": [np.nan]}, "positive and finite"),
        ({"penalties": []}, "or several"),
        ({"penalties": [[0.1]]}, "or several"),
        ({"penalties": [0.1, 0.1]}, "twice"),
        ({"penalties": "all"}, "real numbers"),
        ({"standardize": 1}, "standardize"),
        ({"grouped": "yes"}, "grouped"),
        ({"tol": 0}, "tol"),
        ({"threads": 0}, "threads"),
    ],
)
def test_bad_arguments_are_named(options, said):
    model = make_regions(load("glmnet_regions")[0]["fits"][0])
    with pytest.raises(OptionError, match=said):
        model.fit_path(**options)


def test_unknown_keywords_and_nothing_to_penalize(voters):
    model = ml.mnlogit("vote ~ 1", voters)
    with pytest.raises(OptionError, match="no column to penalize"):
        model.fit_path()
    with pytest.raises(TypeError, match="lambdas"):
        model.fit_path(lambdas=[1.0])
    frame = pd.DataFrame({"y": ["a", "b"] * 4, "x": [0.0, 0, 1, 1] * 2})
    with pytest.raises(OptionError, match="no path"):
        ml.mnlogit("y ~ x", frame).fit_path()
