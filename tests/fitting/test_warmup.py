"""Many rows: a start from a few of them, and the same maximum."""

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.fitting import basis as basis_module
from mlelogit.fitting.basis import find_basis, make_objective
from mlelogit.fitting.estimation import fit_null
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.warmup import warm_up, whiten_null


def draw(rng, n, rare=0.0):
    """Draw raw columns: a dummy, a skewed one, a shifted one, and a rare last category."""
    z = rng.normal(size=(n, 3))
    x = np.column_stack(
        [np.ones(n), z[:, 0] > 1, np.round(1e3 * np.exp(z[:, 1])), 40 + 12 * z[:, 2]]
    )
    u = np.column_stack([0 * z[:, 0], 0.8 * z[:, 0], 0.5 * z[:, 1] - 0.3 * z[:, 2] - rare])
    return (u + rng.gumbel(size=u.shape)).argmax(axis=1), x


@pytest.mark.parametrize("rare", [0.0, 6.0])
@pytest.mark.parametrize("form", ["labels", "weights", "offset", "no constant"])
def test_the_way_by_few_rows_leads_to_the_same_maximum(rng, form, rare):
    codes, x = draw(rng, 40_000, rare)
    options = {}
    if form == "weights":
        options = {"weights": rng.uniform(0.1, 3, 40_000), "weight_type": "importance"}
    if form == "offset":
        options = {"offset": rng.normal(size=(40_000, 3))}
    if form == "no constant":
        x = x[:, 1:]
    model = ml.MNLogit(codes, x, **options)
    few, every = model.fit(), model.fit("trust-exact")
    assert few.record.maximum.method == "L-BFGS-B"
    assert few.converged
    assert np.abs((few.params - every.params) / every.bse).max(axis=None) < 1e-9
    assert np.abs(few.bse / every.bse - 1).max(axis=None) < 1e-9
    assert abs(few.llf - every.llf) < 1e-11 * abs(every.llf)


def test_a_category_absent_from_the_few_rows_does_no_harm(rng):
    codes, x = draw(rng, 40_000)
    codes[codes == 2] = 0
    codes[rng.choice(np.arange(1, 40_000, 2), 40, replace=False)] = 2
    res = ml.MNLogit(codes, x).fit()
    assert res.converged
    assert (
        np.abs((res.params - ml.MNLogit(codes, x).fit("newton").params) / res.bse).max(axis=None)
        < 1e-9
    )


@pytest.mark.parametrize("seed", [4, 8])
def test_one_far_value_among_many_rows_does_not_end_the_climb(seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(30_000), rng.normal(size=(30_000, 7))])
    slopes = rng.normal(size=(4, 8))
    slopes[:, 1], x[7, 1] = 0, 1e6
    codes = (x @ slopes.T + rng.gumbel(size=(30_000, 4))).argmax(axis=1)
    few, every = ml.MNLogit(codes, x).fit(), ml.MNLogit(codes, x).fit("newton")
    assert few.converged
    assert every.converged
    assert np.abs((few.params - every.params) / every.bse).max(axis=None) < 1e-6


@pytest.mark.parametrize("waves", [4, 16])
def test_the_order_of_a_panel_costs_no_passes(rng, waves):
    """Every so many rows are of one wave: taken in step, the few would all be of it."""
    n = 64_000
    wave = np.eye(waves)[np.arange(n) % waves, 1:]
    x = np.column_stack([np.ones(n), wave, rng.normal(size=(n, 2))])
    scores = x @ (0.5 * rng.normal(size=(x.shape[1], 3)))
    codes = (scores + rng.gumbel(size=(n, 3))).argmax(axis=1)
    order = rng.permutation(n)
    passes = [
        ml.MNLogit(codes[rows], x[rows]).fit().trace["evaluations"].iloc[-1]
        for rows in (np.arange(n), order)
    ]
    assert passes[0] <= 2 * passes[1]


def test_separated_rows_are_still_told(rng):
    codes, x = draw(rng, 40_000)
    codes[x[:, 1] == 1] = 1
    with pytest.warns(ml.exceptions.NoFiniteMaximumWarning):
        assert not ml.MNLogit(codes, x).fit().converged


def test_the_null_whitening_is_the_information_of_the_null_model(rng):
    codes, x = draw(rng, 500)
    design = ml.MNLogit(codes, x, base=1).design
    blocks = RowBlocks(design)
    basis = find_basis(blocks, design.encoding.names)
    inner = blocks.in_basis(basis)
    _, nothing = fit_null(inner, 1, basis)
    information = LogLikelihood(inner, 1).evaluate(nothing.params, 2).information
    assert np.abs(nothing.whitening.square() - information).max() < 1e-8 * 500
    shares = np.bincount(codes) / 500
    assert np.array_equal(whiten_null(shares, 1, 4, 500.0).lower, nothing.whitening.lower)


def test_few_rows_start_from_the_null_model(rng):
    codes, x = draw(rng, 300)
    design = ml.MNLogit(codes, x).design
    blocks = RowBlocks(design)
    basis = find_basis(blocks, design.encoding.names)
    inner = blocks.in_basis(basis)
    _, nothing = fit_null(inner, 0, basis)
    assert warm_up(LogLikelihood(inner, 0), nothing) is not nothing
    assert (
        warm_up(LogLikelihood(RowBlocks(take_rows(design, np.arange(100))), 0), nothing) is nothing
    )
    assert ml.MNLogit(codes, x).fit().record.maximum.method == "trust-exact"


def test_taken_rows_are_those_rows(rng):
    codes, x = draw(rng, 50)
    offset, weights = rng.normal(size=(50, 3)), rng.uniform(1, 2, 50)
    options = {"offset": offset, "weights": weights, "weight_type": "sampling"}
    rows = np.array([0, 3, 49])
    taken = take_rows(ml.MNLogit(codes, x, **options).design, rows)
    assert np.array_equal(taken.outcome.codes, codes[rows])
    assert np.array_equal(taken.source.block(0, 3), x[rows].T)
    assert np.array_equal(taken.weights, weights[rows])
    assert np.array_equal(taken.offset, (offset - offset[:, [0]])[rows])
    assert taken.index.tolist() == rows.tolist()


@pytest.mark.parametrize("base", [0, 2])
def test_mapping_sums_gives_what_mapping_rows_gives(rng, monkeypatch, base):
    codes, x = draw(rng, 3_000)
    weights = rng.uniform(0.5, 2, 3_000)
    model = ml.MNLogit(codes, x, base=base, weights=weights, weight_type="importance")
    rows = model.fit()
    monkeypatch.setattr(basis_module, "KEPT_ELEMENTS", 0)
    sums = model.fit()
    assert sums.converged
    assert np.abs((sums.params - rows.params) / rows.bse).max(axis=None) < 1e-11
    assert np.abs(sums.bse / rows.bse - 1).max(axis=None) < 1e-11
    assert np.abs(sums.score()).max(axis=None) < 1e-6


def test_ill_conditioned_rows_are_mapped_themselves(rng, monkeypatch):
    codes, x = draw(rng, 3_000)
    x[:, 3] += 1e6
    monkeypatch.setattr(basis_module, "KEPT_ELEMENTS", 0)
    design = ml.MNLogit(codes, x).design
    blocks = RowBlocks(design)
    basis = find_basis(blocks, design.encoding.names)
    assert basis.raw_amplification > 1e3 > basis.amplification
    assert make_objective(blocks, 0, basis).basis is None
