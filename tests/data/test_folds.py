"""Folds: who is held out, and what is left in."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.folds import (
    FoldRequest,
    deal_folds,
    find_present,
    hold_out,
    keep_categories,
)
from mlelogit.exceptions import (
    ColumnNotFoundError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    OneCategoryError,
    OptionError,
)


def lay_out(folds):
    """Return what every fold holds out, (F, n) or (F, n, J)."""
    return np.array([folds.hold(fold) for fold in range(len(folds.labels))])


@pytest.fixture
def model(voters):
    return ml.mnlogit("vote ~ age", voters)


def deal(model, *args, **options):
    return deal_folds(model.design, FoldRequest(*args, **options))


def test_everyone_is_held_out_once_and_categories_are_shared_out(model):
    (folds,) = deal(model, 7)
    assert (lay_out(folds).sum(axis=0) == 1).all()
    for code in range(3):
        shares = lay_out(folds)[:, model.design.outcome.codes == code].sum(axis=1)
        assert np.ptp(shares) <= 1
    assert np.ptp(lay_out(folds).sum(axis=1)) <= 1


def test_without_strata_sizes_are_even_and_the_dealing_differs(model):
    (plain,), (strata,) = deal(model, 7, stratify=False), deal(model, 7)
    assert np.ptp(lay_out(plain).sum(axis=1)) <= 1
    assert not np.array_equal(lay_out(plain), lay_out(strata))


def test_the_seed_decides(model):
    first, again, other = (lay_out(deal(model, 5, seed=s)[0]) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    one, two = deal(model, 5, repeats=2)
    assert not np.array_equal(lay_out(one), lay_out(two))


def test_weights_and_counts_are_dealt_as_rows_written_out(voters):
    weighted = ml.mnlogit("vote ~ age", voters, weights="people", weight_type="frequency")
    long = voters.loc[voters.index.repeat(voters["people"])].reset_index(drop=True)
    expanded = ml.mnlogit("vote ~ age", long)
    of_row = np.repeat(np.arange(len(voters)), voters["people"])
    (few,), (many,) = deal(weighted, 4), deal(expanded, 4)
    for fold in range(4):
        summed = np.bincount(of_row, many.hold(fold))
        assert np.array_equal(summed, few.hold(fold))


def test_counts_are_dealt_person_by_person(voters):
    table = pd.crosstab(voters["children"], voters["vote"])
    model = ml.MNLogit(table, np.column_stack([np.ones(4), table.index]), outcome="counts")
    (folds,) = deal(model, 3)
    assert np.array_equal(lay_out(folds).sum(axis=0), table.to_numpy())
    inside, outside, rows = hold_out(model.design, folds, 0)
    assert np.array_equal(
        np.asarray(inside.outcome.table)[rows] + np.asarray(outside.outcome.table),
        table.to_numpy()[rows],
    )


def test_groups_stay_together(model, voters):
    groups = voters["age"].round(-1)
    (folds,) = deal(model, 3, groups=groups)
    fold = lay_out(folds).argmax(axis=0)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    assert set(fold) == {0, 1, 2}


def test_given_folds_are_used(model, voters):
    (folds,) = deal(model, voters["region"])
    assert folds.labels == ("east", "north", "west")
    assert np.array_equal(folds.hold(1) > 0, voters["region"] == "north")


def test_groups_follow_the_rows_that_are_left(voters):
    frame = voters.copy()
    frame.loc[[3, 8], "age"] = np.nan
    model = ml.mnlogit("vote ~ age", frame, missing="drop")
    kept = frame.drop(index=[3, 8])["region"].to_numpy()
    for given in ("region", frame["region"], frame["region"].to_numpy()):
        (folds,) = deal(model, given)
        assert np.array_equal(folds.hold(0) > 0, kept == "east")
    with pytest.raises(LengthMismatchError, match="398"):
        deal(model, kept)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"folds": 1}, OptionError, "2 or more"),
        ({"folds": 2.5}, OptionError, "whole number"),
        ({"folds": True}, OptionError, "whole number"),
        ({"folds": 401}, OptionError, "there are 400"),
        ({"folds": "five"}, ColumnNotFoundError, "no column"),
        ({"seed": -1}, OptionError, "seed"),
        ({"seed": 0.5}, OptionError, "seed"),
        ({"repeats": 0}, OptionError, "repeats"),
        ({"stratify": "yes"}, OptionError, "stratify"),
        ({"groups": np.arange(3)}, LengthMismatchError, "400"),
        ({"groups": "regions"}, ColumnNotFoundError, "no column"),
        ({"groups": np.zeros(400)}, OptionError, "there are 1"),
        ({"groups": np.r_[np.nan, np.arange(399)]}, MissingDataError, "missing in 1"),
        ({"groups": pd.Series(range(400), index=range(1, 401))}, MisalignedIndexError, "indexes"),
        ({"groups": pd.Series(range(400))[::-1]}, MisalignedIndexError, "indexes"),
        ({"folds": np.zeros(400)}, OptionError, "1 folds need"),
        ({"folds": np.arange(400), "repeats": 2}, OptionError, "nothing to deal"),
    ],
)
def test_bad_requests_are_named(model, options, error, said):
    with pytest.raises(error, match=said):
        deal(model, **options)


def test_a_lost_category_leaves_with_its_rows_and_offset(voters):
    offset = np.column_stack([np.zeros(400), voters["age"] / 50, voters["children"]])
    model = ml.mnlogit("vote ~ age", voters, offset=offset, base="ann")
    fewer, stay = keep_categories(model.design, np.array([False, True, True]))
    assert fewer.encoding.categories == ("bob", "cat")
    assert fewer.encoding.base_category == "bob"
    assert np.array_equal(stay, voters["vote"] != "ann")
    expected = offset[stay][:, 1:] - offset[stay][:, [1]]
    assert np.array_equal(fewer.offset, expected)
    assert find_present(fewer).all()
    with pytest.raises(OneCategoryError):
        keep_categories(model.design, np.array([False, True, False]))


@pytest.mark.parametrize("options", [{}, {"groups": np.arange(400)}])
def test_many_folds_take_no_more_memory_than_few(model, options):
    """Leaving one out has as many folds as rows; 400 * 400 numbers would be 1.3 MB."""
    tracemalloc.start()
    (folds,) = deal(model, 400, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000
    assert (lay_out(folds).sum(axis=0) == 1).all()
    assert (lay_out(folds).sum(axis=1) == 1).all()
