"""Separated data, which have no maximum, and data that are almost so, which have one."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import MNLogitWarning, NoFiniteMaximumWarning
from mlelogit.fitting.optimization import METHODS
from tests.independent import check_against_climb


def test_two_rows_two_categories():
    with pytest.warns(NoFiniteMaximumWarning):
        result = ml.MNLogit([0, 1], [[1.0, 0.0], [1.0, 1.0]]).fit()
    assert not result.converged
    assert np.isnan(result.bse).all(axis=None)


def separate(generator, complete):
    """Rows in which a random direction divides one category from the rest."""
    rows, width = int(generator.integers(30, 150)), int(generator.integers(1, 4))
    exog = np.column_stack([np.ones(rows), generator.normal(size=(rows, width))])
    codes = generator.integers(1, 3, rows)
    side = exog[:, 1:] @ generator.normal(size=width)
    codes[side > np.quantile(side, 0.7)] = 0
    if complete:
        codes = np.digitize(side, np.quantile(side, [0.3, 0.7]))
    return codes, exog * generator.choice([1e-4, 1, 1e4], size=width + 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("complete", [False, True], ids=["one apart", "all apart"])
@pytest.mark.parametrize("seed", range(6))
def test_separated_data_never_converge(seed, complete, method):
    codes, exog = separate(np.random.default_rng(seed), complete)
    with pytest.warns(MNLogitWarning):
        result = ml.MNLogit(codes, exog).fit(method)
    assert not result.converged
    assert not np.isfinite(result.bse.to_numpy()).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_separated_dummies_never_converge(seed, method):
    """A level in which one category never occurs: the commonest separation in practice."""
    generator = np.random.default_rng(100 + seed)
    codes, group = generator.integers(0, 3, 200), generator.integers(0, 3, 200)
    codes[(group == 2) & (codes == 1)] = 0
    frame = pd.DataFrame({"y": codes, "g": group, "x": generator.normal(size=200)})
    with pytest.warns(MNLogitWarning):
        result = ml.mnlogit("y ~ C(g) + x", frame).fit(method)
    assert not result.converged
    running = pd.DataFrame(False, index=result.params.index, columns=result.params.columns)
    running.loc["C(g)[T.2]", 1] = True
    assert (np.isneginf(result.params) == running).all(axis=None)
    assert (result.bse.isna() == running).all(axis=None)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_almost_separated_data_converge(seed, method):
    """One row on the wrong side of every line makes the maximum finite, however far out."""
    codes, exog = separate(np.random.default_rng(seed), False)
    inside = exog[codes == 0].mean(axis=0)
    exog = np.vstack([exog, inside, inside])
    codes = np.append(codes, [1, 2])
    result = ml.MNLogit(codes, exog).fit(method)
    check_against_climb(result, codes, exog)


def test_completely_separated_wine():
    wine = pytest.importorskip("sklearn.datasets").load_wine()
    exog = np.column_stack([np.ones(len(wine.data)), wine.data])
    with pytest.warns(NoFiniteMaximumWarning):
        result = ml.MNLogit(wine.target, exog).fit()
    assert not result.converged
    assert not np.isfinite(result.bse.to_numpy()).any()
