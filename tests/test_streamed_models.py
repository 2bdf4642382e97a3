"""Every way to fit, of rows read in pieces as of rows in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming import stream
from mlelogit.exceptions import (
    CollinearityWarning,
    NoFiniteMaximumWarning,
    RowsNotHeldError,
    SeparationWarning,
)
from mlelogit.model import MNLogit
from tests.test_streamed_results import FORMULA, FRAME, GAPS, assert_alike, cut, shorten
from tests.ways import build

METHODS = (
    "auto",
    "trust-exact",
    "trust-krylov",
    "trust-ncg",
    "Newton-CG",
    "L-BFGS-B",
    "BFGS",
    "CG",
    "TNC",
)
FITS = {
    **{method: {"method": method} for method in METHODS},
    "start": {"start_params": np.full(8, 0.1)},
    "mean": {"bias_reduction": "mean"},
    "median": {"bias_reduction": "median"},
    "equation": {"constraints": "B: x = C: x"},
    "bound": {"constraints": "B: x >= 0.9"},
    "equations": {"equations": {"z": ["C"]}},
    "HC1": {"cov_type": "HC1"},
    "cluster": {"cov_type": "cluster", "cov_kwds": {"groups": "g"}},
    "threads": {"threads": 2},
}
# Public names of models -> what is asked of them.
ASKED = {
    "base": lambda m: m.base,
    "categories": lambda m: m.categories,
    "design": lambda m: m.design.encoding.names,
    "encoding": lambda m: m.encoding.names,
    "exog_names": lambda m: m.exog_names,
    "fit": lambda m: m.fit().params,
    "fit_path": lambda m: m.fit_path(penalties=[0.1, 0.01], disp=False).coefficients(0.01),
    "cross_validate": lambda m: m.cross_validate(3, seed=1, disp=False).loglike,
    "from_formula": lambda m: type(m).from_formula("y ~ x", cut(FRAME)).fit().llf,
    "loglike": lambda m: m.loglike(np.full(8, 0.1)),
    "score": lambda m: m.score(np.full(8, 0.1)),
    "information": lambda m: m.information(np.full(8, 0.1)),
    "loglikeobs": lambda m: m.loglikeobs(np.full(8, 0.1)),
}
NEED_ROWS = {"cross_validate", "loglikeobs"}


@pytest.fixture(scope="module")
def models():
    return build(FORMULA, FRAME), build(FORMULA, cut(FRAME))


def test_every_public_name_is_asked():
    public = {name for name in dir(MNLogit) if not name.startswith("_")} | {"design"}
    assert set(ASKED) == public


@pytest.mark.parametrize("name", ASKED)
def test_few_rows_answer_as_in_memory(models, name):
    there, here = models
    assert_alike(ASKED[name](there), ASKED[name](here))


@pytest.mark.parametrize("name", ASKED)
def test_many_rows_answer_or_refuse(models, name, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    there, here = models
    if name in NEED_ROWS:
        with pytest.raises(RowsNotHeldError, match="read in pieces"):
            ASKED[name](here)
        return
    assert_alike(ASKED[name](there), ASKED[name](here))


@pytest.mark.parametrize("kept", [0, 1 << 22])
@pytest.mark.parametrize("how", FITS)
def test_fits_are_those_in_memory(models, how, kept, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", kept)
    there, here = (model.fit(**FITS[how]) for model in models)
    np.testing.assert_allclose(here.params, there.params, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(here.bse, there.bse, rtol=1e-8)
    assert here.converged
    assert there.converged
    np.testing.assert_allclose(here.llf, there.llf, rtol=1e-12)


def assert_fits_agree(formula, frame, pieces, **options):
    there = build(formula, frame, **options).fit()
    here = build(formula, pieces, **options).fit()
    assert here.categories == there.categories
    assert here.base == there.base
    assert [type(one) for one in here.categories] == [type(one) for one in there.categories]
    np.testing.assert_allclose(here.params, there.params, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(here.bse, there.bse, rtol=1e-9)
    assert str(here.audit) == str(there.audit)
    return there, here


def test_pieces_of_one_row():
    assert_fits_agree("y ~ x", FRAME.head(60), [FRAME.iloc[i : i + 1] for i in range(60)])


def test_pieces_of_one_category_and_unsorted():
    frame = FRAME.sort_values("y", ascending=False)
    ends = np.cumsum(frame.y.value_counts(sort=False))[:-1]
    assert_fits_agree("y ~ x + z", frame, cut(frame, tuple(ends)))


def test_a_column_whole_in_one_piece_and_not_in_another():
    frame = FRAME.assign(v=np.r_[np.arange(70.0), FRAME.z[70:]])
    pieces = cut(frame)
    pieces[:4] = [piece.astype({"v": "int64"}) for piece in pieces[:4]]
    assert_fits_agree("y ~ v", frame, pieces)


def test_categorical_outcome_keeps_its_order():
    kind = pd.CategoricalDtype(["C", "A", "B"], ordered=True)
    frame = FRAME.assign(y=FRAME.y.astype(kind))
    assert_fits_agree("y ~ x", frame, cut(frame))
    assert_fits_agree("y ~ x", frame, cut(frame), base="B")


def test_number_outcome():
    frame = FRAME.assign(y=FRAME.y.map({"A": 3, "B": 1, "C": 2}))
    assert_fits_agree("y ~ x", frame, cut(frame))


def test_probabilities_outcome():
    shares = FRAME[["cA", "cB", "cC"]].div(FRAME[["cA", "cB", "cC"]].sum(axis=1), axis=0)
    frame = FRAME.assign(**shares)
    assert_fits_agree("probabilities(cA, cB, cC) ~ x + z", frame, cut(frame))


def test_missing_values_raise_or_drop():
    with pytest.raises(ml.exceptions.MissingDataError, match="'x'"):
        build(FORMULA, cut(GAPS))
    assert_fits_agree(FORMULA, GAPS, cut(GAPS), missing="drop")


def test_collinear_columns():
    frame = FRAME.assign(v=2 * FRAME.x - FRAME.z)
    models = []
    for data in (frame, cut(frame)):
        with pytest.warns(CollinearityWarning, match="v = 2 x - z"):
            models.append(build("y ~ x + z + v", data))
    there, here = (model.fit() for model in models)
    assert_alike(there.params, here.params)
    assert list(there.omitted) == list(here.omitted)
    with pytest.raises(ml.exceptions.RankDeficiencyError):
        build("y ~ x + z + v", cut(frame), collinear="raise")


SEPARATED = FRAME.assign(v=np.where(FRAME.y == "C", 1.0, 0.0) * (1 + FRAME.x**2))


def test_separated_rows_that_are_few_are_decided_as_in_memory():
    fits = []
    for data in (SEPARATED, cut(SEPARATED)):
        with pytest.warns(SeparationWarning):
            fits.append(build("y ~ v + z", data).fit())
    there, here = fits
    assert there.separation.verdict == here.separation.verdict == "quasi-complete"
    assert_alike(there.params, here.params)
    assert_alike(there.bse, here.bse)
    assert_alike(there.predict(), here.predict())


def test_separated_rows_that_are_many_have_no_standard_errors(monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    with pytest.warns(NoFiniteMaximumWarning) as caught:
        fit = build("y ~ v + z", cut(SEPARATED)).fit()
    assert not any(issubclass(one.category, SeparationWarning) for one in caught)
    assert fit.separation.verdict == "undecided"
    assert "too many to hold" in str(fit.separation)
    assert not fit.converged
    assert fit.bse.isna().all(axis=None)
    assert np.isfinite(build("y ~ v + z", cut(SEPARATED)).fit(bias_reduction="mean").bse).all(
        axis=None
    )


@pytest.mark.parametrize("held", [0, 1 << 25])
def test_compared_models(held, monkeypatch):
    monkeypatch.setattr(stream, "HELD_ELEMENTS", held)
    said = []
    for data in (FRAME, cut(FRAME)):
        fits = {formula: build(formula, data).fit() for formula in ("y ~ x", "y ~ x + z")}
        said.append(shorten(str(ml.compare_models(fits))))
    assert said[0] == said[1]
