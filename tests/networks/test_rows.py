"""Rows of a network: frames, arrays and tensors of any kind, and what is wrong with them."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

torch = pytest.importorskip("torch")

from mlelogit.data.rows import DataOptions  # noqa: E402
from mlelogit.exceptions import (  # noqa: E402
    ColumnNotFoundError,
    ColumnTypeError,
    EmptyDataError,
    InfiniteValueError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    MNLogitError,
    NetworkError,
    NotConvergedWarning,
    OneCategoryError,
    OutcomeError,
    ScaleError,
    WeightError,
    WeightTypeError,
)
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.rows import NetworkRows, cut_rows, find_far_columns, read_rows  # noqa: E402
from tests.networks.modules import draw_rows, make_net  # noqa: E402

nn = torch.nn


@pytest.fixture
def rows(rng):
    return draw_rows(rng)


def fit(x, y, **options):
    return fit_network(make_net(3, 3), x, y, **options)


def pixels(rng, n=40):
    return rng.normal(size=(n, 1, 8, 8)), np.arange(n) % 3


def test_every_container_of_the_same_numbers_gives_the_same_fit(rows):
    x, y = rows
    whole = fit(x, y).llf
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    same = {
        "list": (x.tolist(), y.tolist()),
        "frame": (frame, pd.Series(y)),
        "fortran": (np.asfortranarray(x), y),
        "strided": (np.repeat(x, 2, axis=0)[::2], np.repeat(y, 2)[::2]),
        "reversed": (x[:, ::-1][:, ::-1], y),
        "tensor": (torch.from_numpy(x), torch.from_numpy(y)),
        "tensor with gradient": (torch.from_numpy(x).requires_grad_(), y),
        "transposed tensor": (torch.from_numpy(np.ascontiguousarray(x.T)).T, y),
        "sparse": (sparse.csr_array(x), y),
        "sparse columns": (sparse.csc_matrix(x), y),
        "objects": (frame.astype(object), y),
        "read-only": (_protect(x), _protect(y)),
    }
    for name, (rows_x, rows_y) in same.items():
        assert abs(fit(rows_x, rows_y).llf - whole) < 1e-9, name


def _protect(array):
    copied = array.copy()
    copied.setflags(write=False)
    return copied


@pytest.mark.parametrize("package", ["polars", "pyarrow"])
def test_other_frames(rows, package):
    module = pytest.importorskip(package)
    x, y = rows
    columns = dict(zip("abc", x.T.copy(), strict=True))
    make = module.DataFrame if package == "polars" else module.table
    res = fit(make(columns), y)
    assert abs(res.llf - fit(x, y).llf) < 1e-9
    assert res.predict(make(columns)).equals(res.probabilities)


def test_single_precision_and_whole_numbers_are_read_as_they_are(rows):
    x, y = rows
    rounded = np.round(4 * x)
    for dtype in (np.float32, np.int64, np.int8):
        assert abs(fit(rounded.astype(dtype), y).llf - fit(rounded, y).llf) < 1e-9
    assert abs(fit(x > 0, y).llf - fit((x > 0) * 1.0, y).llf) < 1e-9
    assert abs(fit(torch.from_numpy(x > 0), y).llf - fit((x > 0) * 1.0, y).llf) < 1e-9


def test_nothing_that_was_given_is_changed(rows):
    x, y = rows
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    weights = np.arange(60) % 3 + 1.0
    before = frame.copy(), y.copy(), weights.copy()
    fit(frame, y, weights=weights, weight_type="frequency")
    assert frame.equals(before[0])
    assert (y == before[1]).all()
    assert (weights == before[2]).all()


def test_counts_are_expanded_rows(rows, rng):
    x, _ = rows
    counts = rng.integers(0, 4, size=(60, 3))
    counts[0] = [1, 1, 1]
    people = [(row, k) for row, d in enumerate(counts) for k in np.repeat(np.arange(3), d)]
    numbers, codes = map(np.array, zip(*people, strict=True))
    kept = counts.sum(axis=1) > 0
    res = fit(x[kept], counts[kept], outcome="counts", l2=0.3)
    expanded = fit(x[numbers], codes, l2=0.3)
    check_same(res, expanded)


def test_frequency_weights_are_replicated_rows(rows, rng):
    x, y = rows
    weights = rng.integers(0, 4, size=60)
    res = fit(x, y, weights=weights, weight_type="frequency", l2=0.3)
    check_same(res, fit(np.repeat(x, weights, axis=0), np.repeat(y, weights), l2=0.3))


def check_same(one, other):
    for name in ("llf", "llnull", "nobs", "cross_entropy", "penalty"):
        assert abs(getattr(one, name) - getattr(other, name)) < 1e-8, name
    weights, others = (res.module[0].weight.detach().numpy() for res in (one, other))
    assert np.abs(weights - others).max() < 1e-9
    assert one.categories == other.categories


def test_importance_weights_multiply(rows):
    x, y = rows
    weights = np.linspace(0.5, 2.0, 60)
    res = fit(x, y, weights=weights, weight_type="importance")
    logs = np.log(res.probabilities.to_numpy()[np.arange(60), y])
    assert abs(res.llf - weights @ logs) < 1e-10
    assert abs(res.cross_entropy + res.llf) < 1e-10


def test_rows_of_weight_zero_are_left_out(rows):
    x, y = rows
    weights = np.ones(60)
    weights[::7] = 0
    res = fit(pd.DataFrame(x), y, weights=weights, weight_type="frequency")
    assert res.nobs == weights.sum()
    assert abs(res.llf - fit(x[weights > 0], y[weights > 0]).llf) < 1e-9
    assert list(res.probabilities.index) == list(np.flatnonzero(weights))


def test_tensors_of_rows_of_weight_zero_are_left_out(rng):
    x, y = pixels(rng)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    weights = np.ones(40)
    weights[:5] = 0
    res = fit_network(net, x, y, weights=weights, weight_type="frequency", l2=1.0)
    other = fit_network(net, x[5:], y[5:], l2=1.0)
    assert len(res.probabilities) == 35
    assert abs(res.llf - other.llf) < 1e-9


def test_images(rng):
    x, y = pixels(rng)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(72, 3))
    for given in (x, torch.from_numpy(x), x.astype(np.float32)):
        res = fit_network(net, given, y, l2=1.0, tol=1e-4, block_rows=7)
        assert res.probabilities.shape == (40, 3)
        assert np.abs(res.predict(given) - res.probabilities).to_numpy().max() < 1e-12
    with pytest.raises(ColumnTypeError, match=r"shape \(64, 1\); it was \(1, 8, 8\)"):
        res.predict(torch.zeros(3, 64, 1))
    with pytest.raises(ColumnTypeError, match="tensor or an array of its shape"):
        res.predict(pd.DataFrame(np.zeros((3, 64))))


class Words(nn.Module):
    """Scores from the mean of embedded words."""

    def __init__(self):
        super().__init__()
        self.embedding, self.linear = nn.Embedding(6, 2), nn.Linear(2, 3)

    def forward(self, rows):
        return self.linear(self.embedding(rows).mean(dim=1))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_words_stay_whole_numbers(rng, dtype):
    words = torch.from_numpy(rng.integers(0, 6, size=(50, 4))).to(dtype)
    res = fit_network(Words(), words, rng.integers(0, 3, 50), l2=0.5, tol=1e-4)
    assert res.predict(words[:4]).shape == (4, 3)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.linear = nn.GRU(2, 3, batch_first=True), nn.Linear(3, 3)

    def forward(self, rows):
        return self.linear(self.layer(rows)[1][0])


class Attentive(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.MultiheadAttention(4, 2, batch_first=True)
        self.linear = nn.Linear(4, 3)

    def forward(self, rows):
        return self.linear(self.layer(rows, rows, rows, need_weights=False)[0].mean(dim=1))


@pytest.mark.parametrize(("module", "width"), [(Recurrent, 2), (Attentive, 4)])
def test_sequences(rng, module, width):
    x = rng.normal(size=(30, 5, width))
    y = rng.integers(0, 3, 30)
    net = module()
    with pytest.warns(NotConvergedWarning):
        res = fit_network(net, x, y, maxiter=5, block_rows=16)
    scores = res.module(torch.from_numpy(x)).detach()
    error = nn.functional.cross_entropy(scores, torch.from_numpy(y), reduction="sum")
    assert abs(res.llf + float(error)) < 1e-9


def test_labels_of_any_kind(rows):
    x, y = rows
    for labels in (
        np.array(["c", "a", "b"])[y],
        pd.Categorical.from_codes(y, ["z", "y", "x"], ordered=True),
        pd.Series(y).map({0: "b", 1: "a", 2: "c"}),
        (y == 1),
    ):
        count = len(set(labels))
        res = fit_network(make_net(3, count), x, labels)
        assert len(res.categories) == count
    res = fit(x, pd.Categorical.from_codes(y, ["z", "y", "x"], ordered=True))
    assert res.categories == ("z", "y", "x")
    assert list(res.probabilities.columns) == ["z", "y", "x"]


WRONG = {
    "lengths": (lambda x, y: fit(x, y[:-1]), LengthMismatchError, "59"),
    "tensor lengths": (lambda x, y: fit(torch.ones(59, 3, 1), y), LengthMismatchError, "59"),
    "nothing": (lambda x, y: fit(x[:0], y[:0]), MNLogitError, None),
    "empty tensor": (lambda x, y: fit(torch.ones(0, 3, 1), []), EmptyDataError, "nothing to fit"),
    "scalar tensor": (lambda x, y: fit(torch.tensor(1.0), y), EmptyDataError, "nothing to fit"),
    "one category": (lambda x, y: fit(x, np.zeros(60)), OneCategoryError, "0"),
    "missing input": (
        lambda x, y: fit(np.where(np.arange(60)[:, None] == 7, np.nan, x), y),
        MissingDataError,
        "7",
    ),
    "infinite input": (
        lambda x, y: fit(np.where(np.arange(60)[:, None] == 7, np.inf, x), y),
        InfiniteValueError,
        "7",
    ),
    "missing pixel": (
        lambda x, y: fit(np.where(np.arange(60)[:, None] == 7, np.nan, x)[:, :, None], y),
        InfiniteValueError,
        "1 rows, by position 7",
    ),
    "missing outcome": (
        lambda x, y: fit(x, np.where(np.arange(60) == 7, np.nan, y)),
        MissingDataError,
        "7",
    ),
    "text": (lambda x, y: fit(x.astype(str), y), ColumnTypeError, None),
    "text pixels": (lambda x, y: fit(x.astype(str)[:, :, None], y), ColumnTypeError, "dtype <U"),
    "complex": (lambda x, y: fit(x + 1j, y), ColumnTypeError, "complex"),
    "complex tensor": (
        lambda x, y: fit(torch.from_numpy(x[:, :, None] + 1j), y),
        ColumnTypeError,
        "complex",
    ),
    "text column": (
        lambda x, y: fit(pd.DataFrame({"a": x[:, 0], "b": ["u"] * 60}), y),
        ColumnTypeError,
        "b",
    ),
    "misaligned": (
        lambda x, y: fit(pd.DataFrame(x), pd.Series(y, index=np.arange(60)[::-1])),
        MisalignedIndexError,
        None,
    ),
    "misaligned weights": (
        lambda x, y: fit(
            pd.DataFrame(x),
            y,
            weights=pd.Series(np.ones(60), index=np.arange(60)[::-1]),
            weight_type="frequency",
        ),
        MisalignedIndexError,
        None,
    ),
    "negative weight": (
        lambda x, y: fit(x, y, weights=-np.ones(60), weight_type="frequency"),
        WeightError,
        "negative",
    ),
    "no kind of weight": (lambda x, y: fit(x, y, weights=np.ones(60)), WeightTypeError, None),
    "no weight at all": (
        lambda x, y: fit(x, y, weights=np.zeros(60), weight_type="frequency"),
        MNLogitError,
        None,
    ),
    "outcome": (lambda x, y: fit(x, y, outcome="scores"), MNLogitError, "counts"),
    "negative counts": (
        lambda x, y: fit(x, -np.ones((60, 3), dtype=int), outcome="counts"),
        OutcomeError,
        "negative",
    ),
    "more categories than scores": (
        lambda x, y: fit(x, np.arange(60) % 4),
        NetworkError,
        r"\(32, 4\), one score for each of the 4 categories, in this order: 0, 1, 2, 3",
    ),
    "fewer categories than scores": (lambda x, y: fit(x, y > 0), NetworkError, r"\(32, 2\)"),
    "unhashable labels": (
        lambda x, y: fit(x, pd.Series([[i] for i in y.tolist()])),
        MNLogitError,
        None,
    ),
    "set labels": (lambda x, y: fit(x, [{i} for i in y.tolist()]), MNLogitError, None),
    "no rows": (lambda x, y: fit(None, y), MNLogitError, None),
    "no outcome": (lambda x, y: fit(x, None), MNLogitError, None),
    "a number": (lambda x, y: fit(3.0, y), MNLogitError, None),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_rows_are_named(rows, case):
    run, error, words = WRONG[case]
    with pytest.raises(error, match=words):
        run(*rows)


def test_new_rows_by_name(rows):
    x, y = rows
    index = [f"r{i}" for i in range(60)]
    frame = pd.DataFrame(x, columns=["a", "b", "c"], index=index)
    res = fit(frame, pd.Series(y, index=index))
    assert list(res.probabilities.index) == index
    shuffled = frame[["c", "a", "b"]].assign(d=1.0).iloc[::-1]
    assert res.predict(shuffled).equals(res.probabilities.iloc[::-1])
    assert np.allclose(res.predict(x), res.probabilities, rtol=0, atol=1e-15) is True
    with pytest.raises(ColumnNotFoundError, match="b"):
        res.predict(frame[["a", "c"]])
    with pytest.raises(MNLogitError, match="2"):
        res.predict(x[:, :2])
    with pytest.raises(MissingDataError, match=r"position: \[3\]"):
        res.predict(frame.where(frame["a"] != frame.loc["r3", "a"]))


def test_blocks_cover_rows_once():
    parts = list(cut_rows(10, 3))
    assert [(part.start, part.stop) for part in parts] == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert list(cut_rows(0, 3)) == []


def test_blocks_of_columns_and_tensors_are_their_own(rows):
    x, y = rows
    for given in (x, torch.from_numpy(x.copy()), torch.from_numpy(x.copy())[:, :, None]):
        design, inputs = read_rows(given, y, DataOptions())
        before = inputs.block(0, 60).clone()
        inputs.block(0, 60).zero_()
        assert torch.equal(inputs.block(0, 60), before)
        assert inputs.block(3, 5).dtype == torch.float64
        assert NetworkRows(design, inputs, 7).total == 60


def test_intercepts_only_on_rows_of_the_shares(rng):
    """The null log-likelihood is what a network of biases alone reaches."""
    x, y = draw_rows(rng)
    res = fit(np.zeros_like(x), y)
    assert abs(res.llf - res.llnull) < 1e-9


NOT_DENSE = {
    "meta": lambda t: t.to("meta"),
    "sparse": lambda t: t.to_sparse(),
    "nested": lambda t: torch.nested.nested_tensor([t, t]),
}


@pytest.mark.parametrize("kind", NOT_DENSE)
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested")
def test_tensors_that_hold_no_numbers_are_named(rows, kind):
    x, y = rows
    given, res = NOT_DENSE[kind](torch.from_numpy(x)), fit(x, y)
    with pytest.raises(ColumnTypeError, match=f"X is a tensor that is .*{kind}"):
        fit(given, y)
    with pytest.raises(ColumnTypeError, match=f"newdata is a tensor that is .*{kind}"):
        res.predict(given)


def test_views_and_gradients_are_numbers(rows):
    x, y = rows
    negative = torch._neg_view(torch.from_numpy(-x))
    weights = torch.ones(60, dtype=torch.float64, requires_grad=True)
    res = fit(negative, y, weights=weights, weight_type="importance")
    assert abs(res.llf - fit(x, y).llf) < 1e-11


@pytest.mark.parametrize("factor", [1e-200, 1e300])
def test_columns_beyond_squares_are_refused(rows, factor):
    x, y = rows
    with pytest.raises(ScaleError, match="'x2'"):
        fit(x * [1.0, factor, 1.0], y)


def test_missing_rows_are_dropped_and_counted(rows):
    x, y = rows
    gappy = x.copy()
    gappy[7, 1] = np.nan
    with pytest.raises(MissingDataError, match="missing='drop'"):
        fit(gappy, y)
    wanted = fit(np.delete(x, 7, axis=0), np.delete(y, 7))
    images = torch.from_numpy(gappy)[:, :, None]
    with pytest.raises(InfiniteValueError, match="missing='drop'"):
        fit_network(nn.Sequential(nn.Flatten(), make_net(3, 3)), images, y)
    for net, given in (
        (make_net(3, 3), gappy),
        (nn.Sequential(nn.Flatten(), make_net(3, 3)), images),
    ):
        res = fit_network(net, given, y, missing="drop")
        assert abs(res.llf - wanted.llf) < 1e-9
        audit = res.record.rows.design.audit
        assert (audit.rows_in, audit.rows_used) == (60, 59)
    images[3, 0] = torch.inf
    with pytest.raises(InfiniteValueError, match="by position 3"):
        fit_network(nn.Sequential(nn.Flatten(), make_net(3, 3)), images, y, missing="drop")


def test_weights_by_name_are_no_input(rows, rng):
    x, y = rows
    weights = rng.integers(1, 4, size=60)
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    how = {"weight_type": "frequency"}
    res = fit(frame.assign(w=weights), y, weights="w", **how)
    assert res.record.encoding.names == ("a", "b", "c")
    assert res.llf == fit(frame, y, weights=weights, **how).llf
    assert np.allclose(res.predict(frame), res.probabilities, rtol=0, atol=1e-15) is True
    for given in (frame, x):
        with pytest.raises(ColumnNotFoundError, match="weights='w' names no column of X"):
            fit(given, y, weights="w", **how)


def test_columns_that_are_no_inputs_are_named_without_formulas(rows):
    x, y = rows
    with pytest.raises(EmptyDataError, match="X has no columns"):
        fit(x[:, :0], y)
    with pytest.raises(ColumnTypeError, match="get_dummies"):
        fit(pd.DataFrame(x).assign(c=pd.Categorical(["u"] * 60)), y)
    with pytest.raises(OneCategoryError, match="two categories or more are needed"):
        fit(x, np.zeros(60))


def test_whole_numbers_and_columns_are_told_apart(rng):
    words, y = torch.from_numpy(rng.integers(5, size=(60, 3))), rng.integers(3, size=60)
    net = Words()
    with pytest.raises(NetworkError, match="give X as a tensor"):
        fit_network(net, words.numpy(), y)
    with pytest.raises(NetworkError, match=r"X\.double\(\) makes it columns"):
        fit_network(make_net(3, 3), words, y)
    res = fit_network(net, words, y, l2=1.0)
    assert res.predict(words.numpy()).equals(res.predict(words))
    with pytest.raises(ColumnTypeError, match=r"newdata\.long\(\)"):
        res.predict(words.double())


def test_whole_numbers_are_columns_of_a_fit_to_columns(rows):
    x, y = rows
    res = fit(torch.from_numpy(x), y)
    whole = torch.from_numpy(x).long()
    assert res.predict(whole).equals(res.predict(whole.double()))


def test_frames_for_columns_without_names(rows):
    x, y = rows
    with pytest.raises(ColumnNotFoundError, match=r"newdata\.to_numpy\(\)"):
        fit(x, y).predict(pd.DataFrame(x))


def test_outcomes_and_weights_have_one_reader(rows, rng):
    x, y = rows
    counts = rng.integers(0, 3, size=(60, 3)) + np.eye(3, dtype=int)[y]
    weights = rng.uniform(1, 2, size=60)
    read, whole = {}, slice(10, 20)
    for name, given in (("labels", y), ("counts", counts)):
        how = {"weights": weights, "weight_type": "importance"} if name == "counts" else {}
        read[name] = NetworkRows(*read_rows(x, given, DataOptions(**how)), 7)
    assert np.array_equal(read["labels"].targets(whole), np.eye(3)[y[10:20]])
    assert np.array_equal(read["counts"].targets(whole), counts[10:20])
    assert np.array_equal(read["labels"].weights(whole), np.ones(10))
    assert np.array_equal(read["counts"].weights(whole), weights[10:20])
    assert np.array_equal(read["counts"].observed, counts > 0)
    assert read["labels"].weight == 60
    assert np.isclose(read["counts"].weight, weights @ counts.sum(axis=1))


def test_columns_far_from_zero_are_named(rows):
    x, y = rows
    shifted = x + np.array([0.0, 1e8, 0.0])
    design, _ = read_rows(shifted, y, DataOptions())
    assert find_far_columns(design) == ["x2"]
    design, _ = read_rows(np.column_stack([x + 100.0, np.ones(60)]), y, DataOptions())
    assert find_far_columns(design) == []
    with pytest.warns(NotConvergedWarning, match="'x2' of X are so far from zero"):
        fit(shifted, y, maxiter=1)
