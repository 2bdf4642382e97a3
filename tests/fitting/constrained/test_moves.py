"""What equations leave free, against elimination by hand and the record that keeps it."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.hypotheses.restrictions import make_restriction
from mlelogit.fitting.constrained.moves import enter_rows, find_moves
from tests.inference.samples import fitted, survey


def equations(record, rng, count):
    rows = rng.integers(-2, 3, size=(count, record.maximum.params.size)).astype(float)
    rows[0] = 0
    rows[0, 2] = 2.0
    return make_restriction(rows, rng.normal(size=count), record.encoding)


def test_moves_meet_the_equations_and_nothing_else_is_free(rng):
    record = fitted().record
    for count in (1, 3, 6):
        asked = equations(record, rng, count)
        moves = find_moves(asked, record.basis)
        assert moves.matrix.shape == (10 - count, 10)
        away = rng.normal(size=10 - count)
        params = moves.point + away @ moves.matrix
        assert np.abs(asked.matrix @ params - asked.values).max() < 1e-10
        assert params[2] == asked.values[0] / 2
        inner = record.basis.enter_params(params.reshape(2, -1)).ravel()
        space = moves.space
        assert np.abs(space.leave(space.enter(inner)) - inner).max() < 1e-9 * np.abs(inner).max()
        # Of the equations nothing is free, of other rows what is not in their span.
        assert np.abs(moves.free(asked.matrix)[0]).max() < 1e-12
        assert np.abs(moves.enter(asked.matrix)).max() < 1e-10 * np.abs(asked.matrix).max()
        # A combination changes by the same in both, whatever moves.
        row = rng.normal(size=(1, 10))
        changed = record.basis.enter_params((away @ moves.matrix).reshape(2, -1)).ravel()
        expected = row @ (away @ moves.matrix)
        assert moves.enter(row) @ changed == pytest.approx(expected, rel=1e-9)
        assert enter_rows(row, None, record.basis) @ changed == pytest.approx(expected, rel=1e-9)


def test_a_record_keeps_them_and_does_not_copy_them():
    res = ml.mnlogit("party ~ age + educ", survey()).fit(constraints="green: age = red: age")
    record = res.record
    assert record.moves is record.moves
    for copied in (pickle.loads(pickle.dumps(record)), deepcopy(record)):
        assert "moves" not in vars(copied)
        np.testing.assert_array_equal(copied.moves.matrix, record.moves.matrix)
    assert fitted().record.moves is None
    with pytest.raises(ValueError, match="read-only"):
        record.moves.matrix[0, 0] = 1.0


@pytest.mark.parametrize("near", [1e-5, 1e-8, 1e-9])
def test_tests_inside_equations_that_fix_a_twin_are_those_without_it(near):
    """A column nearly another one, with fixed coefficients, is an offset."""
    rng = np.random.default_rng(1)
    n = 200
    y, p, z, u = rng.integers(0, 3, n), rng.normal(size=n), rng.normal(size=n), rng.normal(size=n)
    twin = p + near * u
    data = pd.DataFrame({"y": y, "p": p, "q": twin, "z": z})
    offset = np.column_stack([np.zeros(n), 0.3 * twin, 0.1 * twin])
    res = ml.mnlogit("y ~ p + q + z", data).fit(constraints=["1: q = 0.3", "2: q = 0.1"])
    alone = ml.mnlogit("y ~ p + z", data, offset=offset).fit()
    for said in ("p", "1: p = 2: p", "1: z = 0", "1: p + 1: z = 0.1"):
        for kind in ("lr", "score", "wald"):
            found = getattr(res, f"{kind}_test")(said)
            expected = getattr(alone, f"{kind}_test")(said)
            assert found.df == expected.df
            assert found.statistic == pytest.approx(expected.statistic, rel=1e-6, abs=1e-8)
    ends, truth = res.conf_int(method="profile"), alone.conf_int(method="profile")
    np.testing.assert_allclose(ends.loc[truth.index], truth, rtol=1e-6)
    terms = res.term_tests()
    assert terms.loc["p", "statistic"] == pytest.approx(alone.term_tests().loc["p", "statistic"])
