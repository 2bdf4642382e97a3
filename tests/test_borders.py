"""What a user does at the borders: far values, other bases, data changed afterwards."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    CovarianceError,
    FormulaError,
    OffsetError,
    OptionError,
    UnsafeFormulaError,
    UnusedLevelWarning,
)

OFFSET = np.random.default_rng(3).normal(size=(400, 3))


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B", "BFGS", "Newton-CG"])
def test_a_value_far_out_does_not_stop_the_climb(voters, method):
    voters.loc[3, "age"] = 999_999.0
    res = ml.mnlogit("vote ~ age", voters).fit(method)
    rest = voters.drop(index=3)
    bound = ml.mnlogit("vote ~ age", rest).fit().llf
    assert res.converged
    assert res.llf <= bound
    assert abs(res.llf - ml.mnlogit("vote ~ age", voters).fit("trust-ncg").llf) < 1e-8


def test_a_short_offset_means_the_base_it_was_given_for(voters):
    res = ml.mnlogit("vote ~ age", voters, offset=OFFSET[:, 1:]).fit()
    again = res.rebase("cat")
    full = np.insert(OFFSET[:, 1:], 0, 0.0, axis=1)
    with pytest.raises(OffsetError, match="'ann'"):
        again.predict(voters, offset=OFFSET[:, 1:])
    for offset in (full, pd.DataFrame(full, columns=["ann", "bob", "cat"])):
        new = again.predict(voters, offset=offset)
        assert np.abs(new.to_numpy() - res.fittedvalues.to_numpy()).max() < 1e-12


def test_offset_columns_are_found_in_new_data(voters):
    data = voters.assign(o1=OFFSET[:, 0], o2=OFFSET[:, 1])
    res = ml.mnlogit("vote ~ age", data, offset=["o1", "o2"]).fit()
    assert np.abs(res.predict(data) - res.fittedvalues).max(axis=None) < 1e-12
    with pytest.raises(OffsetError, match="offset="):
        res.predict(voters)


def test_opg_needs_more_observations_than_parameters():
    """Six rows and six parameters: the scores sum to zero, so their products have rank five."""
    path = Path(__file__).parent / "reference" / "data" / "hsbdemo.csv"
    few = pd.read_csv(path).groupby("prog").head(2)
    res = ml.mnlogit("prog ~ read + write", few).fit()
    assert res.converged
    with pytest.raises(CovarianceError, match="singular"):
        res.with_cov("opg")


def test_a_test_says_what_it_tests(voters):
    data = voters.assign(both=voters.age + voters.children)
    larger = ml.mnlogit("vote ~ age + children", data).fit()
    equal = larger.lr_test(ml.mnlogit("vote ~ both", data).fit())
    none = larger.lr_test(ml.mnlogit("vote ~ age", data).fit())
    assert "no effect" not in equal.null
    assert none.null.endswith("children has no effect")


@pytest.mark.parametrize("why", ["missing", "weights"])
def test_a_lost_level_of_text_is_told(voters, why):
    gone = voters.region == "east"
    if why == "missing":
        data, options = voters.assign(age=voters.age.mask(gone)), {"missing": "drop"}
    else:
        data = voters.assign(w=np.where(gone, 0, 1))
        options = {"weights": "w", "weight_type": "frequency"}
    with pytest.warns(UnusedLevelWarning, match="'region'.*'east'"):
        ml.mnlogit("vote ~ region + age", data, **options)


def test_an_array_changed_after_the_fit_changes_no_result(voters):
    exog = np.column_stack([np.ones(400), voters.age])
    res = ml.MNLogit(voters.vote, exog).fit()
    before = res.with_cov("HC0").bse
    exog[:] = 0
    assert abs(res.loglikeobs().sum() - res.llf) < 1e-9
    assert (res.with_cov("HC0").bse == before).all(axis=None)


@pytest.mark.parametrize("seed", ["a", -1, 1.5, True])
def test_a_bad_seed_raises(voters, seed):
    with pytest.raises(OptionError, match="seed"):
        ml.mnlogit("vote ~ age", voters).fit().verify(seed=seed)


def test_no_engine_is_no_agreement(voters):
    found = ml.mnlogit("vote ~ age", voters).fit().verify(engines=[])
    assert not found.agrees
    assert "no independent engine" in str(found)


def test_formulas_that_mean_something_else_raise(voters):
    with pytest.raises(UnsafeFormulaError):
        ml.mnlogit("vote ~ __import__('os').system('x')", voters)
    with pytest.raises(FormulaError, match="right"):
        ml.mnlogit("vote ~ age + vote", voters)


def test_a_callback_is_a_function(voters):
    with pytest.raises(OptionError, match="callback"):
        ml.mnlogit("vote ~ age", voters).fit(callback=3)


@pytest.mark.parametrize(
    "options", [{"tol": 10**350}, {"tol": np.nan}, {"bias_reduction": np.array([])}]
)
def test_odd_options_of_a_fit_are_named(voters, options):
    with pytest.raises(OptionError, match=next(iter(options))):
        ml.mnlogit("vote ~ age", voters).fit(**options)
