"""The null model under constraints where the constant is a combination of columns."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml


def draw(seed):
    rng = np.random.default_rng(seed)
    n = 150 + seed
    group = rng.choice(list("abcd"), n)
    merged = np.where(group == "b", "a", group)
    x = rng.normal(size=n) + 3
    return pd.DataFrame({"y": rng.integers(0, 3, n), "g": group, "h": merged, "x": x})


@pytest.mark.parametrize("seed", range(25))
def test_equal_levels_are_a_merged_factor(seed):
    data = draw(seed)
    tied = ml.mnlogit("y ~ 0 + g + x", data).fit(constraints="g[a] = g[b]")
    merged = ml.mnlogit("y ~ 0 + h + x", data).fit()
    assert abs(tied.llf - merged.llf) < 1e-9
    assert abs(tied.llnull - merged.llnull) < 1e-9
    assert abs(tied.llr - merged.llr) < 1e-8
    assert abs(tied.llr_pvalue - merged.llr_pvalue) < 1e-9
    assert abs(tied.prsquared - merged.prsquared) < 1e-10
    assert tied.df_model == merged.df_model


@pytest.mark.parametrize("seed", range(10))
def test_constraints_on_slopes_leave_the_intercepts_alone(seed):
    model = ml.mnlogit("y ~ 0 + g + x", draw(seed))
    free = model.fit()
    for said, lost in (("1: x = 2: x", 1), ("x", 2), ("1: g[a] + 1: g[b] = 2*1: g[c]", 1)):
        held = model.fit(constraints=said)
        assert abs(held.llnull - free.llnull) < 1e-9
        assert held.df_model == free.df_model - lost
    assert model.fit(constraints="2: x = 0.1").record.null.outside


def test_levels_held_to_zero_leave_no_intercepts():
    model = ml.mnlogit("y ~ 0 + g + x", draw(1))
    held = model.fit(constraints="1: g = 0")
    # With the first intercept zero only the second is free: shares (1 - p) / 2, (1 - p) / 2, p.
    counts = np.bincount(draw(1)["y"], minlength=3)
    rest, last = counts[0] + counts[1], counts[2]
    expected = rest * np.log(rest / 2 / counts.sum()) + last * np.log(last / counts.sum())
    assert abs(held.llnull - expected) < 1e-9
    assert held.df_model == 10 - 4 - 1
