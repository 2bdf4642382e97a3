"""Results and models cannot be changed, and the caller's data are not."""

import copy
import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mlelogit as ml

FORMULA = "vote ~ age + C(region) + children"
FRAMES = (
    "params",
    "bse",
    "tvalues",
    "pvalues",
    "trace",
    "fittedvalues",
    "resid_response",
)
CALLS = ("conf_int", "cov_params", "loglikeobs", "score_obs", "score", "pred_table", "tidy")


@pytest.fixture
def model(voters):
    return ml.mnlogit(FORMULA, voters)


@pytest.fixture
def res(model):
    return model.fit()


def list_public(thing):
    return [name for name in dir(thing) if not name.startswith("_")]


@pytest.mark.parametrize("kind", ["model", "results"])
def test_no_attribute_can_be_set_or_deleted(model, res, kind):
    thing = model if kind == "model" else res
    for name in [*list_public(thing), "anything"]:
        with pytest.raises(AttributeError):
            setattr(thing, name, 0)
        with pytest.raises(AttributeError):
            delattr(thing, name)


def list_records(res):
    record = res.record
    maximum = record.maximum
    return [
        *(record, record.encoding, record.request, record.basis, record.null, record.audit),
        *(maximum, maximum.trace, maximum.certificate, maximum.sums, res.covariance),
        *(res.statistics, record.blocks.design, record.blocks.design.outcome),
        *(res.verify("cross-entropy"), res.wald_test("age")),
    ]


def test_no_field_of_a_record_can_be_set(res):
    for record in list_records(res):
        for field in dataclasses.fields(record):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, field.name, 0)


def ways(res):
    yield res
    yield copy.deepcopy(res)
    yield pickle.loads(pickle.dumps(res))
    yield res.rebase("cat")
    yield res.with_cov("HC1")
    yield res.with_cov("survey", psu=np.arange(len(res.fittedvalues)) // 4)


def test_no_array_of_a_fit_can_be_written_to(res):
    for one in ways(res):
        maximum = one.record.maximum
        arrays = [maximum.params, maximum.inverse, maximum.sums.score, maximum.sums.information]
        arrays += [maximum.trace.params, maximum.trace.loglike, maximum.trace.score_norm]
        for array in [*arrays, one.covariance.matrix]:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def list_answers(res):
    return [getattr(res, name) for name in FRAMES] + [getattr(res, name)() for name in CALLS]


def spoil(frame):
    """Change a frame in place in whatever way pandas allows."""
    if isinstance(frame, pd.Series):
        frame.iloc[:] = 7.0
    else:
        for name in frame.columns:
            frame[name] = 7
    frame.index.names = ["spoilt" for _ in frame.index.names]
    frame.attrs["spoilt"] = True


def test_what_is_given_out_can_be_changed_and_changes_nothing(voters, model, res):
    for one in ways(res):
        before = copy.deepcopy(list_answers(one))
        for answer in list_answers(one):
            spoil(answer)
        for first, then in zip(before, list_answers(one), strict=True):
            assert first.equals(then)
            assert first.index.names == then.index.names
            assert not then.attrs
    values = res.params.to_numpy()
    for made in (model.score(values), model.information(values), model.loglikeobs(values)):
        spoil(made)
    few = voters.head(3)
    spoil(res.predict(few))
    assert voters.index.name is few.index.name is None
    assert model.loglikeobs(values).index.name is None


def test_the_audit_given_out_is_a_copy(voters, res):
    told = str(res.audit)
    res.audit.categories.clear()
    res.audit.dropped["nothing"] = 3
    assert str(res.audit) == told


def test_a_name_given_to_the_index_later_is_not_the_fits(voters):
    res = ml.mnlogit(FORMULA, voters).fit()
    vote = voters.vote.copy()
    other = ml.MNLogit(vote, voters[["age"]].to_numpy()).fit()
    voters.index.name = vote.index.name = "person"
    assert res.fittedvalues.index.name is other.fittedvalues.index.name is None


def test_a_start_changed_later_is_not_the_fits(model, res):
    start = res.params.to_numpy().T.ravel().copy()
    again = model.fit(start_params=start)
    kept = start.copy()
    start[:] = 0
    assert np.array_equal(again.record.request.start_params, kept)


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_copies_answer_alike(voters, model, res, twin):
    res.statistics, res.trace, model.loglikeobs(res.params)
    other = twin(res)
    for one, two in zip(list_answers(res), list_answers(other), strict=True):
        assert one.equals(two)
    assert str(other.summary()) == str(res.summary())
    assert np.array_equal(twin(model).fit().params, res.params)
    with pytest.raises(AttributeError):
        other.record = None


def describe(thing):
    """Say all that can be seen of data: bytes, types, layout, labels."""
    if isinstance(thing, pd.DataFrame):
        columns = [describe(thing.iloc[:, i]) for i in range(thing.shape[1])]
        return columns, describe(thing.index), list(thing.columns), dict(thing.attrs), thing.flags
    if isinstance(thing, pd.Series | pd.Index):
        return list(thing), thing.dtype, thing.name, type(thing)
    if sparse.issparse(thing):
        return [describe(part) for part in (thing.data, thing.indices, thing.indptr)]
    if isinstance(thing, np.ndarray):
        flags = thing.flags
        layout = thing.strides, flags.writeable, flags.c_contiguous, flags.f_contiguous
        return thing.tobytes(), thing.dtype, thing.shape, layout
    return repr(thing)


def use(endog, exog, **options):
    """Make a model of data, and ask all that sees the rows."""
    res = ml.MNLogit(endog, exog, **options).fit(threads=2)
    res.fittedvalues, res.score_obs(), res.with_cov("HC0"), res.pred_table()
    rows = len(endog)
    res.refit(np.ones((2, rows)))
    if "offset" not in options:
        res.predict(exog)
    return res


def lay_out(columns, layout):
    """Return columns in one of the layouts that data come in."""
    rows = len(columns)
    if layout == "sparse":
        return sparse.csr_array(np.where(np.abs(columns) > 1, columns, 0.0))
    if layout == "frame":
        frame = pd.DataFrame(columns, index=pd.Index(range(7, 7 + rows), name="row"))
        frame.attrs["source"] = "survey"
        return frame.rename(columns="c{}".format)
    if layout == "mixed frame":
        frame = pd.DataFrame(columns).rename(columns="c{}".format)
        return frame.astype({"c0": np.float32, "c1": "Float64", "c2": np.int64})
    if layout == "list":
        return columns.tolist()
    orders = {"C": "C", "Fortran": "F", "strided": "C", "reversed": "C", "float32": "C", "int": "C"}
    array = np.array(columns, order=orders[layout])
    if layout == "strided":
        array = np.repeat(np.repeat(columns, 2, axis=0), 2, axis=1)[::2, ::2]
    if layout == "reversed":
        array = columns[::-1, ::-1].copy()[::-1, ::-1]
    if layout in ("float32", "int"):
        array = (3 * array).astype(np.float32 if layout == "float32" else np.int32)
    return array


LAYOUTS = (
    *("C", "Fortran", "strided", "reversed", "float32", "int"),
    *("sparse", "frame", "mixed frame", "list"),
)


@pytest.mark.parametrize("rows", [300, 35_000], ids=["copied", "not copied"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_callers_columns_are_not_touched(layout, rows):
    rng = np.random.default_rng(3)
    exog = lay_out(rng.normal(size=(rows, 4)), layout)
    endog = rng.integers(0, 3, rows)
    if isinstance(exog, pd.DataFrame):
        endog = pd.Series(endog, index=exog.index)
    given = {
        "weights": rng.integers(1, 4, rows).astype(float),
        "offset": rng.normal(size=(rows, 3)),
    }
    before = [describe(thing) for thing in (endog, exog, *given.values())]
    use(endog, exog)
    use(endog, exog, weight_type="frequency", **given)
    assert [describe(thing) for thing in (endog, exog, *given.values())] == before


@pytest.mark.parametrize("kind", ["counts", "probabilities"])
@pytest.mark.parametrize("rows", [300, 50_000], ids=["copied", "not copied"])
def test_the_callers_outcome_is_not_touched(kind, rows):
    rng = np.random.default_rng(3)
    table = rng.integers(1, 5, (rows, 3)).astype(float)
    table = table if kind == "counts" else table / table.sum(axis=1, keepdims=True)
    exog = rng.normal(size=(rows, 2))
    before = describe(table)
    use(table, exog)
    assert describe(table) == before


@pytest.mark.parametrize("layout", ["C", "Fortran", "float32", "sparse", "frame"])
def test_read_only_data_are_taken(layout):
    rng = np.random.default_rng(3)
    parts = {"endog": rng.integers(0, 3, 300), "exog": rng.normal(size=(300, 4))}
    parts |= {"weights": rng.uniform(1, 2, 300), "offset": rng.normal(size=(300, 3))}
    expected = use(**{**parts, "exog": lay_out(parts["exog"], layout)}, weight_type="sampling")
    for part in parts.values():
        part.setflags(write=False)
    exog = lay_out(parts["exog"], layout)
    for array in [exog.data, exog.indices] if layout == "sparse" else [exog]:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    found = use(**{**parts, "exog": exog}, weight_type="sampling")
    assert np.array_equal(found.params, expected.params)


@pytest.mark.parametrize("backend", ["object", "category", "string", "pyarrow"])
def test_the_callers_frame_is_not_touched(voters, backend):
    region = voters.region.astype("string[pyarrow]" if backend == "pyarrow" else backend)
    data = voters.assign(region=region).set_index(np.arange(400) % 50)
    data.attrs["source"] = "survey"
    before = describe(data)
    res = ml.mnlogit(FORMULA, data, weights="people", weight_type="frequency").fit()
    res.predict(data), res.predict(data.head(), which="linear"), res.refit(np.ones((2, 400)))
    res.verify(), res.summary().as_text(), res.rebase("cat").fittedvalues
    assert describe(data) == before
