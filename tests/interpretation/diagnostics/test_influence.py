"""Leverage and one-step deletion: against R, plain loops and refits without the row."""

from __future__ import annotations

import functools
import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import null_space
from scipy.sparse import csr_array

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.exceptions import (
    CovarianceError,
    DataNotKeptError,
    LeverageWarning,
    NotConvergedWarning,
    OptionError,
    SeparationWarning,
)
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.inference.covariance import omit_covariance
from mlelogit.interpretation.diagnostics.influence import MEASURES, measure_influence
from tests.inference.samples import fitted, survey
from tests.reference_cases import FOLDER

FORMULA = "party ~ age + educ + region"
SAMPLING = {"weights": "weight", "weight_type": "sampling"}
IMPORTANCE = {"weights": "weight", "weight_type": "importance"}
FREQUENCY = {"weights": "people", "weight_type": "frequency"}


@functools.cache
def truth():
    path = FOLDER / "influence" / "influence.json"
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def students():
    data = pd.read_csv(FOLDER / "data" / "hsbdemo.csv")
    return data.assign(w=1 + data["id"] % 5, y=(data["prog"] == "academic").astype(int))


def miners():
    frame = pd.DataFrame(truth()["pneumo"])
    return frame.assign(ill=frame["mild"] + frame["severe"])


VGAM = {
    "labels": ("prog ~ ses + write", students, {}),
    "weighted": ("prog ~ ses + write", students, {"weights": "w", "weight_type": "frequency"}),
    "counts": ("counts(normal, mild, severe) ~ let", miners, {}),
}


@pytest.mark.parametrize("case", VGAM)
def test_leverages_and_steps_are_those_of_vgam(case):
    """Its blocks are ``F' Q F`` of a Cholesky factor F, with the eigenvalues of ours."""
    formula, data, options = VGAM[case]
    expected, res = truth()[case], ml.mnlogit(formula, data(), **options).fit()
    influence = res.get_influence()
    wanted = np.array(expected["eigenvalues"])
    found = np.linalg.eigvals(influence.leverage_blocks[: len(wanted)])
    assert np.abs(np.sort(found.real, axis=1) - wanted).max() < 1e-13
    assert influence.leverage.sum() == pytest.approx(expected["sum"], abs=1e-12)
    steps = influence.dfbeta.to_numpy()[: len(wanted)]
    assert np.abs((steps - expected["dfbeta"]) / res.covariance.bse).max() < 1e-11


@pytest.mark.parametrize("case", ["binary", "grouped"])
def test_two_categories_are_a_binomial_glm_of_r(case):
    if case == "binary":
        res = ml.mnlogit("y ~ ses + write", students()).fit()
    else:
        res = ml.mnlogit("counts(normal, ill) ~ let", miners()).fit()
    expected = {name: np.array(values) for name, values in truth()[case].items()}
    frame = res.get_influence().summary_frame()
    for name in ("leverage", "cooks_distance"):
        assert np.abs(frame[name] / expected[name] - 1).max() < 1e-11
    assert np.abs(frame["chi_square"] / expected["standardized_pearson"] ** 2 - 1).max() < 1e-11
    assert np.abs(res.resid_pearson[res.categories[1]] / expected["pearson"] - 1).max() < 1e-11
    deviance = (res.resid_deviance**2).sum(axis=1)
    assert np.abs(deviance / expected["deviance"] ** 2 - 1).max() < 1e-11


@functools.cache
def counted():
    """Make 40 rows of counts, one of them of nobody in two categories."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=40)
    y = np.exp(np.column_stack([np.zeros(40), 0.5 * x, -0.4 * x + 0.3]))
    table = np.array([rng.multinomial(rng.integers(1, 9), row / row.sum()) for row in y])
    return pd.DataFrame(table, columns=["a", "b", "c"]).assign(x=x, z=rng.normal(size=40))


def shared():
    frame = counted()
    table = frame[["a", "b", "c"]].to_numpy() + 0.5
    shares = pd.DataFrame(table / table.sum(axis=1)[:, np.newaxis], columns=["a", "b", "c"])
    return shares.assign(x=frame["x"], z=frame["z"], people=1 + np.arange(40) % 4)


def shifted():
    rng = np.random.default_rng(8)
    return survey().iloc[:80].assign(green=rng.normal(size=80), red=rng.normal(size=80))


CASES = {
    "labels": (FORMULA, lambda: survey().iloc[:80], {}, {}),
    "base": (FORMULA, lambda: survey().iloc[:80], {"base": "red"}, {}),
    "sampling": (FORMULA, lambda: survey().iloc[:80], SAMPLING, {}),
    "importance": (FORMULA, lambda: survey().iloc[:80], IMPORTANCE, {}),
    "frequency": (FORMULA, lambda: survey().iloc[:80], FREQUENCY, {}),
    "counts": ("counts(a, b, c) ~ x + z", counted, {}, {}),
    "probabilities": ("probabilities(a, b, c) ~ x + z", shared, {}, {}),
    "weighted probabilities": ("probabilities(a, b, c) ~ x + z", shared, FREQUENCY, {}),
    "offset": (FORMULA, shifted, {"offset": ["green", "red"]}, {}),
    "equations": (
        FORMULA,
        lambda: survey().iloc[:80],
        {},
        {"constraints": "red: age = green: age"},
    ),
    "bound": (FORMULA, lambda: survey().iloc[:80], {}, {"constraints": "green: age <= 0"}),
}


@functools.cache
def ready(case):
    formula, data, options, how = CASES[case]
    model = ml.mnlogit(formula, data(), **options)
    return model.fit(**how)


def plain_steps(case):
    """Return, for every row, the Newton step of the sums over all rows but it."""
    res = ready(case)
    design, params = res.record.need_blocks().design, res.record.maximum.params
    # What constraints in force leave free.
    held = res.record.restriction
    free = np.eye(len(params)) if held is None else null_space(held.matrix)
    steps, gains = [], []
    for row in range(len(design.index)):
        others = take_rows(design, np.delete(np.arange(len(design.index)), row))
        sums = LogLikelihood(RowBlocks(others), res.record.encoding.base).evaluate(params, 2)
        score, information = free.T @ sums.score, free.T @ sums.information @ free
        solved = np.linalg.solve(information, score)
        steps.append(-free @ solved)
        gains.append(score @ solved / 2)
    return np.array(steps), np.array(gains)


@pytest.mark.parametrize("case", CASES)
def test_dfbeta_is_a_newton_step_without_the_row(case):
    res = ready(case)
    steps, gains = plain_steps(case)
    influence, errors = res.get_influence(), res.covariance.bse
    scale = np.where(errors > 0, errors, 1.0)
    assert np.abs((influence.dfbeta.to_numpy() - steps) / scale).max() < 1e-10
    assert np.abs(influence.loglike_gain - gains).max() < 1e-10
    free = res.record.size
    assert influence.leverage.sum() == pytest.approx(free, abs=1e-10)
    assert influence.size == free
    metric = np.linalg.pinv(res.cov_params().to_numpy(), rcond=1e-12, hermitian=True)
    distance = np.einsum("ni,ij,nj->n", steps, metric, steps) / free
    assert np.abs(influence.cooks_distance / distance - 1).max() < 1e-7
    dfbetas = influence.dfbetas.to_numpy()
    assert (np.isnan(dfbetas) == (errors == 0)).all()
    moving = np.where(errors > 0, dfbetas, 0.0)
    best = np.abs(moving).argmax(axis=1)
    frame = influence.summary_frame()
    assert np.abs(frame["largest_dfbetas"] - moving[np.arange(len(best)), best]).max() < 1e-11
    labels = list(influence.dfbeta.columns[best])
    assert list(zip(frame["category"], frame["name"], strict=True)) == labels


@pytest.mark.parametrize("case", ["labels", "frequency", "counts"])
def test_chi_square_is_the_squared_residual_over_its_variance(case):
    """By loops over the rows, with matrices inverted as they stand."""
    res = ready(case)
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, design.source.shape[0])).T
    y, e = res.fittedvalues.to_numpy()[:, 1:], res.resid_response.to_numpy()[:, 1:]
    covariance, influence = res.cov_params().to_numpy(), res.get_influence()
    people = np.ones(len(x)) if design.weights is None else design.weights
    total = people if case != "counts" else counted()[["a", "b", "c"]].sum(axis=1).to_numpy()
    blocks = influence.leverage_blocks
    for n, row in enumerate(x):
        a = total[n] * (np.diag(y[n]) - np.outer(y[n], y[n]))
        along = np.kron(np.eye(2), row)
        q = along @ covariance @ along.T
        residual = people[n] * e[n]
        chi = residual @ np.linalg.inv(a - a @ q @ a) @ residual
        assert influence.chi_square.iloc[n] == pytest.approx(chi, rel=1e-9)
        assert np.abs(blocks[n] - a @ q).max() < 1e-12


def test_one_step_is_near_the_refit_without_the_row():
    res = ml.mnlogit(FORMULA, survey()).fit()
    exact = res.params.to_numpy().T.ravel() - res.refit(1 - np.eye(160)).to_numpy()
    influence = res.get_influence()
    step, errors = influence.dfbeta.to_numpy(), res.covariance.bse
    for column in range(step.shape[1]):
        assert np.corrcoef(step[:, column], exact[:, column])[0, 1] > 0.999
    assert np.abs((step - exact) / errors).max() < 0.05
    metric = np.linalg.inv(res.cov_params().to_numpy())
    distance = np.einsum("ni,ij,nj->n", exact, metric, exact) / influence.size
    assert np.abs(influence.cooks_distance - distance).max() < 0.1 * distance.max()
    ranks = [np.argsort(values)[-5:] for values in (influence.cooks_distance, distance)]
    assert set(ranks[0]) == set(ranks[1])


def test_the_error_of_a_step_is_of_second_order():
    """With everybody ten times a step is a tenth, and what it misses a hundredth."""
    gaps = []
    for times in (1, 10):
        frame = survey().iloc[:100].assign(times=times)
        res = ml.mnlogit("party ~ age + educ", frame, weights="times", weight_type="frequency")
        res = res.fit()
        exact = res.params.to_numpy().T.ravel() - res.refit(1 - np.eye(100) / times).to_numpy()
        gaps.append(np.abs(res.get_influence("person").dfbeta.to_numpy() - exact).max())
    assert 80 < gaps[0] / gaps[1] < 150


def test_what_the_others_gain_is_near_that_of_a_refit():
    frame = survey().iloc[:60]
    res = ml.mnlogit("party ~ age + educ", frame).fit()
    own, influence = res.loglikeobs(), res.get_influence()
    for row in frame.index[:12]:
        without = ml.mnlogit("party ~ age + educ", frame.drop(index=row)).fit()
        gain = without.llf - (res.llf - own[row])
        assert influence.loglike_gain[row] == pytest.approx(gain, rel=0.2)


def test_a_person_of_a_frequency_weight_is_a_row_written_out():
    res = ml.mnlogit(FORMULA, survey(), **FREQUENCY).fit()
    long = survey().loc[survey().index.repeat(survey()["people"])]
    apart = ml.mnlogit(FORMULA, long).fit().get_influence()
    first = ~long.index.duplicated()
    influence = res.get_influence("person")
    compare_lines(influence, apart, first)
    assert (influence.people == survey()["people"]).all()
    assert influence.leverage @ influence.people == pytest.approx(influence.size, abs=1e-10)


def test_a_person_of_a_count_is_a_row_written_out():
    frame = counted()
    table = frame[["a", "b", "c"]]
    rows, codes = np.nonzero(table.to_numpy())
    people = table.to_numpy()[rows, codes]
    long = frame[["x", "z"]].iloc[rows].assign(who=np.array(["a", "b", "c"])[codes])
    long = long.iloc[np.repeat(np.arange(len(rows)), people)]
    apart = ml.mnlogit("who ~ x + z", long).fit().get_influence()
    first = np.concatenate([[0], np.cumsum(people)[:-1]])
    influence = ml.mnlogit("counts(a, b, c) ~ x + z", frame).fit().get_influence("person")
    compare_lines(influence, apart, first)
    assert list(influence.index.get_level_values("category")) == [*np.array(["a", "b", "c"])[codes]]
    assert list(influence.summary_frame()["people"]) == list(people)
    assert influence.leverage @ influence.people == pytest.approx(influence.size, abs=1e-10)


def compare_lines(left, right, places):
    for name in MEASURES[:-1]:
        one, two = getattr(left, name).to_numpy(), getattr(right, name).to_numpy()[places]
        assert np.abs(one / two - 1).max() < 1e-8
    gap = left.dfbetas.to_numpy() - right.dfbetas.to_numpy()[places]
    assert np.abs(gap).max() < 1e-9


def test_measures_do_not_depend_on_base_units_or_order():
    res = fitted(FORMULA)
    expected = res.get_influence().summary_frame()[list(MEASURES[:-1])]
    frame = survey().assign(age=survey()["age"] * 1e4 + 7)
    others = [
        res.rebase("red").get_influence().summary_frame(),
        ml.mnlogit(FORMULA, frame).fit().get_influence().summary_frame(),
        ml.mnlogit(FORMULA, survey()[::-1]).fit().get_influence().summary_frame().sort_index(),
    ]
    for other in others:
        assert np.abs(other[list(MEASURES[:-1])] / expected - 1).max().max() < 1e-8


@pytest.mark.parametrize("kind", ["HC0", "HC3", "opg"])
def test_distances_are_measured_by_the_covariance_in_use(kind):
    res = fitted(FORMULA).with_cov(kind)
    influence = res.get_influence()
    steps, metric = influence.dfbeta.to_numpy(), np.linalg.inv(res.cov_params().to_numpy())
    expected = np.einsum("ni,ij,nj->n", steps, metric, steps) / 10
    assert np.abs(influence.cooks_distance / expected - 1).max() < 1e-9
    assert np.abs(influence.dfbetas - steps / res.covariance.bse).max().max() < 1e-12


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")
def test_a_singular_covariance_measures_no_distance():
    res = fitted(FORMULA).with_cov("cluster", groups=np.arange(160) % 5)
    influence = res.get_influence()
    assert influence.cooks_distance.isna().all()
    assert "singular" in influence.reason
    assert influence.leverage.sum() == pytest.approx(10)
    assert "NaN: Cook's distance" in str(influence)


def test_a_covariance_that_is_not_known_measures_no_distance():
    res = fitted(FORMULA).with_cov("HC0")
    unknown = replace(res.covariance, matrix=np.full((10, 10), np.nan), inner=None)
    influence = measure_influence(res.record, unknown)
    assert influence.cooks_distance.isna().all()
    assert influence.dfbetas.isna().all().all()
    assert influence.summary_frame()["largest_dfbetas"].isna().all()
    assert influence.chi_square.notna().all()


def separated():
    """Make rows where none of those with z = 1 is red, so that one coefficient is infinite."""
    frame = survey().copy()
    frame["z"] = ((frame["party"] != "red") & (np.arange(160) % 3 == 0)).astype(int)
    return frame


def test_steps_on_separated_data_are_those_of_the_limit():
    """The limit is the fit in which red is out of reach of those rows, and has no such term."""
    frame = separated()
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("party ~ age + z", frame).fit()
    out = np.zeros((160, 3))
    out[frame["z"] == 1, 2] = -700.0
    model = ml.mnlogit("party ~ age + z", frame, offset=out)
    expected = model.fit(constraints="red: z = 0").get_influence()
    influence = res.get_influence()
    steps, wanted = influence.dfbeta, expected.dfbeta
    assert steps[("red", "z")].isna().all()
    kept = [column for column in steps.columns if column != ("red", "z")]
    assert np.abs(steps[kept] - wanted[kept]).max().max() < 1e-9
    compare = list(MEASURES[:-1])
    gap = influence.summary_frame()[compare] / expected.summary_frame()[compare] - 1
    assert np.abs(gap).max().max() < 1e-7
    assert influence.size == 5
    assert influence.leverage.sum() == pytest.approx(5, abs=1e-10)
    assert ("red", "z") not in set(
        zip(influence.summary_frame()["category"], influence.summary_frame()["name"], strict=True)
    )


def test_complete_separation_leaves_nothing_to_move():
    frame = pd.DataFrame({"y": ["a"] * 4 + ["b"] * 4, "x": np.arange(8.0)})
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    influence = res.get_influence()
    assert influence.size == 0
    assert (influence.leverage == 0).all()
    assert influence.dfbeta.isna().all().all()
    assert influence.worst(3).shape[0] == 3


def test_a_row_that_alone_tells_a_coefficient_has_no_deletion():
    frame = pd.DataFrame({"a": [3, 4, 6], "b": [5, 1, 2], "g": ["u", "v", "v"]})
    res = ml.mnlogit("counts(a, b) ~ g", frame).fit()
    with pytest.warns(LeverageWarning, match="A row has a leverage of one"):
        influence = res.get_influence()
    assert influence.leverage[0] == pytest.approx(1, abs=1e-12)
    assert influence.dfbeta.loc[0].isna().all()
    assert influence.cooks_distance.isna().tolist() == [True, False, False]
    assert influence.summary_frame()["name"].isna().tolist() == [True, False, False]
    assert list(influence.worst(3).index)[-1] == 0


def test_persons_of_leverage_one_are_called_so():
    frame = pd.DataFrame({"a": [0.3, 0.4, 0.6], "g": ["u", "v", "v"], "w": [1, 2, 2]})
    frame["b"] = 1 - frame["a"]
    how = {"weights": "w", "weight_type": "frequency"}
    res = ml.mnlogit("probabilities(a, b) ~ g", frame, **how).fit()
    with pytest.warns(LeverageWarning, match="A person has a leverage of one"):
        res.get_influence(unit="person")
    twice = ml.mnlogit("probabilities(a, b) ~ g", frame.assign(w=2), **how).fit()
    assert twice.get_influence(unit="person").leverage[0] == pytest.approx(0.5)
    three = frame.assign(g=["u", "v", "w"])
    with pytest.warns(LeverageWarning, match="3 rows have"):
        ml.mnlogit("probabilities(a, b) ~ g", three).fit().get_influence()


def test_columns_left_out_are_nan():
    frame = survey().assign(twice=2 * survey()["age"])
    with pytest.warns(ml.exceptions.CollinearityWarning):
        res = ml.mnlogit("party ~ age + twice + educ", frame).fit()
    influence = res.get_influence()
    expected = ml.mnlogit("party ~ age + educ", frame).fit().get_influence()
    assert influence.dfbeta[("red", "twice")].isna().all()
    gap = influence.dfbeta[expected.dfbeta.columns] - expected.dfbeta
    assert np.abs(gap).max().max() < 1e-10
    assert influence.summary_frame().equals(expected.summary_frame())


def test_bias_reduction_has_leverages_only():
    res = ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean")
    influence = res.get_influence()
    assert influence.leverage.sum() == pytest.approx(6, abs=1e-10)
    assert influence.summary_frame()[list(MEASURES[1:])].isna().all().all()
    assert influence.dfbeta.isna().all().all()
    assert "bias reduction" in influence.reason


def test_what_is_not_known_is_nan_with_its_reason():
    with pytest.warns(NotConvergedWarning):
        res = ml.mnlogit("party ~ age + educ", survey()).fit(maxiter=1, method="CG")
    unknown = replace(res.record, maximum=replace(res.record.maximum, inverse=None))
    influence = measure_influence(unknown, res.covariance)
    assert influence.summary_frame()[list(MEASURES)].isna().all().all()
    assert influence.dfbeta.isna().all().all()
    assert np.isnan(influence.leverage_blocks).all()
    assert "no finite maximum" in influence.reason


@pytest.mark.parametrize("case", ["sampling", "probabilities"])
def test_no_variance_of_a_residual_is_made_up(case):
    influence = ready(case).get_influence()
    assert influence.chi_square.isna().all()
    assert "chi_square" in influence.reason
    assert influence.cooks_distance.notna().all()


def test_a_category_of_no_probability_that_is_observed_is_told_by_its_chi_square():
    """Probabilities underflow: squares over them leave the doubles, and nothing else does."""
    frame = survey().iloc[:60]
    offset = np.zeros((60, 3))
    offset[0, list("bgr").index(frame["party"][0][0])] = -800.0
    influence = ml.mnlogit("party ~ age", frame, offset=offset).fit().get_influence()
    assert np.isinf(influence.chi_square[0])
    rest = influence.summary_frame().drop(columns=["chi_square", "category", "name"])
    assert np.isfinite(rest.to_numpy()).all()
    assert influence.leverage.sum() == pytest.approx(4, abs=1e-10)


def test_steps_of_a_separated_fit_do_not_depend_on_the_base():
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("party ~ age + z", separated()).fit()
    for kind in ("nonrobust", "HC1"):
        seen = res.with_cov(kind)
        one, two = seen.get_influence(), seen.rebase("green").get_influence()
        gap = one.summary_frame()[list(MEASURES[:-1])] / two.summary_frame()[list(MEASURES[:-1])]
        assert np.abs(gap - 1).max().max() < 1e-11
        assert one.size == two.size == 5


def test_a_bootstrap_covariance_measures_distances():
    res = ml.mnlogit("party ~ age + educ", survey()).fit()
    res = res.with_cov(res.bootstrap(60, seed=1, disp=False))
    influence = res.get_influence()
    steps, metric = influence.dfbeta.to_numpy(), np.linalg.inv(res.cov_params().to_numpy())
    expected = np.einsum("ni,ij,nj->n", steps, metric, steps) / 6
    assert np.abs(influence.cooks_distance / expected - 1).max() < 1e-9


def test_labels_may_be_of_any_kind():
    frame = counted().copy()
    frame.index = pd.MultiIndex.from_product([range(8), list("vwxyz")], names=["g", "h"])
    res = ml.mnlogit("counts(a, b, c) ~ x + z", frame).fit()
    assert list(res.get_influence("person").index.names) == ["g", "h", "category"]
    assert res.get_influence().index.equals(frame.index)
    codes = pd.Series(
        [
            {"blue": (1, "a"), "red": (2, "b"), "green": (3, "c")}[party]
            for party in survey()["party"]
        ]
    )
    influence = ml.MNLogit(codes, np.column_stack([np.ones(160), survey()["age"]])).fit()
    influence = influence.get_influence()
    assert set(influence.summary_frame()["category"]) == {(2, "b"), (3, "c")}
    assert set(influence.worst(2).columns) >= {"const", "x1"}


def test_bad_questions_are_named():
    res = fitted(FORMULA)
    with pytest.raises(OptionError, match="row, person"):
        res.get_influence("cluster")
    with pytest.raises(OptionError, match="cooks_distance"):
        res.get_influence().worst(measure="dfbeta")
    with pytest.raises(OptionError, match="positive whole number"):
        res.get_influence().worst(0)
    with pytest.raises(CovarianceError, match="left out"):
        measure_influence(res.record, omit_covariance("nonrobust", 10))
    with pytest.raises(DataNotKeptError):
        measure_influence(replace(res.record, blocks=None), res.covariance)


@pytest.mark.parametrize("storage", [np.asarray, csr_array])
def test_many_rows_are_done_as_few_are(storage):
    """So many that columns stay as they come: some lines against the same rows by themselves."""
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(70_000), rng.normal(size=(70_000, 3)) * [1, 100, 0.01]])
    codes = (x[:, :3] * [0, 1, 0.01] + rng.gumbel(size=(70_000, 3))).argmax(axis=1)
    res = ml.MNLogit(codes, storage(x)).fit()
    influence = res.get_influence()
    assert influence.leverage.sum() == pytest.approx(8, abs=1e-9)
    y, covariance = res.fittedvalues.to_numpy(), res.cov_params().to_numpy()
    frame = next(influence.iterate_dfbeta(300))
    for n in range(0, 300, 30):
        p = y[n, 1:]
        share = np.kron(np.diag(p) - np.outer(p, p), np.outer(x[n], x[n]))
        score = np.kron((codes[n] == [1, 2]) - p, x[n])
        step = np.linalg.solve(np.linalg.inv(covariance) - share, score)
        assert np.abs((frame.iloc[n] - step) / res.covariance.bse).max() < 1e-9
    robust = res.with_cov("HC0")
    distance = robust.get_influence().cooks_distance.iloc[:300]
    metric = np.linalg.inv(robust.cov_params().to_numpy())
    steps = frame.to_numpy()
    expected = np.einsum("ni,ij,nj->n", steps, metric, steps) / 8
    assert np.abs(distance / expected - 1).max() < 1e-9


def test_dfbeta_comes_in_pieces():
    influence = ready("frequency").get_influence()
    pieces = pd.concat(list(influence.iterate_dfbeta(17)))
    assert np.abs(pieces - influence.dfbeta).max().max() < 1e-15
    assert list(pieces.index) == list(influence.index)


def test_nothing_about_it_can_be_written_to():
    influence = ready("labels").get_influence()
    leverage, frame = influence.leverage, influence.summary_frame()
    leverage.iloc[0] = frame.iloc[0, 0] = 9.0
    assert influence.leverage.iloc[0] < 1
    with pytest.raises(ValueError, match="read-only"):
        influence.values[0] = 1.0
    again = pickle.loads(pickle.dumps(influence))
    assert again.summary_frame().equals(influence.summary_frame())


def test_the_worst_are_shown_with_their_variables():
    influence = fitted(FORMULA).get_influence()
    worst = influence.worst(4, measure="leverage")
    assert list(worst.index) == list(influence.leverage.nlargest(4).index)
    assert worst["region"].tolist() == survey().loc[worst.index, "region"].tolist()
    said = str(influence)
    assert "each row left out" in said
    assert "160 lines, 10 free parameters, nonrobust covariance" in said
    assert "cooks_distance" in influence._repr_html_()
    assert repr(influence) == said


def test_reasons_are_given_for_separated_data():
    data = pd.DataFrame({"x": np.arange(9.0), "y": list("aaabbbccc")})
    with pytest.warns(SeparationWarning):
        apart = ml.mnlogit("y ~ x", data).fit().get_influence()
    assert "no coefficient is left" in apart.reason
    assert apart.cooks_distance.isna().all()
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"y": rng.choice(list("abc"), 80), "x": rng.normal(size=80)})
    data["g"] = np.where(data["y"] == "a", "p", rng.choice(["p", "q"], 80))
    with pytest.warns(SeparationWarning):
        partly = ml.mnlogit("y ~ x + g", data).fit().get_influence()
    assert partly.dfbeta.isna().any().any()
    assert "infinite" in partly.reason
    assert partly.cooks_distance.notna().all()
