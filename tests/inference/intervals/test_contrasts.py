"""Linear combinations and all pairs of categories, against statsmodels, refits and matrices."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import mlelogit as ml
from mlelogit.exceptions import BiasReductionError, IntervalError, OptionError, ParamsError
from tests.inference.samples import fitted, survey

COLUMNS = ["estimate", "std_err", "z", "p_value", "lower", "upper"]


@pytest.mark.parametrize("kind", ["nonrobust", "HC0"])
def test_statsmodels_finds_the_same_combinations(kind):
    exog = survey()[["age", "educ"]].assign(const=1.0)
    ours = ml.MNLogit(survey()["party"], exog).fit(cov_type=kind)
    codes = survey()["party"].map({"blue": 0, "green": 1, "red": 2})
    theirs = sm.MNLogit(codes, exog).fit(disp=0, tol=1e-12, method="newton")
    if kind == "nonrobust":
        covariance = theirs.cov_params().to_numpy()
    else:
        covariance = ours.cov_params().to_numpy()
    matrix = np.array([[1, 0, 0, -1, 0, 0], [0, 2, 0, 0, 0.5, 0]], dtype=float)
    found = ours.lincom(["green: age - red: age", "2*green: educ + 0.5*red: educ - 1"], alpha=0.1)
    flat = theirs.params.to_numpy().ravel(order="F")
    test = theirs.t_test(matrix, cov_p=covariance)
    assert found.columns.tolist() == COLUMNS
    assert np.abs(found["estimate"] - (matrix @ flat - [0, 1])).max() < 1e-8
    assert np.abs(found["std_err"] / np.ravel(test.sd) - 1).max() < 1e-8
    ends = test.conf_int(alpha=0.1) - np.array([[0], [1]])
    assert np.abs(found[["lower", "upper"]].to_numpy() - ends).max() < 1e-7
    assert abs(found["p_value"].iloc[0] / np.ravel(test.pvalue)[0] - 1) < 1e-6
    names = ["green: age - red: age", "2*[green: educ] + 0.5*[red: educ] - 1"]
    assert found.index.tolist() == names


def test_a_combination_of_one_is_its_row_of_the_table():
    res = fitted()
    tidy = res.tidy().set_index(["category", "name"])
    for ratios in (False, True):
        table = res.tidy(exponentiate=ratios).set_index(["category", "name"])
        found = res.lincom(list(tidy.index), exponentiate=ratios)
        assert np.abs(found.to_numpy() / table.to_numpy() - 1).max() < 1e-12


def test_the_wald_test_of_a_combination_is_z_squared():
    res = fitted().with_cov("HC1")
    for text in ("green: age - 2*red: educ", "red: age"):
        row = res.lincom(text).iloc[0]
        test = res.wald_test(f"{text} = 0")
        assert abs(row["z"] ** 2 / test.statistic - 1) < 1e-10
        assert abs(row["p_value"] / test.p_value - 1) < 1e-8


@pytest.mark.parametrize("ratios", [False, True])
@pytest.mark.parametrize("kind", ["nonrobust", "robust"])
def test_all_pairs_are_the_fits_of_all_bases(ratios, kind):
    res = fitted().with_cov(kind)
    pairs = res.all_pairs(alpha=0.2, exponentiate=ratios)
    assert pairs.index.names == ["category", "against", "name"]
    assert pairs.columns.tolist() == COLUMNS
    assert len(pairs) == 3 * 2 * 5
    for base in res.categories:
        anew = ml.mnlogit("party ~ age + educ + region", survey(), base=base).fit(cov_type=kind)
        table = anew.tidy(alpha=0.2, exponentiate=ratios).set_index(["category", "name"])
        seen = pairs.xs(base, level="against").loc[table.index]
        assert (
            np.abs(seen.to_numpy() - table.to_numpy()).max() < 1e-7 * np.abs(table.to_numpy()).max()
        )
        assert np.abs(seen["z"] - table["z"]).max() < 1e-8


@pytest.mark.parametrize("method", ["wald", "profile", "score"])
def test_a_pair_turned_round_is_its_negative(method):
    pairs = fitted().all_pairs(method=method)
    turned = pairs.swaplevel("category", "against")
    turned.index.names = pairs.index.names
    turned = turned.loc[pairs.index]
    assert np.abs(pairs["estimate"] + turned["estimate"]).max() < 1e-13
    assert np.abs(pairs["std_err"] / turned["std_err"] - 1).max() < 1e-10
    assert np.abs(pairs["lower"] + turned["upper"]).max() < 1e-12
    assert (pairs["lower"] < pairs["estimate"]).all()


def test_labels_are_the_users():
    frame = survey().assign(code=survey()["party"].map({"blue": 7, "green": 1, "red": 3}))
    res = ml.MNLogit(frame["code"], frame[["age", "educ"]].to_numpy()).fit()
    pairs = res.all_pairs(method="profile")
    assert pairs.index[0][:2] == (1, 3)
    assert set(pairs.index.get_level_values("against")) == {1, 3, 7}
    found = res.lincom((7, "x1"), method="profile")
    assert found.index.tolist() == ["7: x1"]
    assert (
        np.abs(found[["lower", "upper"]] - pairs.loc[(7, 1, "x1"), ["lower", "upper"]]).max().max()
        < 1e-8
    )


def test_two_categories_have_two_pairs():
    frame = survey()[survey()["party"] != "red"]
    pairs = ml.mnlogit("party ~ age", frame).fit().all_pairs()
    assert pairs.index.droplevel("name").unique().tolist() == [("blue", "green"), ("green", "blue")]


def test_infinite_coefficients_keep_their_words():
    frame = pd.DataFrame({"x": np.repeat([0, 1], [20, 12]), "y": [0] * 14 + [1] * 6 + [1] * 12})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    found = res.lincom(["1: x", "2*1: x - 1", "1: Intercept", "1: x + 1: Intercept"])
    assert found["estimate"].iloc[[0, 1, 3]].tolist() == [np.inf, np.inf, np.inf]
    assert abs(found["estimate"].iloc[2] - np.log(6 / 14)) < 1e-9
    assert found["std_err"].isna().tolist() == [True, True, False, True]
    profile = res.lincom(["1: x + 1: Intercept", "-1*1: x"], method="profile")
    # Twelve of twelve: (p^12 = exp(-q / 2)) is the lower end of the cell's log-odds.
    p = np.exp(-3.841458820694124 / 24)
    assert abs(profile["lower"].iloc[0] - np.log(p / (1 - p))) < 1e-8
    assert profile["upper"].iloc[0] == np.inf
    assert profile["lower"].iloc[1] == -np.inf
    ends = res.conf_int(method="profile").loc[(1, "x")]
    assert abs(profile["upper"].iloc[1] + ends["lower"]) < 1e-8


def test_median_bias_reduction_has_one_base():
    res = ml.mnlogit("party ~ age", survey()).fit(bias_reduction="median")
    with pytest.raises(BiasReductionError, match="Median"):
        res.all_pairs()


def test_arguments_after_the_method_are_named():
    """So that none can be taken for another: all three have the same order."""
    res = fitted()
    np.testing.assert_array_equal(
        res.conf_int(0.1, "profile"), res.conf_int(alpha=0.1, method="profile")
    )
    pairs = res.all_pairs(0.1, "profile", exponentiate=True)
    np.testing.assert_array_equal(
        pairs, res.all_pairs(alpha=0.1, method="profile", exponentiate=True)
    )
    for call in (
        lambda: res.conf_int(0.1, "wald", True),
        lambda: res.all_pairs(0.1, "wald", True),
        lambda: res.lincom("red: age", 0.1, "wald", True),
    ):
        with pytest.raises(TypeError, match="positional"):
            call()
    with pytest.raises(OptionError, match="method"):
        res.all_pairs(0.1, True)
    assert res.lr_test(hypothesis="age").statistic == res.lr_test("age").statistic
    smaller = fitted("party ~ educ + region")
    assert res.lr_test(hypothesis=smaller).df == 2


@pytest.mark.parametrize("method", ["profile", "score"])
def test_intervals_of_the_likelihood_do_not_stand_beside_a_robust_covariance(method):
    res = fitted().with_cov("HC1")
    for ask in (
        lambda: res.conf_int(method=method),
        lambda: res.lincom("green: age", method=method),
        lambda: res.all_pairs(method=method),
    ):
        with pytest.raises(IntervalError, match="HC1 covariance in use"):
            ask()
    again = res.with_cov("nonrobust").conf_int(method=method)
    pd.testing.assert_frame_equal(again, fitted().conf_int(method=method))


def test_numbers_beyond_a_double_are_named():
    res = fitted()
    tiny = np.eye(len(res.cov_params()))[:1] * 1e-200
    with pytest.raises(ParamsError, match="beyond a double"):
        res.profile(tiny, points=[1e300])
    held = ml.mnlogit("party ~ age + educ", survey()).fit(constraints="green: age = red: age")
    row = np.eye(len(held.cov_params()))[1:2] * 1e-200
    with pytest.raises(ParamsError, match="beyond a double"):
        held.lr_test(row, 1e300)
