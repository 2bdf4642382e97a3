"""A fit of every kind is the same after saving, without its rows and with them."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ChangedRowsError,
    ChangedRowsWarning,
    DataNotKeptError,
    MNLogitError,
)
from mlelogit.saving import is_saved
from mlelogit.saving.imprint import make_points, take_imprint
from tests.saving.fits import FORMULA, FRAME, MAKERS, make

pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
# Every public name that is a function of the two records alone.
PLAIN = ("params", "bse", "tvalues", "pvalues", "categories", "base", "cov_type", "nobs", "omitted")
PLAIN += ("llf", "llnull", "llr", "llr_pvalue", "prsquared", "aic", "bic", "df_model", "df_resid")
PLAIN += ("converged", "trace", "penalized_llf", "bias_reduction", "condition_number")


@pytest.fixture(scope="module", params=list(MAKERS))
def pair(request, tmp_path_factory):
    fit = make(request.param)
    path = fit.results.save(tmp_path_factory.mktemp("fits") / "fit.json")
    return request.param, fit, path, ml.load(path)


def assert_equal(one, two):
    """Compare to the last bit."""
    assert type(one) is type(two)
    if isinstance(one, pd.DataFrame | pd.Series):
        assert one.equals(two)
        assert one.index.equals(two.index)
    elif isinstance(one, float) and np.isnan(one):
        assert np.isnan(two)
    else:
        assert one == two
        assert repr(one) == repr(two)


def assert_close(one, two):
    """Compare what is computed of arrays that are laid out otherwise in memory."""
    if isinstance(one, pd.DataFrame | pd.Series):
        kind = "frame" if isinstance(one, pd.DataFrame) else "series"
        getattr(pd.testing, f"assert_{kind}_equal")(one, two, rtol=1e-12, atol=1e-12)
    elif isinstance(one, float):
        np.testing.assert_allclose(two, one, rtol=1e-11)
    else:
        assert one == two


def ask(function):
    """Return an answer, or the words of a refusal."""
    try:
        return function()
    except MNLogitError as error:
        return type(error), str(error)


def test_every_number_and_word_is_the_same(pair):
    _, fit, _, again = pair
    for name in PLAIN:
        assert_equal(getattr(fit.results, name), getattr(again, name))
    assert fit.results.summary().as_text() == again.summary().as_text()
    assert (
        fit.results.summary(exponentiate=True).as_html()
        == again.summary(exponentiate=True).as_html()
    )
    assert repr(fit.results.certificate) == repr(again.certificate)
    assert str(fit.results.audit) == str(again.audit)
    assert str(fit.results.separation) == str(again.separation)
    assert_equal(fit.results.separation.examples, again.separation.examples)


@pytest.mark.parametrize(
    "question",
    [
        lambda r: r.conf_int(),
        lambda r: r.cov_params(),
        lambda r: r.tidy(),
        lambda r: r.all_pairs(),
        lambda r: r.fit_statistics(),
        lambda r: r.score(),
        lambda r: r.multipliers,
        lambda r: r.wald_test(np.eye(1, r.params.size)).p_value,
        lambda r: r.equality_tests(),
        lambda r: r.table().as_text() if hasattr(r.table(), "as_text") else str(r.table()),
        lambda r: str(r.constraint_tests()),
    ],
)
def test_questions_without_rows_have_the_same_answers(pair, question):
    _, fit, _, again = pair
    expected, found = ask(lambda: question(fit.results)), ask(lambda: question(again))
    if isinstance(found, tuple) and found[0] is DataNotKeptError:
        assert "ml.load(path, data=frame)" in found[1]
        separated = fit.results.record.separation.found
        assert pair[0] in ("constraints", "equations") or (separated and expected is not found)
        return
    assert_close(expected, found)


def ask_frame(results, question, given):
    return ask(lambda: getattr(results, question)(**given).summary_frame())


def test_new_rows_are_predicted_alike(pair):
    name, fit, _, again = pair
    for which in ("prob", "category", "linear"):
        expected = fit.results.predict(fit.new, which, offset=fit.offset)
        assert_equal(expected, again.predict(fit.new, which, offset=fit.offset))
    given = {"newdata": fit.new, "offset": fit.offset}
    for question in ("get_prediction", "margins") if name not in ("wide", "splines") else ():
        answers = [ask_frame(r, question, given) for r in (fit.results, again)]
        assert_equal(*answers)


def test_another_base_is_the_same(pair):
    name, fit, _, again = pair
    other = next(one for one in again.categories if one != again.base)
    expected, found = (
        ask(lambda r=r: r.rebase(other).summary().as_text()) for r in (fit.results, again)
    )
    if fit.results.record.separation.found:
        assert found[0] is DataNotKeptError
    else:
        assert found == expected
    assert (name == "median") == (isinstance(expected, tuple))


def test_saving_again_writes_the_same_file(pair, tmp_path):
    _, _, path, again = pair
    assert is_saved(path)
    assert again.save(tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_the_file_is_strict_json(pair):
    def refuse(word):
        raise AssertionError(word)

    _, fit, path, _ = pair
    made = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert made["format"] == "mlelogit fit"
    assert made["written_by"] == ml.__version__
    np.testing.assert_array_equal(made["estimates"]["params"], fit.results.record.params)


@pytest.mark.parametrize("held", [False, True], ids=["given again", "in the file"])
def test_with_its_rows_a_fit_is_whole(pair, held, tmp_path):
    name, fit, path, _ = pair
    if held:
        again = ml.load(fit.results.save(tmp_path / "held.json", data=True))
    else:
        again = ml.load(path, fit.rows)
    in_pieces = r"\nRows read in pieces: .*" if held else "$^"
    assert again.summary().as_text() == re.sub(in_pieces, "", fit.results.summary().as_text())
    assert_equal(fit.results.params, again.params)
    assert_equal(fit.results.bse, again.bse)
    for question in (
        lambda r: r.predict(),
        lambda r: r.loglikeobs(),
        lambda r: r.resid_pearson,
        lambda r: (
            r.lr_test(str(r.record.encoding.names[-1])).statistic
            if r.record.encoding.rhs is not None and name not in ("odd names", "wide")
            else None
        ),
        lambda r: r.pred_table(),
        lambda r: r.fit_statistics().value,
    ):
        expected, found = ask(lambda q=question: q(fit.results)), ask(lambda q=question: q(again))
        if isinstance(expected, float):
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
        else:
            assert_close(expected, found)
    settings = [
        r.covariance.request and r.covariance.request.settings for r in (fit.results, again)
    ]
    if settings[0] is not None and (held or name != "labels"):
        assert type(settings[0]) is type(settings[1])


def test_other_rows_are_refused(pair):
    _, fit, path, _ = pair
    if not isinstance(fit.rows, pd.DataFrame):
        return
    column = fit.results.record.encoding.variables[0]
    changed = fit.rows.copy()
    first = changed[column].first_valid_index()
    others = changed[column][changed[column] != changed[column][first]].dropna()
    changed.loc[first, column] = others.iloc[0]
    with pytest.raises(ChangedRowsError, match="other rows"):
        ml.load(path, changed)
    with pytest.raises(ChangedRowsError):
        ml.load(path, fit.rows.iloc[:-3])


def load_with(fit, frame, tmp_path):
    return ml.load(fit.save(tmp_path / "fit.json"), data=frame)


def test_rows_that_a_limit_is_sure_of_are_proven_too(tmp_path):
    """In complete separation no row adds anything to the log-likelihood or score."""
    for name, formula in (("quasi-complete", FORMULA), ("complete", "y ~ x + z")):
        frame = make(name).rows
        fit = ml.mnlogit(formula, frame).fit()
        other = frame.assign(z=frame.z.where(frame.y != "A", 1.0))
        with pytest.raises(ChangedRowsError, match="other rows"):
            load_with(fit, other, tmp_path)


def test_rows_with_the_same_sufficient_statistics_are_told(tmp_path):
    """X'y is all that log-likelihood and score know of outcomes; the sandwich knows more."""
    x = [0, 3, 1, 2] * 50 + [0, 0, 1, 2, 3, 1] * 5
    frame = pd.DataFrame({"x": x, "y": list("AABB") * 50 + list("ABABAB") * 5})
    other = frame.assign(y=list("BBAA") * 50 + list("ABABAB") * 5)
    fit, same = (ml.mnlogit("y ~ x", rows).fit() for rows in (frame, other))
    np.testing.assert_allclose(fit.params, same.params, atol=1e-9)
    assert fit.llf == pytest.approx(same.llf, abs=1e-10)
    assert not np.allclose(fit.with_cov("HC0").bse, same.with_cov("HC0").bse, rtol=1e-3)
    with pytest.raises(ChangedRowsError, match="have its log-likelihood and score"):
        load_with(fit, other, tmp_path)
    assert load_with(fit, frame.sample(frac=1, random_state=0), tmp_path).llf == fit.llf


@pytest.mark.parametrize("name", ["counts", "offset", "importance", "probabilities", "frequency"])
def test_any_exchange_between_two_rows_is_told(name, tmp_path):
    """Every column that the fit uses, exchanged between two rows or changed in one."""
    fit = make(name)
    record = fit.results.record
    beside = ["x", "z", "r", *[f"{kind}{one}" for kind in "cso" for one in "ABC"], "w", "p", "y"]
    used = [*record.encoding.variables, *record.encoding.declared, *record.encoding.offset_names]
    used += [record.encoding.outcome_name, record.weights_name]
    for column in [one for one in beside if one in used]:
        values = FRAME[column].to_numpy()
        rows = np.flatnonzero(values != values[0])[:1]
        other = fit.rows.copy()
        other.loc[other.index[[0, *rows]], column] = values[[*rows, 0]]
        with pytest.raises((ChangedRowsError, MNLogitError)):
            ml.load(fit.results.save(tmp_path / "fit.json"), data=other)


def test_the_imprint_is_of_the_rows_alone(tmp_path):
    """Not of their order, the base, whether equal ones are summed up, or how they are read."""
    plain = ml.mnlogit("y ~ C(r) + q", FRAME).fit()
    imprint = take_imprint(plain.record)
    kin = [
        ml.mnlogit("y ~ C(r) + q", FRAME.iloc[::-1]).fit(),
        ml.mnlogit("y ~ C(r) + q", FRAME, compress=True).fit(),
        ml.mnlogit("y ~ C(r) + q", [FRAME.iloc[:70], FRAME.iloc[70:]], stream=True).fit(),
        plain.rebase("C"),
        load_with(plain, FRAME, tmp_path).rebase("B"),
    ]
    for one in kin:
        np.testing.assert_allclose(take_imprint(one.record), imprint, atol=1e-11 * len(FRAME))
    moved = ml.load(ml.load(plain.save(tmp_path / "a.json")).rebase("C").save(tmp_path / "b.json"))
    np.testing.assert_array_equal(moved.record.facts.imprint, imprint)
    assert ml.load(tmp_path / "b.json", data=FRAME).base == "C"


def test_the_imprint_is_the_characteristic_function(tmp_path):
    """By its definition, of columns standardized by numpy."""
    fit = make("offset").results
    design = fit.record.blocks.design
    x, o = design.source.block(0, 160).T, design.offset
    u = (x - np.where(x.std(axis=0) > 0, x.mean(axis=0), 0)) / np.where(x.std(0) > 0, x.std(0), 1)
    expected = []
    for point in make_points(x.shape[1], 3):
        b, g, c = np.split(point, [x.shape[1], x.shape[1] + 1])
        own = design.outcome.codes
        away = (o - o.mean(axis=1, keepdims=True))[np.arange(160), own]
        wave = np.exp(1j * (u @ b + g * away + c[own])).sum()
        expected.append([wave.real, wave.imag])
    np.testing.assert_allclose(take_imprint(fit.record), expected, rtol=1e-10)


def test_labels_that_are_others_or_gone_are_told(tmp_path):
    rng = np.random.default_rng(1)
    for cov, options in (("cluster", {"groups": "g"}), ("survey", {"psu": "g"})):
        fit = ml.mnlogit(FORMULA, FRAME).fit(cov_type=cov, cov_kwds=options)
        for other in (FRAME.assign(g=rng.permutation(FRAME.g)), FRAME.assign(g=np.nan)):
            with pytest.raises(ChangedRowsError, match="'g', on which its covariance"):
                load_with(fit, other, tmp_path)
        with pytest.warns(ChangedRowsWarning, match="its labels 'g' are no columns"):
            again = load_with(fit, FRAME.drop(columns="g"), tmp_path)
        assert again.bse.equals(fit.bse)
        whole = load_with(fit, FRAME, tmp_path)
        assert whole.score_test("z").p_value == pytest.approx(fit.score_test("z").p_value)


def test_rows_that_were_dropped_and_are_not_there_are_told(tmp_path):
    fit = make("missing").results
    with pytest.warns(ChangedRowsWarning, match="those left out are others"):
        again = load_with(fit, make("missing").rows.dropna(), tmp_path)
    assert str(again.audit) == str(fit.audit)


def test_rows_in_another_order_are_the_same_rows(tmp_path):
    fit = make("formula")
    path = fit.results.save(tmp_path / "fit.json")
    again = ml.load(path, FRAME.iloc[::-1])
    np.testing.assert_allclose(again.predict().iloc[::-1], fit.results.predict(), rtol=1e-14)
    assert again.lr_test("x").statistic == pytest.approx(fit.results.lr_test("x").statistic)
