"""Gaussian class densities: their posterior is a softmax, and its map a multinomial logit."""

from __future__ import annotations

import copy
import pickle
import warnings

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import multivariate_normal

from mlelogit.equivalence import GaussianClasses, posterior_from_joint, softmax
from mlelogit.exceptions import (
    BaseCategoryError,
    ColumnNotFoundError,
    ColumnTypeError,
    DuplicateColumnError,
    InfiniteValueError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    OutcomeError,
    ParamsError,
    RankDeficiencyError,
    ScaleError,
)

PRIORS = [0.5, 0.3, 0.2]
MEANS = [[0.0, 1.0], [2.0, 0.5], [-1.0, 3.0]]
COMMON = [[1.0, 0.4], [0.4, 2.0]]
OWN = [COMMON, [[2.0, -0.3], [-0.3, 0.5]], [[0.7, 0.1], [0.1, 1.0]]]
both = pytest.mark.parametrize("covariance", [COMMON, OWN], ids=["common", "own"])


def make(covariance=COMMON, **more):
    return GaussianClasses(PRIORS, MEANS, covariance, **more)


def draw_classes(rng, count, width, own=False):
    roots = rng.normal(size=(count if own else 1, width, width + 2))
    squares = roots @ np.swapaxes(roots, 1, 2)
    priors = rng.dirichlet(5 * np.ones(count))
    means = 2 * rng.normal(size=(count, width))
    return GaussianClasses(priors, means, squares if own else squares[0])


@both
def test_log_joint_is_the_normal_density_and_the_prior(rng, covariance):
    classes, x = make(covariance), 3 * rng.normal(size=(200, 2))
    joint = classes.log_joint(x)
    assert joint.columns.tolist() == [0, 1, 2]
    for k, (prior, mean) in enumerate(zip(PRIORS, MEANS, strict=True)):
        spread = covariance if classes.common else covariance[k]
        truth = multivariate_normal(mean, spread).logpdf(x) + np.log(prior)
        assert np.abs(joint[k] - truth).max() < 1e-12 * np.abs(truth).max()


@both
def test_densities_integrate_to_one(covariance):
    side = np.linspace(-14, 14, 281)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    totals = np.exp(make(covariance).log_joint(grid)).sum() * 0.1**2
    assert np.abs(totals - PRIORS).max() < 1e-10


def find_exact(classes, x):
    """Return log joint densities and log posteriors at one x to fifty digits."""
    joint = []
    for k, mean in enumerate(classes.means):
        square = mp.matrix(
            (classes.covariance if classes.common else classes.covariance[k]).tolist()
        )
        rest = mp.matrix(
            [mp.mpf(float(a)) - mp.mpf(float(b)) for a, b in zip(x, mean, strict=True)]
        )
        distance = (rest.T * mp.lu_solve(square, rest))[0]
        size = mp.log(mp.det(square)) + len(mean) * mp.log(2 * mp.pi)
        joint.append(mp.log(mp.mpf(float(classes.priors[k]))) - (size + distance) / 2)
    top = max(joint)
    total = mp.log(mp.fsum(mp.exp(value - top) for value in joint))
    return joint, [value - top - total for value in joint]


def draw_ill_conditioned(rng, smallest, count):
    """Columns in units from 1e-5 to 1e6, their correlations of eigenvalues from 1 to smallest."""
    units = np.array([1, 1e6, 1e-5, 1, 30.0])
    squares = []
    for _ in range(count):
        turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
        square = (turn * [1, 1, 0.5, 0.1, smallest]) @ turn.T * units * units[:, None]
        squares.append((square + square.T) / 2)
    means = rng.normal(size=(3, 5)) * units
    return GaussianClasses(PRIORS, means, squares if count > 1 else squares[0]), units


@pytest.mark.parametrize("far", [1.0, 1e4])
@pytest.mark.parametrize("smallest", [1e-2, 1e-6, 1e-9])
@pytest.mark.parametrize("own", [False, True])
def test_far_and_ill_conditioned_to_fifty_digits(rng, own, smallest, far):
    classes, units = draw_ill_conditioned(rng, smallest, 3 if own else 1)
    x = far * rng.normal(size=(4, 5)) * units
    joint, logs = classes.log_joint(x).to_numpy(), classes.log_posterior(x).to_numpy()
    y = classes.posterior(x).to_numpy()
    with mp.workdps(50):
        for n, row in enumerate(x):
            exact, posterior = find_exact(classes, row)
            for k in range(3):
                # A covariance in doubles, whose condition number this is, is known no better.
                known = 1e-15 / smallest
                assert abs(joint[n, k] - exact[k]) < known * max(abs(exact[k]), 1)
                # Own quadratic terms do not cancel: their difference is as good as they are.
                scale = max(map(abs, exact)) if own else max(map(abs, posterior))
                assert abs(logs[n, k] - posterior[k]) < known * max(scale, 1)
                if scale < 1e4:
                    assert abs(y[n, k] - mp.exp(posterior[k])) < 1e4 * known


@pytest.mark.parametrize("smallest", [1e-2, 1e-6, 1e-9])
def test_determinants_and_the_map_of_ill_conditioned_classes_to_fifty_digits(rng, smallest):
    classes, units = draw_ill_conditioned(rng, smallest, 1)
    joint = classes.log_joint(classes.means).to_numpy()
    params = classes.logit_params().to_numpy()
    with mp.workdps(50):
        square = mp.matrix(classes.covariance.tolist())
        for k, mean in enumerate(classes.means):
            assert abs(joint[k, k] - find_exact(classes, mean)[0][k]) < max(1e-13, 1e-16 / smallest)
            if k:
                one, two = (mp.matrix(row.tolist()) for row in (mean, classes.means[0]))
                slopes = mp.lu_solve(square, one - two)
                halves = (((one + two).T * slopes) / 2)[0]
                constant = mp.log(mp.mpf(PRIORS[k]) / mp.mpf(PRIORS[0])) - halves
                exact = np.array([constant, *slopes]) * np.append(1.0, units)
                gaps = np.abs(params[:, k - 1] * np.append(1.0, units) - exact)
                assert gaps.max() < 1e-15 / smallest * np.abs(exact).max()


def test_posterior_far_out_keeps_digits_that_the_joint_density_loses():
    classes = GaussianClasses([0.5, 0.5], [[-0.5, 0.0], [0.5, 0.0]], np.eye(2))
    x = [[0.7, 1e9]]
    truth = 1 / (1 + np.exp(-0.7))
    assert abs(classes.posterior(x).loc[0, 1] - truth) < 1e-15
    assert abs(posterior_from_joint(classes.log_joint(x))[0, 1] - truth) > 1e-3


@both
def test_posterior_is_bayes_rule(rng, covariance):
    classes, x = make(covariance), 2 * rng.normal(size=(300, 2))
    y = classes.posterior(x)
    assert np.abs(y - posterior_from_joint(classes.log_joint(x))).max().max() < 1e-13
    assert np.abs(np.exp(classes.log_posterior(x)) - y).max().max() < 1e-14
    assert np.abs(y.sum(axis=1) - 1).max() < 1e-15


@both
@pytest.mark.parametrize("base", [0, 1, 2])
def test_the_map_is_a_logit_whose_softmax_is_the_posterior(rng, covariance, base):
    classes, x = make(covariance), 2 * rng.normal(size=(300, 2))
    params = classes.logit_params(base)
    assert params.columns.tolist() == [k for k in range(3) if k != base]
    assert params.index[:3].tolist() == ["const", "x1", "x2"]
    assert (params.index.name, params.columns.name) == ("name", "category")
    scores = classes.logit_columns(x).to_numpy() @ np.insert(params.to_numpy(), base, 0.0, axis=1)
    assert np.abs(softmax(scores) - classes.posterior(x)).max().max() < 1e-12


@pytest.mark.parametrize("own", [False, True])
def test_the_map_of_many_columns(rng, own):
    classes = draw_classes(rng, 5, 6, own)
    x = rng.normal(size=(100, 6))
    params = np.insert(classes.logit_params(3).to_numpy(), 3, 0.0, axis=1)
    scores = classes.logit_columns(x).to_numpy() @ params
    assert np.abs(softmax(scores) - classes.posterior(x)).max().max() < 1e-12


def test_the_map_by_hand():
    """Two normals of variance 4 at 1 and 3, priors 1/4 and 3/4: x (3 - 1) / 4 - 1 + log 3."""
    classes = GaussianClasses([0.25, 0.75], [[1.0], [3.0]], [[4.0]])
    truth = [np.log(3) - 1, 0.5]
    assert np.abs(classes.logit_params()[1] - truth).max() < 1e-15
    assert np.abs(classes.logit_params(1)[0] + truth).max() < 1e-15


def test_the_quadratic_map_by_hand():
    """Standard deviations 1 and 2 at 0: log(1/2) + x² (1 - 1/4) / 2."""
    classes = GaussianClasses([0.5, 0.5], [[0.0], [0.0]], [[[1.0]], [[4.0]]], names=["dose"])
    params = classes.logit_params()[1]
    assert params.index.tolist() == ["const", "dose", "dose^2"]
    assert np.abs(params - [np.log(0.5), 0.0, 0.375]).max() < 1e-15
    assert make(OWN).terms == ("const", "x1", "x2", "x1^2", "x1:x2", "x2^2")
    assert make(OWN).logit_columns([[2.0, 3.0]]).to_numpy().tolist() == [[1, 2, 3, 4, 6, 9]]


def test_equal_own_covariances_are_a_common_one(rng):
    own, common, x = make([COMMON] * 3), make(), rng.normal(size=(50, 2))
    assert np.abs(own.posterior(x) - common.posterior(x)).max().max() < 1e-14
    assert np.abs(own.logit_params().iloc[:3] - common.logit_params()).max().max() < 1e-14
    assert np.abs(own.logit_params().iloc[3:]).max().max() == 0


@both
def test_neither_units_nor_the_order_of_rows_matter(rng, covariance):
    x = rng.normal(size=(40, 2))
    units = np.array([1e9, 3e-7])
    turned = np.asarray(covariance) * units * units[:, None]
    one, two = make(covariance), GaussianClasses(PRIORS, MEANS * units, turned)
    order = rng.permutation(40)
    assert np.abs(one.posterior(x) - two.posterior(x * units)).max().max() < 1e-13
    assert (one.posterior(x).to_numpy()[order] == one.posterior(x[order]).to_numpy()).all()


def test_labels_of_any_type_and_frames_by_name(rng):
    labels = ["a b", 3, ("x", 1)]
    classes = make(categories=labels, names=["age (years)", 7])
    index = pd.Index(list("pqrs"))
    frame = pd.DataFrame(rng.normal(size=(4, 2)), index=index, columns=[7, "age (years)"])
    y = classes.posterior(frame.assign(more="text"))
    assert y.columns.tolist() == labels
    assert (y.index == index).all()
    plain = make().posterior(frame.to_numpy()[:, ::-1])
    assert (y.to_numpy() == plain.to_numpy()).all()
    params = classes.logit_params(("x", 1))
    assert params.columns.tolist() == ["a b", 3]
    assert params.index.tolist() == ["const", "age (years)", 7]


def test_what_is_given_is_copied_and_what_is_held_cannot_be_written_to():
    means = np.array(MEANS)
    classes = GaussianClasses(PRIORS, means, COMMON)
    before = classes.posterior([[1.0, 1.0]])
    means[:] = 0
    for again in (classes, copy.deepcopy(classes), pickle.loads(pickle.dumps(classes))):
        for name in ("priors", "means", "covariance"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(again, name)[0] = 1
        assert again.posterior([[1.0, 1.0]]).equals(before)


def test_frames_of_other_packages_go_by_name_too(rng):
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    x = rng.normal(size=(5, 2))
    turned = {"x2": x[:, 1], "x1": x[:, 0]}
    truth = make().posterior(x)
    for frame in (turned, pd.DataFrame(turned), polars.DataFrame(turned), arrow.table(turned)):
        assert make().posterior(frame).equals(truth)
    assert make().posterior(csr_array(x)).equals(truth)
    with pytest.raises(ColumnNotFoundError, match="no column 'x2'"):
        make().posterior(polars.DataFrame({"x1": [1.0]}))


def test_labels_are_plain():
    classes = make(categories=np.array([3, 1, 2]), names=np.array(["a", "b"]))
    assert repr(classes.categories + classes.names) == "(3, 1, 2, 'a', 'b')"
    assert make(categories=None, names=None).categories == (0, 1, 2)


@both
def test_no_rows_have_no_posterior(covariance):
    classes = make(covariance)
    for frame in (classes.posterior, classes.log_joint, classes.log_posterior):
        assert frame(np.zeros((0, 2))).shape == (0, 3)


def test_it_prints_and_shows_in_a_notebook():
    classes = make(categories=["<a>", "b", "c"])
    assert "3 categories with one covariance" in str(classes)
    assert repr(classes) == str(classes)
    assert "&lt;a&gt;" in classes._repr_html_()
    assert "covariances of their own" in str(make(OWN))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"priors": [0.5, 0.5]}, ParamsError, "belong together"),
        ({"priors": [0.5, 0.3, 0.3]}, ParamsError, "sum to one, not to 1.1"),
        ({"priors": [1.0, 0.0, 0.0]}, ParamsError, "must be positive"),
        ({"priors": ["a", "b", "c"]}, ParamsError, "real numbers"),
        ({"means": [[0.0], [1.0, 2.0], [1.0]]}, ParamsError, "means must be real numbers"),
        ({"means": np.full((3, 2), np.nan)}, ParamsError, "must be finite"),
        ({"priors": [1.0], "means": [[0.0, 1.0]]}, ParamsError, "one category"),
        ({"covariance": np.eye(3)}, ParamsError, r"must be \(2, 2\), or \(3, 2, 2\)"),
        ({"covariance": [[1.0, 0.5], [0.4, 1.0]]}, ParamsError, "not symmetric"),
        ({"covariance": [[1.0, 1.0], [1.0, 1.0]]}, RankDeficiencyError, "column 'x2' is a comb"),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, RankDeficiencyError, "column 'x2' is a comb"),
        ({"covariance": [[1.0, 0.0], [0.0, 0.0]]}, RankDeficiencyError, "'x2' has no variance"),
        (
            {"covariance": [COMMON, np.ones((2, 2)), COMMON], "categories": list("abc")},
            RankDeficiencyError,
            "of category 'b' is not positive definite",
        ),
        ({"categories": ["a", "a", "b"]}, DuplicateColumnError, "'a' stands twice"),
        ({"categories": "abc"}, ParamsError, "sequence of labels, not 'abc'"),
        ({"names": 2}, ParamsError, "names must be a sequence"),
        ({"categories": ["a"]}, ParamsError, "There are 1 categories, not 3"),
        ({"names": ["x", "x"]}, DuplicateColumnError, "'x' stands twice among the names"),
        ({"names": ["const", "x"]}, DuplicateColumnError, "'const' stands twice among the terms"),
    ],
)
def test_bad_classes_are_named(change, error, said):
    given = {"priors": PRIORS, "means": MEANS, "covariance": COMMON} | change
    with pytest.raises(error, match=said):
        GaussianClasses(**given)


@pytest.mark.parametrize(
    ("x", "error", "said"),
    [
        ([[1.0, np.nan]], MissingDataError, r"in X in 1 rows, by column: 'x2' .* position: \[0\]"),
        (
            [[0.0, 0.0], [np.inf, 1.0]],
            InfiniteValueError,
            r"'x1' of X is infinite in 1 rows; .*\[1\]",
        ),
        ([[1.0]], LengthMismatchError, r"shape \(n, 2\), not \(1, 1\)"),
        ([1.0, 2.0], LengthMismatchError, "shape"),
        (pd.DataFrame({"x1": [1.0]}), ColumnNotFoundError, "no column 'x2'"),
        ([["a", "b"]], ColumnTypeError, "'x1'.* (not numeric|not a number)"),
        (np.array([["1", 2]], dtype=object), ColumnTypeError, "'x1' (has dtype|holds '1')"),
        (np.ma.masked_array([[1.0, 2.0]], [[False, True]]), MissingDataError, "'x2'"),
        (pd.DataFrame({"x1": [1.0], "x2": [pd.NA]}), MissingDataError, "'x2'"),
    ],
)
def test_bad_rows_are_named(x, error, said):
    for method in ("log_joint", "posterior", "log_posterior", "logit_columns"):
        with pytest.raises(error, match=said):
            getattr(make(), method)(x)


def test_bad_bases_are_named():
    for base in (5, "z", True, [0], np.array([0, 1])):
        with pytest.raises(BaseCategoryError, match="Categories: 0, 1, 2"):
            make().logit_params(base)
    assert make().logit_params("1").equals(make().logit_params(1))  # As in a fit.


def test_where_every_density_is_zero_there_is_no_posterior():
    for method in ("posterior", "log_posterior"):
        with pytest.raises(OutcomeError, match="below every double in row 1"):
            getattr(make(OWN), method)([[0.0, 0.0], [1e200, 0.0]])


@pytest.fixture
def labelled(rng):
    """Rows whose categories come in another order by size than by name."""
    y = pd.Series(np.repeat(["c", "a", "b"], [50, 20, 30]), name="kind")
    frame = pd.DataFrame(
        rng.normal(size=(100, 2)) + y.map({"a": 0, "b": 1, "c": 3}).to_numpy()[:, None]
    )
    return frame.set_axis(["u", "v"], axis=1) * [1, 2], y


@pytest.mark.parametrize("own", [False, True])
def test_labels_are_those_of_frames_and_other_orders_are_aligned(labelled, own):
    frame, y = labelled
    shares, means = y.value_counts(normalize=True), frame.groupby(y).mean()
    spread = frame.groupby(y).cov() if own else frame.cov()
    classes = GaussianClasses(shares, means, spread)
    assert (classes.categories, classes.names) == (("a", "b", "c"), ("u", "v"))
    values = [frame[y == k].cov() for k in "abc"] if own else frame.cov()
    truth = GaussianClasses(
        [0.2, 0.3, 0.5], means.to_numpy(), np.array(values), list("abc"), ["u", "v"]
    )
    assert classes.posterior(frame).equals(truth.posterior(frame))
    turned = GaussianClasses(
        shares[["b", "c", "a"]],
        means.loc[["c", "a", "b"], ["v", "u"]],
        [one.loc[["v", "u"], ["v", "u"]] for one in values] if own else spread.loc[["v", "u"]],
        categories=list("abc"),
        names=["u", "v"],
    )
    assert turned.posterior(frame).equals(truth.posterior(frame))
    pieces = GaussianClasses(shares, [one for _, one in means.iterrows()], spread)
    assert pieces.names == ("u", "v")


def test_labels_of_the_priors_alone():
    shares = pd.Series([0.2, 0.8], index=["b", "a"])
    classes = GaussianClasses(shares, [[0.0], [2.0]], [[1.0]])
    assert classes.categories == ("b", "a")
    means = pd.DataFrame([[0.0], [2.0]], index=["a", "b"], columns=["z"])
    assert GaussianClasses(shares, means, [[1.0]]).priors.tolist() == [0.8, 0.2]


def test_frames_of_other_packages_have_names_and_no_categories():
    polars = pytest.importorskip("polars")
    means = polars.DataFrame({"u": [0.0, 2.0], "v": [1.0, 0.0]})
    spread = polars.DataFrame({"u": [1.0, 0.5], "v": [0.5, 2.0]})
    classes = GaussianClasses([0.5, 0.5], means, spread, ["a", "b"])
    assert (classes.categories, classes.names) == (("a", "b"), ("u", "v"))


@pytest.mark.parametrize("what", ["priors", "columns", "covariance", "given", "own", "short"])
def test_labels_that_are_others_are_refused(labelled, what):
    frame, y = labelled
    given = [y.value_counts(normalize=True), frame.groupby(y).mean(), frame.cov()]
    more = {}
    if what == "priors":
        given[0] = given[0].rename({"a": "z"})
    elif what == "columns":
        given[2] = given[2].rename(columns={"u": "z"})
    elif what == "covariance":
        given[2] = given[2].rename(columns={"u": "z"}, index={"u": "z"})
    elif what == "given":
        more = {"categories": ["a", "b", "z"]}
    elif what == "own":
        given[2] = [frame.cov(), frame.cov(), frame.rename(columns={"u": "z"}).cov()]
    else:
        given[1] = given[1].iloc[:2]
    with pytest.raises(MisalignedIndexError, match="the same labels in any order"):
        GaussianClasses(*given, **more)


def test_own_covariances_in_one_frame_are_whole(labelled):
    frame, y = labelled
    spread = frame.groupby(y).cov().iloc[:-1]
    with pytest.raises(ParamsError, match="a row for every category"):
        GaussianClasses([0.2, 0.3, 0.5], frame.groupby(y).mean(), spread)


@pytest.mark.parametrize(
    ("means", "covariance"),
    [
        ([[0.0], [1e200]], [[1.0]]),
        ([[0.0], [1e300]], [[1.0]]),
        ([[0.0], [1.0]], [[1e-310]]),
        ([[0.0], [1e90]], [[1e-40]]),
        ([[0.0], [1.0]], [[[1.0]], [[1e250]]]),
    ],
)
def test_units_beyond_the_range_of_squares_are_named(means, covariance):
    with pytest.raises(ScaleError, match=r"Column 'x1' has a mean beyond .* other units"):
        GaussianClasses([0.5, 0.5], means, covariance)


def test_units_within_the_range_of_squares_do():
    classes = GaussianClasses([0.5, 0.5], [[0.0], [1e99]], [[1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        params = classes.logit_params()[1]
    assert np.abs(params / [-0.5e198, 1e99] - 1).max() < 1e-14


def test_masked_numbers_are_missing():
    means = np.ma.masked_array(MEANS, np.eye(3, 2))
    with pytest.raises(ParamsError, match="must be finite"):
        GaussianClasses(PRIORS, means, COMMON)
