"""Separation: decided as a plain linear programme decides it, and the limit it leads to."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import mlelogit as ml
from mlelogit.exceptions import MNLogitWarning, NoFiniteMaximumWarning, SeparationWarning
from mlelogit.fitting import examination, limit, recession
from mlelogit.fitting import separation as module
from mlelogit.fitting.limit import leave_columns
from mlelogit.fitting.maximum import Status
from mlelogit.inference.sandwich.requests import PLAIN

KINDS = ["labels", "counts", "weights", "offset"]


def draw(seed):
    """Draw data that are separated about half of the time."""
    rng = np.random.default_rng(seed)
    rows, width, size = (int(rng.integers(*span)) for span in ((8, 90), (1, 5), (2, 5)))
    z = rng.normal(size=(rows, width)).round(int(rng.integers(0, 3)))
    x = np.column_stack([np.ones(rows), z])
    scores = np.insert(x @ rng.normal(size=(width + 1, size - 1)), 0, 0.0, axis=1)
    scores *= rng.uniform(0.2, 6)
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    if KINDS[seed % 4] == "counts":
        people = rng.integers(1, 4, rows)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        table = np.array([rng.multinomial(n, p) for n, p in zip(people, shares, strict=True)])
        table = table[:, table.sum(axis=0) > 0]
        return table, x, {"outcome": "counts"}, table > 0
    codes = np.unique(codes, return_inverse=True)[1]
    size = codes.max() + 1
    options = {
        "weights": {"weights": rng.uniform(0.1, 3, rows), "weight_type": "importance"},
        "offset": {"offset": rng.normal(size=(rows, size))},
    }.get(KINDS[seed % 4], {})
    return codes, x, options, np.eye(size)[codes] > 0


def decide(x, observed, people):
    """Count the separated pairs by one plain programme: the sum of ``min(1, gap)``, maximized."""
    (rows, width), size = x.shape, observed.shape[1]
    rising, level, weights = [], [], []
    for n in range(rows):
        first = int(observed[n].argmax())
        for other in range(size):
            if other != first:
                gap = np.zeros((size, width))
                gap[first] += x[n]
                gap[other] -= x[n]
                (level if observed[n, other] else rising).append(gap[1:].ravel())
                weights += [] if observed[n, other] else [people[n]]
    if not rising:
        return 0
    rising, free = np.array(rising), np.eye(len(rising))
    level = np.array(level).reshape(-1, rising.shape[1])
    found = linprog(
        np.concatenate([np.zeros(rising.shape[1]), -np.ones(len(rising))]),
        A_ub=np.hstack([-rising, free]),
        b_ub=np.zeros(len(rising)),
        A_eq=np.hstack([level, np.zeros((len(level), len(rising)))]),
        b_eq=np.zeros(len(level)),
        bounds=[(None, None)] * rising.shape[1] + [(0, 1)] * len(rising),
    )
    return int(np.array(weights)[found.x[rising.shape[1] :] > 0.5].sum())


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.SeparationWarning")
def test_the_verdict_is_that_of_a_plain_programme(seed):
    endog, x, options, observed = draw(seed)
    if observed.shape[1] < 2 or np.linalg.matrix_rank(x) < x.shape[1]:
        pytest.skip("these draws leave nothing to fit")
    units = np.append(1.0, 10.0 ** np.random.default_rng(seed).integers(-3, 4, x.shape[1] - 1))
    model = ml.MNLogit(endog, x * units, **options)
    res = model.fit()
    people = endog.sum(axis=1) if KINDS[seed % 4] == "counts" else np.ones(len(x))
    separated = decide(x, observed, people)
    assert res.separation.separated == separated
    assert res.separation.pairs in (0, people.sum() * (observed.shape[1] - 1))
    assert res.converged == (separated == 0)
    finite = np.where(np.isfinite(res.params), res.params, 0)
    for step in (0, 1, 5):
        assert res.llf >= model.loglike(finite / units[:, np.newaxis] * step) - 1e-9
    again = res.predict(x * units, offset=options.get("offset"))
    np.testing.assert_allclose(again, res.fittedvalues, rtol=1e-9, atol=1e-12)
    assert (res.separation.verdict == "none") == (separated == 0)
    one_left = (res.fittedvalues.to_numpy() == 1).any(axis=1)
    assert (res.separation.verdict == "complete") == bool(separated and one_left.all())


@pytest.fixture
def nested(rng):
    """A level in which category 2 never occurs, beside a column of numbers."""
    group = rng.integers(0, 3, 400)
    x = rng.normal(size=400)
    scores = np.column_stack([np.zeros(400), 0.5 * x, group - x])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    codes[(group == 1) & (codes == 2)] = 0
    return pd.DataFrame({"y": codes, "g": group, "x": x})


def fit_separated(*args, **options):
    with pytest.warns(SeparationWarning):
        return ml.mnlogit(*args, **options).fit()


def test_the_supremum_is_where_the_likelihood_goes(nested):
    res = fit_separated("y ~ C(g) + x", nested)
    model = ml.mnlogit("y ~ C(g) + x", nested)
    record = res.record
    direction = leave_columns(record.basis, record.separation.direction[:, np.newaxis])[:, 0]
    direction /= np.abs(direction).max()
    path = [
        model.loglike(record.maximum.params + step * direction) for step in (0, 2, 4, 8, 16, 32, 64)
    ]
    assert (np.diff(path) > -1e-12).all()
    assert path[0] < res.llf - 0.1
    assert path[-1] == pytest.approx(res.llf, rel=1e-12)
    score = model.score(record.maximum.params + 64 * direction)
    assert np.abs(score).max(axis=None) < 1e-6


def test_only_the_coefficient_of_the_empty_cell_is_infinite(nested):
    res = fit_separated("y ~ C(g) + x", nested)
    assert res.separation.verdict == "quasi-complete"
    assert np.isneginf(res.params.loc["C(g)[T.1]", 2])
    assert np.isfinite(res.params.to_numpy()).sum() == 7
    frame = res.separation.coefficients
    assert frame.drop(columns="sure").to_numpy(dtype=object).tolist() == [[2, "C(g)[T.1]", -np.inf]]
    assert frame["sure"].tolist() == [True]
    assert (res.fittedvalues.loc[nested.g == 1, 2] == 0).all()
    assert (res.fittedvalues.sum(axis=1) - 1).abs().max() < 1e-14


def test_the_limit_of_two_categories_is_the_fit_without_the_decided_rows(rng):
    group = rng.integers(0, 2, 300)
    x = rng.normal(size=300)
    codes = np.where(group == 1, 1, (x + rng.logistic(size=300) > 0).astype(int))
    frame = pd.DataFrame({"y": codes, "g": group, "x": x})
    weights = rng.uniform(0.5, 2, 300)
    for options in ({}, {"weights": weights, "weight_type": "sampling"}):
        res = fit_separated("y ~ x + g", frame, **options)
        few = {**options, **({"weights": weights[group == 0]} if options else {})}
        rest = ml.mnlogit("y ~ x", frame[group == 0], **few).fit(cov_type="HC0")
        assert res.llf == pytest.approx(rest.llf, rel=1e-12)
        names = ["Intercept", "x"]
        pd.testing.assert_frame_equal(res.params.loc[names], rest.params, rtol=1e-9)
        robust = res.with_cov("HC0")
        pd.testing.assert_frame_equal(robust.bse.loc[names], rest.bse, rtol=1e-8)
        assert np.isposinf(res.params.loc["g", 1])
        assert np.isnan(res.bse.loc["g", 1])


def test_another_base_shows_what_is_finite_between_the_others(nested):
    """Beside 2 as the base both contrasts are infinite; 1 against 0 is not, and is the same."""
    res = fit_separated("y ~ C(g) + x", nested, base=2)
    assert np.isposinf(res.params.loc["C(g)[T.1]"]).all()
    moved, direct = res.rebase(0), fit_separated("y ~ C(g) + x", nested)
    for what in ("params", "bse"):
        pd.testing.assert_frame_equal(getattr(moved, what), getattr(direct, what), rtol=1e-7)
    assert moved.llf == res.llf
    pd.testing.assert_frame_equal(
        moved.fittedvalues[[0, 1, 2]], direct.fittedvalues, rtol=1e-9, atol=1e-12
    )


def test_new_rows_have_their_limit(nested):
    res = fit_separated("y ~ C(g) + x", nested)
    seen = res.predict(nested.iloc[:20])
    pd.testing.assert_frame_equal(seen, res.fittedvalues.iloc[:20], rtol=1e-12)
    assert (seen[2] == 0).equals(nested.g.iloc[:20] == 1)
    gaps = res.predict(nested.iloc[:20], which="linear")
    assert np.isneginf(gaps.loc[nested.g.iloc[:20] == 1, 2]).all()


def test_the_base_has_log_odds_zero_in_the_limit_too(nested):
    res = fit_separated("y ~ C(g) + x", nested, base=2)
    gaps = res.predict(nested, which="linear")
    assert (gaps[2] == 0).all()
    assert np.isposinf(gaps.loc[nested.g == 1, [0, 1]]).all(axis=None)


def test_a_direction_that_the_data_leave_open_is_marked(rng):
    z = rng.normal(size=(40, 2))
    codes = (z[:, 0] + z[:, 1] > 0).astype(int)
    z += 0.5 * np.sign(z[:, :1] + z[:, 1:])
    with pytest.warns(SeparationWarning, match=r"or otherwise"):
        res = ml.MNLogit(codes, np.column_stack([np.ones(40), z])).fit()
    found = res.separation
    assert found.verdict == "complete"
    assert res.llf == 0
    sure = found.coefficients.set_index("name").sure
    assert not sure["const"]
    both = z[:, 0] * z[:, 1] > 0
    alone = [((z[:, i] > 0) == codes).all() for i in range(2)]
    assert both.any()
    assert sure["x1"] == (not alone[1])
    assert sure["x2"] == (not alone[0])


def test_the_report_names_rows(nested):
    nested.index = [f"r{i}" for i in range(400)]
    res = fit_separated("y ~ C(g) + x", nested)
    examples = res.separation.examples
    assert set(examples["not"]) == {2}
    for _, row in examples.iterrows():
        alike = nested[(nested.g == 1) & (nested.y == row.category)]
        assert row.rows == len(alike)
        assert row.example == alike.index[0]
    text = res.summary().as_text()
    assert f"{res.separation.separated} of 800" in text
    assert "2: C(g)[T.1] -> -inf" in text
    assert "bias_reduction" in text
    assert "row 'r" in str(res.separation)


def test_plain_fits_need_no_programme(nested, monkeypatch):
    monkeypatch.setattr(module, "linprog", None)
    res = ml.mnlogit("y ~ x", nested).fit()
    assert res.separation.verdict == "none"
    assert "certificate" in res.separation.proof
    assert res.separation.coefficients.empty
    assert str(res.separation).startswith("Separation: none")


def test_rounding_is_not_separation(rng):
    """One value far out hides the rest from the certificate, and separates nothing."""
    x = np.column_stack([np.ones(300), rng.normal(size=300)])
    x[0, 1] = 1e8
    codes = rng.integers(0, 3, 300)
    with pytest.warns(MNLogitWarning):
        res = ml.MNLogit(codes, x).fit()
    assert res.separation.verdict == "none"
    assert "linear programming" in res.separation.proof
    assert res.record.maximum.status is not Status.SEPARATED


@pytest.mark.parametrize("far", [1e10, 1e12, 1e15])
def test_what_rounding_could_decide_is_left_open(rng, far):
    """Complete separation of rows that one value far out leaves no digits for."""
    x = np.concatenate([rng.uniform(0, 49, 100), rng.uniform(51, 100, 100), [far]])
    with pytest.warns(NoFiniteMaximumWarning):
        res = ml.MNLogit((x > 50).astype(int), np.column_stack([np.ones(201), x])).fit()
    assert res.separation.verdict in ("undecided", "complete")
    assert res.bse.isna().all(axis=None)


def test_new_rows_are_judged_one_by_one():
    x = np.column_stack([np.ones(40), np.linspace(-2, 2, 40) + 0.05])
    with pytest.warns(SeparationWarning):
        res = ml.MNLogit((x[:, 1] > 0).astype(int), x).fit()
    alone, beside = res.predict([[1.0, 1.5]]), res.predict([[1.0, 1.5], [1.0, 1e14]])
    assert alone.to_numpy().tolist() == [[0.0, 1.0]]
    assert beside.iloc[0].tolist() == [0.0, 1.0]


def test_a_large_mean_hides_no_gap():
    moment = 1.7e12 + 1000.0 * np.arange(400)
    x = np.column_stack([np.ones(400), moment])
    with pytest.warns(SeparationWarning):
        res = ml.MNLogit((np.arange(400) >= 200).astype(int), x).fit()
    assert res.separation.verdict == "complete"
    assert (res.predict(x).to_numpy() == res.fittedvalues.to_numpy()).all()


@pytest.mark.parametrize("kind", PLAIN)
def test_every_covariance_has_its_limit(nested, kind):
    res = fit_separated("y ~ C(g) + x", nested).with_cov(kind)
    other = fit_separated("y ~ C(g) + x", nested, base=2).with_cov(kind).rebase(0)
    pd.testing.assert_frame_equal(res.bse, other.bse, rtol=1e-8)
    assert (res.bse.isna() == np.isinf(res.params)).all(axis=None)


def draw_open(rng):
    """Three categories on a line, apart, and a factor: more than one direction separates them."""
    x, g = rng.normal(size=60), (rng.random(60) < 0.4) * 1.0
    return pd.DataFrame({"y": np.digitize(x + 0.8 * g, [-0.5, 0.5]), "x": x, "g": g})


@pytest.mark.parametrize("seed", range(5))
def test_signs_know_neither_base_nor_order_of_rows_nor_units(seed):
    frame = draw_open(np.random.default_rng(seed))
    one = fit_separated("y ~ x + g", frame)
    others = [
        fit_separated("y ~ x + g", frame.iloc[::-1]),
        fit_separated("y ~ x + g", frame, base=2).rebase(0),
        fit_separated("y ~ x + g", frame.assign(x=1e3 * frame.x)),
    ]
    for other in others:
        assert np.array_equal(one.params, other.params, equal_nan=True)
        pd.testing.assert_frame_equal(one.separation.coefficients, other.separation.coefficients)
    assert one.rebase(0).separation.coefficients.equals(one.separation.coefficients)


@pytest.mark.parametrize("people", [1, 10**6, 10**9])
def test_many_people_in_a_row_change_no_verdict(people):
    table = np.array([[people, 4], [0, 7], [3, 2], [5, 0], [2, 1]])
    x = np.column_stack([np.ones(5), [0, 1, 0, 0, 0], [0.0, 0, 1, 2, 3]])
    with pytest.warns(SeparationWarning):
        res = ml.MNLogit(table, x).fit()
    assert res.separation.verdict == "quasi-complete"
    assert res.separation.separated == 7
    assert np.isposinf(res.params.loc["x1", 1])
    assert np.isfinite(res.params.to_numpy()).sum() == 2


def test_likelihood_ratios_of_suprema_are_told(nested):
    res = fit_separated("y ~ C(g) + x", nested)
    smaller = ml.mnlogit("y ~ x", nested).fit()
    test = res.lr_test(smaller)
    assert test.statistic == pytest.approx(2 * (res.llf - smaller.llf))
    assert test.df == 4


def test_verify_lists_the_supremum_and_what_engines_reach(nested):
    res = fit_separated("y ~ C(g) + x", nested)
    frame = res.verify(["cross-entropy", "statsmodels"]).frame
    assert frame["verdict"].str.contains("separated").all()
    assert frame["loglike"].iloc[0] == res.llf
    assert (-frame["cross_entropy"]).to_numpy() == pytest.approx(res.llf, rel=1e-6)


@pytest.mark.parametrize("guess", [True, False])
def test_pairs_that_are_guessed_are_those_that_are_found(guess, monkeypatch):
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(5000), rng.normal(size=5000), rng.random(5000) < 0.02])
    codes = rng.integers(0, 3, 5000)
    codes[(x[:, 2] == 1) & (codes == 0)] = 1
    searched = []
    search = examination.separate_pairs
    monkeypatch.setattr(
        examination, "separate_pairs", lambda *args: searched.append(1) or search(*args)
    )
    if not guess:
        monkeypatch.setattr(examination, "GUESSES", ())
    with pytest.warns(SeparationWarning):
        res = ml.MNLogit(codes, x).fit()
    assert bool(searched) != guess
    assert res.separation.separated == x[:, 2].sum()
    assert np.isposinf(res.params.loc["x2"]).all()


LATER = time.monotonic() + 1e6
UNENDED = {
    "no time": (examination, "TIME_LIMIT", 0.0),
    "too many stages": (module, "STAGES", 0),
    "too many rounds": (recession, "ROUNDS", 0),
    "a margin of rounding": (recession, "ROUNDING", 10.0),
    "a lower supremum": (examination, "LOST", -1.0),
    "no gap in the spectrum": (limit, "SAFE_SHARE", 1.0),
}


@pytest.mark.parametrize("why", UNENDED)
def test_what_cannot_be_verified_is_left_open(nested, monkeypatch, why):
    monkeypatch.setattr(*UNENDED[why])
    with pytest.warns(NoFiniteMaximumWarning, match="has been shown"):
        res = ml.mnlogit("y ~ C(g) + x", nested).fit()
    assert res.separation.verdict == "undecided"
    assert res.bse.isna().all(axis=None)
    assert str(res.separation).startswith("Separation: undecided")


def test_pairs_are_handed_to_the_solver_as_they_are_needed(monkeypatch):
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(3000), rng.normal(size=(3000, 3))])
    codes = np.digitize(x[:, 1] + 0.2 * x[:, 2], [-1, 1])
    codes[codes == 1] += rng.integers(0, 2, (codes == 1).sum())
    with pytest.warns(SeparationWarning):
        whole = ml.MNLogit(codes, x).fit()
    for part in (module, recession):
        monkeypatch.setattr(part, "FIRST_PAIRS", 5)
        monkeypatch.setattr(part, "MORE_PAIRS", 20)
    monkeypatch.setattr(examination, "GUESSES", ())
    with pytest.warns(SeparationWarning):
        pieces = ml.MNLogit(codes, x).fit()
    assert pieces.separation.separated == whole.separation.separated
    assert pieces.llf == pytest.approx(whole.llf, rel=1e-12)
    finite = np.isfinite(whole.params)
    assert (np.isfinite(pieces.params) == finite).all(axis=None)


def test_hypotheses_about_what_is_finite_are_tested(nested):
    res = fit_separated("y ~ C(g) + x", nested)
    test = res.wald_test([(1, "x")])
    assert test.statistic == pytest.approx(res.tvalues.loc["x", 1] ** 2)
    assert "infinite" in res.wald_test(["C(g)[T.1]"]).reason


def separate(seed, complete):
    """Draw rows that some direction separates, all of them or those of two categories only."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(80), rng.normal(size=(80, 4))])
    scores = x @ rng.normal(size=(5, 4))
    if not complete:
        scores += np.where(x[:, 1:2] > 0, [0, 0, -1e3, -1e3], [-1e3, -1e3, 0, 0])
        scores += rng.gumbel(size=scores.shape)
    return scores.argmax(axis=1), x


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_the_climb_leads_to_the_direction_that_the_programme_leads_to(seed, complete, monkeypatch):
    y, x = separate(seed, complete)
    found = []
    for name, value in (("WIDE", recession.WIDE), ("WIDE", np.inf), ("TIMELESS", 0)):
        with monkeypatch.context() as patch:
            patch.setattr(recession, name, value)
            with pytest.warns(SeparationWarning):
                res = ml.MNLogit(y, x).fit()
        found.append(res.record.separation)
    one, *others = found
    for other in others:
        assert one.verdict == other.verdict == ("complete" if complete else "quasi-complete")
        lengths = [np.linalg.norm(each.direction) for each in (one, other)]
        assert np.abs(one.direction - other.direction).max() < 1e-8 * max(lengths)
        assert np.array_equal(one.sure, other.sure, equal_nan=True)


def test_without_the_shortest_direction_it_is_that_of_a_programme_and_not_of_the_climb(monkeypatch):
    y, x = separate(0, complete=True)

    def fail(*args, **kwargs):
        raise RuntimeError("it has not come to an end")

    monkeypatch.setattr(recession, "nnls", fail)
    found = []
    for wide in (recession.WIDE, np.inf):
        monkeypatch.setattr(recession, "WIDE", wide)
        with pytest.warns(SeparationWarning):
            found.append(ml.MNLogit(y, x).fit().record.separation.direction)
    assert np.array_equal(*found)


def test_signs_have_a_deadline_of_their_own(monkeypatch):
    """180 directions: the climb has found one already, and signs are left open in time."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(240, 60)), np.arange(240) % 4
    x[np.arange(240), y] += 6
    deadlines = []
    monkeypatch.setattr(
        recession, "run_solver", lambda _, deadline, **programme: deadlines.append(deadline)
    )
    with pytest.warns(SeparationWarning, match="Complete separation"):
        res = ml.MNLogit(y, x).fit()
    assert set(deadlines) == {max(deadlines)}
    assert max(deadlines) < time.monotonic() + examination.SIGNS_LIMIT
    assert examination.SIGNS_LIMIT < examination.TIME_LIMIT / 2
    assert np.isnan(res.record.separation.sure).all()
    assert res.record.separation.separated == 3 * 240


def test_signs_need_fewer_programmes_than_there_are_coefficients(monkeypatch):
    """And are those that each coefficient has by itself."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(150), rng.normal(size=(150, 8))])
    y = (x @ rng.normal(size=(9, 4))).argmax(axis=1)
    asked, find, solve, alone = [], recession.find_sure, recession.run_solver, []

    def find_both(blocks, base, separated, free, moves, _):
        given = blocks, base, separated, free
        alone.extend(find(*given, move[np.newaxis], np.inf)[0] for move in moves)
        asked.clear()
        return find(*given, moves, np.inf)

    monkeypatch.setattr(examination, "find_sure", find_both)
    monkeypatch.setattr(
        recession,
        "run_solver",
        lambda cost, _, **more: asked.append(1) or solve(cost, LATER, **more),
    )
    with pytest.warns(SeparationWarning):
        res = ml.MNLogit(y, x).fit()
    sure = res.record.separation.sure
    assert sure.tolist() == alone  # All run to infinity.
    assert {0.0, 1.0} == set(alone)
    assert len(asked) < len(sure)
