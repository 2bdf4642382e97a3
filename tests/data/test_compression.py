"""Equal rows counted: every answer is that of all rows, to rounding."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import mlelogit as ml
from mlelogit.data import codes, compression
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.codes import code_values, mix_codes, number_combinations
from mlelogit.data.compression import RepeatedSource, find_equal_rows
from mlelogit.data.sources import ArraySource
from mlelogit.exceptions import (
    CollinearityWarning,
    CompressionError,
    MissingDataError,
    OptionError,
    SeparationWarning,
)
from tests.reference_cases import PLAIN, fit_case, load_case

ROWS = 900
CLOSE = 1e-9


@pytest.fixture(scope="module")
def people():
    """Survey-like rows: every variable has few values."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "region": rng.choice(["north", "east", "south"], ROWS),
            "age": rng.choice([25, 35, 45, 60], ROWS),
            "score": rng.integers(0, 4, ROWS) / 2,
            "party": pd.Categorical(rng.choice(list("abc"), ROWS), categories=list("cba")),
            "member": rng.random(ROWS) < 0.4,
            "times": rng.integers(1, 4, ROWS),
            "share": rng.choice([0.5, 1.25, 2.0], ROWS),
            "shift": rng.choice([0.0, 0.3], ROWS),
            "other": rng.choice([0.0, -0.2], ROWS),
            "town": rng.integers(0, 45, ROWS),
            "street": rng.integers(0, 300, ROWS),
        },
        index=pd.Index(np.arange(ROWS) * 3 + 7, name="id"),
    )
    utility = np.column_stack(
        [np.zeros(ROWS), 0.02 * frame.age - 0.8, (frame.region == "east") - 0.4 * frame.score]
    )
    frame["vote"] = np.array(["left", "mid", "right"])[
        (utility + rng.gumbel(size=(ROWS, 3))).argmax(axis=1)
    ]
    counts = np.column_stack([rng.poisson(1 + (frame.vote == v)) for v in ("left", "mid", "right")])
    counts[counts.sum(axis=1) == 0, 0] = 1
    frame[["n1", "n2", "n3"]] = counts
    shares = np.array([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0], [0.1, 0.8, 0.1]])
    frame[["p1", "p2", "p3"]] = shares[rng.integers(0, 3, ROWS)]
    return frame


def weigh(name, kind):
    return {"weights": name, "weight_type": kind}


CASES = {
    "labels": ("vote ~ region + age + party", {}),
    "interactions": ("vote ~ region * score + C(age) + member", {}),
    "no constant": ("vote ~ 0 + age + score + member", {}),
    "transforms": (
        "vote ~ poly(age, 2) * region + scale(score) * member",
        {},
    ),
    "spline": ("vote ~ bs(age, df=3) + region", {}),
    "natural spline": ("vote ~ 0 + cr(score, df=3) + np.log(age)", {}),
    "constant alone": ("vote ~ 1", {}),
    "frequency": ("vote ~ region + age", weigh("times", "frequency")),
    "sampling": ("vote ~ region + age", weigh("share", "sampling")),
    "importance": ("vote ~ region + age", weigh("share", "importance")),
    "counts": ("counts(n1, n2, n3) ~ region + age + party", {}),
    "counts, frequency": ("counts(n1, n2, n3) ~ region + age", weigh("times", "frequency")),
    "counts, sampling": ("counts(n1, n2, n3) ~ region + age", weigh("share", "sampling")),
    "probabilities": ("probabilities(p1, p2, p3) ~ region + age", {}),
    "shares, frequency": ("probabilities(p1, p2, p3) ~ region + age", weigh("times", "frequency")),
    "shares, importance": ("probabilities(p1, p2, p3) ~ region", weigh("share", "importance")),
}


@pytest.fixture(scope="module")
def fit_both(people):
    """Fit a case with all rows and with the distinct ones; offsets are named by category."""
    fitted = {}

    def fit(case):
        if case not in fitted:
            formula, options = CASES[case] if case != "offset" else ("vote ~ region + age", {})
            if case == "offset":
                table = people[["shift", "other"]].rename(
                    columns={"shift": "mid", "other": "right"}
                )
                options = {"offset": table}
            models = [
                ml.mnlogit(formula, people, compress=compress, **options)
                for compress in (False, True)
            ]
            fitted[case] = [model.fit() for model in models]
        return fitted[case]

    return fit


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize("name", PLAIN)
def test_reference_cases_are_met_by_counted_rows(name):
    case, every = load_case(name), fit_case(name)
    res = ml.mnlogit(case.formula, case.data, compress=True, **case.options).fit()
    assert res.audit.rows_distinct <= res.audit.rows_used
    assert differ(every.params, res.params, every.bse) < CLOSE
    assert differ(every.bse, res.bse) < CLOSE
    assert differ(every.llf, res.llf) < 1e-12
    for kind in ("HC0", "HC3"):
        assert differ(every.with_cov(kind).bse, res.with_cov(kind).bse) < CLOSE


EVERY = pytest.mark.parametrize("case", [*CASES, "offset"])


def differ(left, right, scale=None):
    """Return the largest difference, relative to a scale or to the largest number."""
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    assert (np.isnan(left) == np.isnan(right)).all()
    scale = max(np.nan_to_num(np.abs(left)).max(initial=0.0), 1e-300) if scale is None else scale
    return float(np.nan_to_num(np.abs(left - right) / np.asarray(scale)).max(initial=0.0))


@EVERY
def test_the_fit_is_that_of_all_rows(case, fit_both):
    every, few = fit_both(case)
    assert every.record.audit.rows_distinct is None
    assert 1 <= few.audit.rows_distinct < ROWS / 2
    assert few.record.need_blocks().summed.rows == few.audit.rows_distinct
    assert every.audit.categories == few.audit.categories
    assert every.nobs == few.nobs
    assert differ(every.params, few.params, every.bse) < CLOSE
    assert differ(every.bse, few.bse) < CLOSE
    assert differ(every.llf, few.llf) < 1e-13
    assert differ(every.llnull, few.llnull) < 1e-13
    for name in ("aic", "bic", "prsquared", "llr_pvalue", "df_resid", "df_model"):
        left, right = getattr(every, name), getattr(few, name)
        assert differ(left, right, np.maximum(np.nan_to_num(np.abs(left)), 1.0)) < CLOSE
    assert every.converged
    assert few.converged


@EVERY
def test_the_basis_is_that_of_all_rows(case, fit_both):
    every, few = (res.record.basis for res in fit_both(case))
    assert differ(every.r, few.r) < 1e-13
    assert differ(every.center, few.center, 1.0) < 1e-13


KINDS = {
    "HC0": {},
    "HC1": {},
    "HC2": {},
    "HC3": {},
    "opg": {},
    "robust": {},
    "cluster": {"groups": "town"},
    "many clusters": {"groups": "street"},
    "two ways": {"groups": ["town", "party"]},
    "CR2": {"groups": "town", "correction": "CR2"},
    "survey": {"psu": "street"},
}


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize("kind", KINDS)
@EVERY
def test_covariances_are_those_of_all_rows(case, kind, fit_both):
    options, found = KINDS[kind], []
    name = kind if kind in ("HC0", "HC1", "HC2", "HC3", "opg", "robust", "survey") else "cluster"
    for res in fit_both(case):
        try:
            found.append(res.with_cov(name, **options).cov_params())
        except ml.exceptions.CovarianceError as error:
            found.append(str(error))
    if isinstance(found[0], str):
        assert found[0] == found[1]
    else:
        assert differ(*found) < CLOSE


@pytest.mark.parametrize("rows_at_once", [1, 7])
@pytest.mark.parametrize("case", ["labels", "counts, sampling", "probabilities", "offset"])
def test_cells_some_at_a_time_add_up_to_the_same(case, rows_at_once, fit_both, monkeypatch):
    from mlelogit.inference.sandwich import cells

    every, few = fit_both(case)
    codes_of_rows = np.arange(ROWS) % 50
    truth = np.vstack([sums for _, sums in cells.iterate_cells(every.record, codes_of_rows, 50)])
    monkeypatch.setattr(cells, "WORTH_COUNTING", 0)
    monkeypatch.setattr(cells, "CELL_ELEMENTS", rows_at_once * few.params.size)
    found = np.vstack([sums for _, sums in cells.iterate_cells(few.record, codes_of_rows, 50)])
    assert differ(truth, found) < 1e-12


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize(
    "case", ["labels", "transforms", "frequency", "sampling", "counts", "offset"]
)
def test_questions_have_the_answers_of_all_rows(case, fit_both):
    every, few = fit_both(case)
    assert differ(every.conf_int(), few.conf_int()) < CLOSE
    for ask in (
        lambda res: res.predict(),
        lambda res: res.get_prediction().summary_frame(),
        lambda res: res.margins().summary_frame()[["estimate", "std_err"]],
        lambda res: res.term_tests(kind="wald")[["statistic", "df", "p_value"]],
    ):
        assert differ(ask(every), ask(few)) < CLOSE
    if case in ("labels", "frequency", "counts"):
        assert (
            differ(every.term_tests(kind="lr")["statistic"], few.term_tests()["statistic"]) < 1e-8
        )
        profiles = [res.conf_int(method="profile") for res in (every, few)]
        assert differ(*profiles) < 1e-8


def test_rowwise_answers_are_those_of_all_rows(fit_both):
    every, few = fit_both("labels")
    assert few.predict().index.equals(every.predict().index)
    assert differ(every.resid_response, few.resid_response) < CLOSE


def test_bias_reduction_and_constraints_are_those_of_all_rows(people):
    found = []
    for compress in (False, True):
        model = ml.mnlogit("vote ~ region + score", people, compress=compress)
        reduced = [model.fit(bias_reduction=kind) for kind in ("mean", "median")]
        held = model.fit(constraints=["mid: score = right: score"])
        found.append([*(res.params for res in reduced), held.params, held.bse])
    for left, right in zip(*found, strict=True):
        assert differ(left, right) < CLOSE


def test_paths_and_folds_are_those_of_all_rows(people):
    models = [ml.mnlogit("vote ~ region * age", people, compress=c) for c in (False, True)]
    paths = [model.fit_path(penalties=[0.1, 0.01], tol=1e-12) for model in models]
    assert differ(*(path.coefficients(0.01) for path in paths)) < 1e-7
    folds = [model.cross_validate(4, disp=False) for model in models]
    assert differ(*(found.rows for found in folds)) < 1e-8


def test_bootstraps_are_those_of_all_rows(fit_both):
    drawn = [res.bootstrap(20, seed=1, disp=False).params for res in fit_both("labels")]
    assert differ(*drawn) < 1e-7


def test_separated_rows_are_separated_the_same(people):
    frame = people[["region", "member", "vote"]].copy()
    frame.loc[frame.member & (frame.vote == "mid"), "vote"] = "left"
    found = []
    for compress in (False, True):
        with pytest.warns(SeparationWarning):
            found.append(ml.mnlogit("vote ~ region + member", frame, compress=compress).fit())
    every, few = (res.record.separation for res in found)
    assert (every.pairs, every.separated, every.verdict) == (few.pairs, few.separated, few.verdict)
    assert (every.possible == few.possible).all()
    assert differ(found[0].llf, found[1].llf) < 1e-12
    with pytest.warns(SeparationWarning):
        tables = [res.get_prediction().summary_frame() for res in found]
    assert differ(*tables) < 1e-7


def test_collinear_columns_leave_and_rows_stay_counted(people):
    frame = people.assign(twice=2 * people.age)
    found = []
    for compress in (False, True):
        with pytest.warns(CollinearityWarning, match="twice = 2 age"):
            found.append(ml.mnlogit("vote ~ age + twice + region", frame, compress=compress).fit())
    assert found[1].record.need_blocks().summed.rows == 12
    assert differ(*(res.params for res in found)) < CLOSE


def test_missing_rows_are_dropped_and_named_as_given(people):
    frame = people.astype({"region": object}).reset_index(drop=True)
    frame.loc[[3, 70], "region"] = None
    frame.loc[[4], "age"] = np.nan
    with pytest.raises(MissingDataError, match=r"\[3, 4, 70\]"):
        ml.mnlogit("vote ~ region + age", frame, compress=True)
    every, few = (
        ml.mnlogit("vote ~ region + age", frame, missing="drop", compress=c).fit()
        for c in (False, True)
    )
    assert few.audit.rows_distinct == 12
    assert few.audit.rows_used == ROWS - 3
    assert few.audit.missing == every.audit.missing
    assert differ(every.params, few.params, every.bse) < CLOSE


def test_errors_of_transforms_name_rows_as_given(people):
    frame = people.reset_index(drop=True)
    frame.loc[[5, 600], "age"] = -1
    with pytest.raises(MissingDataError, match=r"in 2 rows.*\[5, 600\]"):
        ml.mnlogit("vote ~ log(age) + region", frame, compress=True)


@pytest.mark.parametrize("form", ["array", "frame", "float32", "columns"])
def test_arrays_are_compressed_too(form, people):
    x = np.column_stack([np.ones(ROWS), people.age, people.score, people.member])
    exog = {
        "array": x,
        "frame": people[["age", "score", "member"]],
        "float32": x.astype(np.float32),
        "columns": {"age": people.age.to_numpy(), "score": people.score.to_numpy()},
    }[form]
    endog = people.vote.to_numpy() if form != "frame" else people.vote
    every, few = (ml.MNLogit(endog, exog, compress=c).fit() for c in (False, True))
    assert few.audit.rows_distinct <= 32
    assert differ(every.params, few.params, every.bse) < CLOSE
    assert differ(every.predict(), few.predict()) < 1e-12


def test_what_cannot_be_is_a_named_error(people):
    x = csr_array(people[["age", "score"]].to_numpy())
    with pytest.raises(CompressionError, match="sparse"):
        ml.MNLogit(people.vote.to_numpy(), x, compress=True)
    assert ml.MNLogit(people.vote.to_numpy(), x).design.compression is None
    shares = "probabilities(p1, p2, p3) ~ region"
    with pytest.raises(CompressionError, match="sampling weights"):
        ml.mnlogit(shares, people, compress=True, **weigh("share", "sampling"))
    for odd in ("yes", 1, None):
        with pytest.raises(OptionError, match="compress"):
            ml.mnlogit("vote ~ age", people, compress=odd)


def test_auto_looks_at_many_rows_of_few_values_alone(people, monkeypatch):
    assert ml.mnlogit("vote ~ region", people).design.compression is None
    monkeypatch.setattr(compression, "FEWEST_ROWS", 500)
    assert ml.mnlogit("vote ~ region", people).design.compression.count == 3
    assert ml.mnlogit("vote ~ region * C(age) * score", people).design.compression.count == 48
    assert ml.mnlogit("vote ~ C(town) + C(street)", people).design.compression is None
    noisy = people.assign(noise=np.random.default_rng(0).normal(size=ROWS))
    called = []
    monkeypatch.setattr(compression, "_order", called.append)
    assert ml.mnlogit("vote ~ region + noise", noisy).design.compression is None
    assert ml.mnlogit("vote ~ region + noise", noisy, compress=False).design.compression is None
    assert called == []


def test_a_changed_design_counts_all_rows(people):
    from dataclasses import replace

    design = ml.mnlogit("vote ~ region", people, compress=True).design
    assert RowBlocks(design).summed.rows == 3
    for change in (
        {"weights": np.ones(ROWS), "weight_type": "frequency"},
        {"groups": np.zeros(ROWS, dtype=np.int64)},
        {"offset": np.zeros((ROWS, 3))},
        {"source": ArraySource(np.ones((ROWS, 4)))},
        {"outcome": replace(design.outcome)},
    ):
        blocks = RowBlocks(replace(design, **change))
        assert blocks.summed is blocks


def test_copies_stay_compressed(fit_both):
    res = fit_both("labels")[1]
    for twin in (copy.deepcopy(res), pickle.loads(pickle.dumps(res))):
        blocks = twin.record.need_blocks()
        assert blocks.summed.rows == res.audit.rows_distinct
        assert differ(twin.with_cov("HC3").cov_params(), res.with_cov("HC3").cov_params()) < 1e-14


def test_tables_say_how_many_rows_differ(fit_both):
    every, few = fit_both("labels")
    assert f"{ROWS} rows, {few.audit.rows_distinct} distinct" in few.summary().as_text()
    assert "distinct" not in every.summary().as_text()
    assert f"used: {ROWS}, distinct: {few.audit.rows_distinct}" in str(few.audit)


COLUMNS = {
    "text": pd.Series(["b", "a", "b", "c"] * 25),
    "objects": pd.Series(["b", "a", "b", "c"] * 25, dtype=object),
    "types": pd.Series([1, True, 1.0, "1"] * 25, dtype=object),
    "categories": pd.Series(pd.Categorical(["b", "a", "b", "c"] * 25)),
    "truths": pd.Series([True, False] * 50),
    "whole": pd.Series([-3, 5, 5, 900] * 25),
    "large": pd.Series([2**60, 1, 2**60, 0] * 25),
    "unsigned": pd.Series(np.array([2**63 + 5, 1, 2**63 + 5, 0] * 25, dtype=np.uint64)),
    "numbers": pd.Series([0.1, 0.2, 0.1, 1e300] * 25),
    "half": pd.Series(np.array([0.1, 0.2, 0.1, 3] * 25, dtype=np.float16)),
    "foreign": pd.Series(np.array([0.1, 0.2, 0.1, 3] * 25).astype(">f8")),
    "nullable": pd.Series([1, 2, 1, 3] * 25, dtype="Int64"),
    "small": pd.Series(np.array([-128, 127, -128, 0] * 25, dtype=np.int8)),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_values_are_numbered_apart(name):
    column = COLUMNS[name]
    found = code_values(column)
    numbers = found.cut(slice(None))
    assert numbers.min() >= 0
    assert numbers.max() < found.count
    values = [(type(value), value) for value in column.tolist()]
    pairs = set(zip(values, numbers.tolist(), strict=True))
    assert len(pairs) == len(set(values)) == len(np.unique(numbers))


@pytest.mark.parametrize("table", [1 << 24, 8])
def test_combinations_are_those_of_pandas(table, monkeypatch):
    monkeypatch.setattr(codes, "TABLE", table)
    monkeypatch.setattr(codes, "ROWS_AT_ONCE", 64)
    monkeypatch.setattr(compression, "ROWS_AT_ONCE", 64)
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(0, 4, (1000, 5)), columns=list("abcde"))
    frame["f"] = rng.choice(["x", "y"], 1000)
    kept = np.flatnonzero(rng.random(1000) < 0.8)
    equal = find_equal_rows([frame[name] for name in frame], kept, 1000, True)
    few = frame.iloc[kept].drop_duplicates()
    assert (equal.first == np.searchsorted(kept, few.index)).all()
    again = frame.iloc[kept].iloc[equal.first].iloc[equal.places]
    assert (again.to_numpy() == frame.iloc[kept].to_numpy()).all()
    columns = [frame[name] for name in frame]
    assert number_combinations(columns, kept, 1000, len(few) - 1) is None


def test_repeated_rows_are_gathered():
    few = ArraySource(np.arange(6.0).reshape(3, 2))
    source = RepeatedSource(few, np.array([2, 0, 0, 1], dtype=np.int32))
    assert source.shape == (4, 2)
    assert (source.block(1, 4) == few.array[[0, 0, 1]].T).all()
    assert [ends.tolist() for ends in source.extremes] == [[0.0, 1.0], [4.0, 5.0]]
    part = source.take(np.array([1, 3]))
    assert [ends.tolist() for ends in part.extremes] == [[0.0, 1.0], [2.0, 3.0]]


def test_combinations_of_more_codes_than_whole_numbers_stay_apart():
    random = np.random.default_rng(52)
    table = random.integers(0, 3, (400, 6))
    count = 1 << 20  # 120 bits in all.
    mixed = mix_codes(((column + count - 3, count) for column in table.T), len(table))
    _, expected = np.unique(table, axis=0, return_inverse=True)
    assert len(set(zip(mixed.tolist(), expected.ravel().tolist(), strict=True))) == len(set(mixed))
    assert len(set(mixed)) == expected.max() + 1
