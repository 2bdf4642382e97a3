"""The mixture of chi-squares that likelihood-ratio tests of bounds follow."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.inference.testing.mixtures import count_faces, mix_tails
from tests.inference.samples import survey


@pytest.mark.parametrize("correlation", [-0.8, 0.0, 0.6])
def test_weights_of_two_bounds_are_angles(correlation):
    """Silvapulle and Sen (2005), section 3.5: shares of the circle."""
    turned = np.array([[1.0, 0, 0], [correlation, np.sqrt(1 - correlation**2), 0]])
    angle = np.arccos(correlation) / (2 * np.pi)
    expected = [0.5 - angle, 0.5, angle]
    np.testing.assert_allclose(count_faces(turned), expected, atol=0.015)


def test_weights_of_independent_bounds_are_binomial():
    found = count_faces(np.eye(4)[:3])
    np.testing.assert_allclose(found, [1 / 8, 3 / 8, 3 / 8, 1 / 8], atol=0.02)
    assert found.sum() == pytest.approx(1.0)


def test_opposite_bounds_are_an_equation():
    np.testing.assert_allclose(count_faces(np.array([[1.0, 0], [-1.0, 0]]))[:2], [0.0, 1.0])


def test_tails_are_mixed():
    weights = np.array([0.25, 0.5, 0.25])
    expected = 0.5 * chi2.sf(1.3, 1) + 0.25 * chi2.sf(1.3, 2)
    assert mix_tails(1.3, 0, weights) == pytest.approx(expected)
    assert mix_tails(0.0, 0, weights) == pytest.approx(1.0)
    shifted = sum(w * chi2.sf(1.3, 2 + k) for k, w in enumerate(weights))
    assert mix_tails(1.3, 2, weights) == pytest.approx(shifted)


def test_one_bound_has_half_the_tail():
    model = ml.mnlogit("party ~ age + educ", survey())
    res = model.fit(constraints="red: educ <= 0.1")
    test = res.constraint_tests().lr
    statistic = 2 * (model.fit().llf - res.llf)
    assert test.statistic == pytest.approx(statistic)
    assert test.p_value == pytest.approx(chi2.sf(statistic, 1) / 2, rel=1e-9)
    assert test.weights == (0.5, 0.5)
    assert "0.500 chi2(0) + 0.500 chi2(1)" in str(test)
    assert "10000 draws" in str(test)
    both = model.fit(constraints=["red: educ <= 0.1", "green: age = red: age"])
    mixed = both.constraint_tests().lr
    statistic = 2 * (model.fit().llf - both.llf)
    expected = (chi2.sf(statistic, 1) + chi2.sf(statistic, 2)) / 2
    assert mixed.p_value == pytest.approx(expected, rel=1e-9)


def test_too_many_bounds_are_not_counted(rng):
    x = pd.DataFrame(rng.normal(size=(400, 150)), columns=[f"x{i}" for i in range(150)])
    y = rng.choice(list("ab"), size=400)
    res = ml.MNLogit(y, x).fit(constraints=[f"x{i} >= 0" for i in range(150)])
    test = res.constraint_tests().lr
    assert np.isnan(test.p_value)
    assert "too much to be counted" in str(test)


def test_the_level_holds_in_samples():
    """Two bounds that are tight in truth: p-values below 0.2 are as frequent as that."""
    rng = np.random.default_rng(7)
    small = 0
    x = rng.normal(size=(200, 2))
    columns = np.column_stack([np.ones(200), x])
    for _ in range(200):
        y = rng.choice(list("abc"), size=200)
        model = ml.MNLogit(y, columns)
        res = model.fit(constraints=["b: x1 >= 0", "c: x1 >= 0"])
        if not res.record.at_bounds:
            continue
        information = model.information(res.params).to_numpy()
        spread = np.linalg.inv(information)[np.ix_([1, 4], [1, 4])]
        angle = np.arccos(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])) / (2 * np.pi)
        statistic = 2 * (model.fit().llf - res.llf)
        small += mix_tails(statistic, 0, np.array([0.5 - angle, 0.5, angle])) <= 0.2
    assert abs(small / 200 - 0.2) < 3 * np.sqrt(0.2 * 0.8 / 200)
