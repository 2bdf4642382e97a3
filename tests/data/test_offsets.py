"""Offsets of every shape."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    MNLogitError,
    OffsetError,
    UnusedLevelWarning,
)
from tests.data.samples import CODES, DESIGN, ROWS

OFFSET = np.random.default_rng(23).normal(size=(ROWS, 3))


def fit(**options):
    return ml.MNLogit(CODES, DESIGN, **options).fit()


def test_an_offset_shifts_the_intercepts():
    constant = np.tile([0.0, 1.0, -2.0], (ROWS, 1))
    shifted, plain = fit(offset=constant), fit()
    np.testing.assert_allclose(
        shifted.params.loc["const"] + [1, -2], plain.params.loc["const"], rtol=1e-7
    )
    np.testing.assert_allclose(shifted.llf, plain.llf, rtol=1e-12)
    np.testing.assert_allclose(shifted.llnull, plain.llnull, rtol=1e-12)
    np.testing.assert_allclose(shifted.bse, plain.bse, rtol=1e-7)


def test_an_offset_along_a_column_shifts_its_coefficients():
    slopes = np.array([0.0, 0.5, -1.5])
    shifted = fit(offset=DESIGN[:, [1]] * slopes)
    np.testing.assert_allclose(shifted.params.loc["x1"] + slopes[1:], fit().params.loc["x1"])


@pytest.mark.parametrize("base", [0, 1, 2])
def test_shapes_of_an_offset_agree(base):
    others = [k for k in range(3) if k != base]
    against_base = OFFSET - OFFSET[:, [base]]
    full = fit(offset=OFFSET, base=base)
    frame = pd.DataFrame(OFFSET, columns=[0, 1, 2])
    shapes = {
        "against base": against_base,
        "without base": against_base[:, others],
        "labelled": frame[[2, 0, 1]],
        "labelled without base": pd.DataFrame(against_base[:, others[::-1]], columns=others[::-1]),
        "polars": pl.DataFrame(OFFSET, schema=["a", "b", "c"]),
        "lists": OFFSET.tolist(),
    }
    for name, offset in shapes.items():
        other = fit(offset=offset, base=base)
        np.testing.assert_allclose(other.params, full.params, rtol=1e-7, err_msg=name)
        np.testing.assert_allclose(other.llnull, full.llnull, rtol=1e-9, err_msg=name)


def test_the_offset_is_in_the_scores():
    result = fit(offset=OFFSET, base=1)
    params = np.insert(result.params.to_numpy(), 1, 0, axis=1)
    scores = DESIGN @ params + OFFSET
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result.fittedvalues, expected, rtol=1e-9)
    again = result.predict(pd.DataFrame(DESIGN, columns=["const", "x1"]), offset=OFFSET)
    np.testing.assert_allclose(again, expected, rtol=1e-9)
    with pytest.raises(OffsetError, match="offset"):
        result.predict(DESIGN)
    with pytest.raises(OffsetError, match="no offset"):
        fit().predict(DESIGN, offset=OFFSET)


def test_an_offset_for_an_unused_category_goes_with_it():
    endog = pd.Categorical(CODES, categories=[0, 9, 1, 2])
    wide = np.insert(OFFSET, 1, 5.0, axis=1)
    with pytest.warns(UnusedLevelWarning):
        result = ml.MNLogit(endog, DESIGN, offset=wide).fit()
    np.testing.assert_allclose(result.params, fit(offset=OFFSET).params, rtol=1e-8)


@pytest.mark.parametrize(
    ("offset", "error", "says"),
    [
        (OFFSET[:, 0], OffsetError, "columns"),
        (np.column_stack([OFFSET, OFFSET]), OffsetError, "columns"),
        (OFFSET[:-1], (OffsetError, LengthMismatchError), "119"),
        (np.where(OFFSET[4, 1] == OFFSET, np.inf, OFFSET), OffsetError, "row 4"),
        (np.where(OFFSET[4, 1] == OFFSET, np.nan, OFFSET), MissingDataError, r"'offset'.*\[4\]"),
        (OFFSET.astype(str), MNLogitError, "."),
        (OFFSET.astype(complex), MNLogitError, "."),
        (np.zeros((ROWS, 3, 1)), MNLogitError, "offset.*dimensions"),
        (1.0, MNLogitError, "."),
        (pd.DataFrame(OFFSET, columns=[0, 1, 1]), MNLogitError, "."),
        (pd.DataFrame(OFFSET[:, :2], columns=[0, 2]), OffsetError, "."),
        ("o", ColumnNotFoundError, "'o'"),
    ],
)
def test_bad_offsets_have_named_errors(offset, error, says):
    with pytest.raises(error, match=says):
        ml.MNLogit(CODES, DESIGN, offset=offset)


def test_offset_columns_by_name():
    data = pd.DataFrame(OFFSET[:, 1:], columns=["p", "q"]).assign(y=CODES, x=DESIGN[:, 1])
    named = ml.mnlogit("y ~ x", data, offset=["p", "q"]).fit()
    np.testing.assert_allclose(named.params, fit(offset=OFFSET[:, 1:]).params, rtol=1e-9)


def test_offsets_by_name_keep_their_categories_after_a_change_of_base():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=["x", "o1", "o2"])
    frame["y"] = rng.choice(list("abc"), 120)
    fits = [ml.mnlogit("y ~ x", frame, offset=["o1", "o2"]).fit()]
    fits.append(
        ml.mnlogit("y ~ x", frame.rename(columns={"o1": "b", "o2": "c"}), offset=["b", "c"]).fit()
    )
    two = frame.assign(y=np.where(frame["y"] == "a", "a", "b"))
    fits.append(ml.mnlogit("y ~ x", two, offset="o1").fit())
    rows = frame.assign(b=frame["o1"], c=frame["o2"])
    for res in fits:
        for base in res.categories:
            moved = res.rebase(base)
            np.testing.assert_allclose(moved.predict(rows), res.predict(), rtol=1e-12)
            np.testing.assert_allclose(
                moved.margins("x", newdata=rows).estimate, res.margins("x").estimate, atol=1e-14
            )


def test_an_offset_of_new_rows_pairs_by_index():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.normal(size=(60, 1)), columns=["x"])
    frame["y"] = rng.choice(list("abc"), 60)
    offset = pd.DataFrame(rng.normal(size=(60, 2)), columns=["b", "c"])
    res = ml.mnlogit("y ~ x", frame, offset=offset).fit()
    some = [5, 0, 3]
    found = res.predict(frame.iloc[some], offset=offset.iloc[some])
    np.testing.assert_allclose(found, res.predict().iloc[some], rtol=1e-12)
    for other in ([0, 3, 5], [5, 0, 7]):
        with pytest.raises(MisalignedIndexError, match="newdata and offset"):
            res.predict(frame.iloc[some], offset=offset.iloc[other])
