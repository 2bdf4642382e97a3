"""Effects against R's and statsmodels', and by hand with fifty digits."""

import mpmath
import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from tests.interpretation.margins.plain import fitted, rows
from tests.reference_cases import PLAIN, fit_case, load_case

WITH_EFFECTS = [name for name in PLAIN if "ame" in load_case(name).truth["extra"]]
WITH_GRIDS = [name for name in PLAIN if "emmeans" in load_case(name).truth["extra"]]


def test_there_are_truths():
    assert len(WITH_EFFECTS) > 8
    assert len(WITH_GRIDS) > 2


@pytest.mark.parametrize("name", WITH_EFFECTS)
def test_average_effects_of_r(name):
    case, res = load_case(name), fit_case(name)
    truths = case.truth["extra"]["ame"]
    moved = {one["variable"]: (0, 1) for one in truths if one["contrast"] == "0->1"}
    frame = res.margins(change=moved or None).summary_frame().astype({"category": str})
    largest = max(abs(value) for one in truths for value in one["estimate"].values())
    for one in truths:
        mine = frame[frame["variable"] == one["variable"]]
        first = {"dydx": "dy/dx", "0->1": "1 - 0"}.get(one["contrast"], f"{one['contrast']} - ")
        mine = mine[mine["contrast"].str.startswith(first)].set_index("category")
        assert set(mine.index) == set(one["estimate"])
        assert mine.index.is_unique
        expected = pd.Series(one["estimate"])[mine.index]
        np.testing.assert_allclose(mine["estimate"], expected, rtol=0, atol=1e-6 * largest)
        np.testing.assert_allclose(mine["std_err"], pd.Series(one["se"])[mine.index], rtol=5e-5)


@pytest.mark.parametrize("name", WITH_GRIDS)
def test_balanced_grids_of_emmeans(name):
    truth, res = load_case(name).truth["extra"]["emmeans"], fit_case(name)
    levels = res.margins(truth["by"], "balanced", effect="level")
    frame = levels.summary_frame().set_index(["contrast", "category"])
    for one in truth["rows"]:
        mine = frame.loc[(one["level"], one["category"])]
        np.testing.assert_allclose(mine["estimate"], one["prob"], rtol=1e-6)
        np.testing.assert_allclose(mine["std_err"], one["se"], rtol=1e-6)


@pytest.fixture(scope="module")
def arrays():
    frame = rows()
    x = np.column_stack([np.ones(len(frame)), frame["x"], frame["z"], frame["b"]])
    return pd.Categorical(frame["y"]).codes.astype(int), x


@pytest.fixture(scope="module")
def rival(arrays):
    sm = pytest.importorskip("statsmodels.api")
    return sm.MNLogit(*arrays).fit(disp=0, tol=1e-14, maxiter=100)


@pytest.mark.parametrize("effect", ["dydx", "eydx"])
@pytest.mark.parametrize("kind", ["average", "at_means"])
def test_statsmodels_has_the_same_derivatives(arrays, rival, kind, effect):
    theirs = rival.get_margeff(at="overall" if kind == "average" else "mean", method=effect)
    mine = ml.MNLogit(*arrays).fit().margins(kind=kind, effect=effect).summary_frame()
    np.testing.assert_allclose(mine["estimate"], theirs.margeff.ravel(), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(mine["std_err"], theirs.margeff_se.ravel(), rtol=1e-9)


@pytest.mark.parametrize("at", ["median", "zero"])
def test_statsmodels_has_the_same_derivatives_at_one_row(arrays, rival, at):
    theirs = rival.get_margeff(at=at)
    row = np.median(arrays[1], axis=0) if at == "median" else np.array([1.0, 0, 0, 0])
    mine = ml.MNLogit(*arrays).fit().margins(newdata=row).summary_frame()
    np.testing.assert_allclose(mine["estimate"], theirs.margeff.ravel(), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(mine["std_err"], theirs.margeff_se.ravel(), rtol=1e-9)


def test_a_curve_by_hand_with_fifty_digits():
    """The slope of ``x + I(x**2)``, times its Jacobian, written out for two categories a row."""
    res, frame = fitted("x + I(x ** 2)"), rows().head(3)
    mpmath.mp.dps = 50
    b = [[mpmath.mpf(float(v)) for v in row] for row in res.record.params]

    def slopes(b):
        total = [mpmath.mpf(0)] * 3
        for x in map(mpmath.mpf, map(float, frame["x"])):
            scores = [0, *(c[0] + c[1] * x + c[2] * x * x for c in b)]
            powers = [mpmath.exp(score) for score in scores]
            y = [power / sum(powers) for power in powers]
            rates = [0, *(c[1] + 2 * c[2] * x for c in b)]
            mean = sum(p * rate for p, rate in zip(y, rates, strict=True))
            total = [t + p * (rate - mean) / 3 for t, p, rate in zip(total, y, rates, strict=True)]
        return total

    step = mpmath.mpf(10) ** -18
    jacobian = np.empty((3, 6))
    for i in range(6):
        ends = []
        for sign in (1, -1):
            moved = [list(row) for row in b]
            moved[i // 3][i % 3] += sign * step
            ends.append(slopes(moved))
        jacobian[:, i] = [float((u - v) / (2 * step)) for u, v in zip(*ends, strict=True)]
    found = res.margins("x", newdata=frame)
    expected = [float(value) for value in slopes(b)]
    np.testing.assert_allclose(found.estimate, expected, rtol=1e-13)
    variance = jacobian @ res.covariance.matrix @ jacobian.T
    np.testing.assert_allclose(found.covariance, variance, rtol=1e-9)
