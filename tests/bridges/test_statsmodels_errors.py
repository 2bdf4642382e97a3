"""What statsmodels' MNLogit says silently wrong, and what is said in its place.

Every test shows both: that statsmodels is wrong, and that the class in its place is right or
raises.
"""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.discrete import discrete_model
from statsmodels.tools import sm_exceptions

import mlelogit as ml
from mlelogit.bridges.statsmodels import MNLogit
from mlelogit.exceptions import (
    BridgeError,
    ColumnNotFoundError,
    DuplicateColumnError,
    EffectWarning,
    InfiniteValueError,
    LengthMismatchError,
    MissingDataError,
    NotConvergedWarning,
    OneCategoryError,
    OptionError,
    OutcomeError,
    RankDeficiencyError,
    SeparationWarning,
    UnusedLevelWarning,
)
from tests.bridges.test_statsmodels import THEIRS, draw


def fit_theirs(*args, **options):
    """Fit statsmodels' own class, whatever it warns of."""
    fit_options = {"disp": 0, **options.pop("fit", {})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return THEIRS(*args, **options).fit(**fit_options)


@pytest.fixture
def sample():
    return draw(3)


@pytest.fixture
def gaps(sample):
    """A sample with missing outcomes of every kind."""
    endog, exog = sample
    labels = endog.map(lambda code: "abcd"[code]).astype(object)
    labels.iloc[[5, 60, 61]] = None
    labels.iloc[7] = np.nan
    return labels, exog


class TestMissingOutcomes:
    def test_statsmodels_takes_them_for_the_base(self, gaps):
        endog, exog = gaps
        theirs = fit_theirs(endog, exog, missing="drop")
        assert theirs.nobs == 300
        filled = fit_theirs(endog.fillna("a"), exog)
        assert theirs.params.to_numpy() == pytest.approx(filled.params.to_numpy())

    @pytest.mark.parametrize("as_array", [False, True])
    def test_they_drop(self, gaps, as_array):
        endog, exog = gaps
        complete = fit_theirs(endog.dropna(), exog[endog.notna()])
        given = (endog.to_numpy(), exog.to_numpy()) if as_array else gaps
        ours = MNLogit(*given, missing="drop").fit(disp=0)
        assert ours.nobs == 296
        found, expected = np.asarray(ours.params), complete.params.to_numpy()
        assert found == pytest.approx(expected, rel=1e-7)
        assert ours.llf == pytest.approx(complete.llf, rel=1e-10)
        assert ours.model.data.missing_row_idx == [5, 7, 60, 61]

    def test_columns_drop_with_them(self, gaps):
        endog, exog = gaps[0], gaps[1].copy()
        exog.iloc[[7, 9], 1] = np.nan
        ours = MNLogit(endog, exog, missing="drop").fit(disp=0)
        assert ours.nobs == 295
        assert ours.model.data.missing_row_idx == [5, 7, 9, 60, 61]
        assert not ours.model.data.row_labels.isin([5, 7, 9, 60, 61]).any()

    @pytest.mark.parametrize("missing", ["none", "raise"])
    @pytest.mark.parametrize("error", [MissingDataError, sm_exceptions.MissingDataError])
    def test_they_raise(self, gaps, missing, error):
        with pytest.raises(error, match=r"endog \(4\).*\[5, 7, 60, 61\]"):
            MNLogit(*gaps, missing=missing)

    def test_default_raises(self, gaps):
        assert fit_theirs(*gaps).nobs == 300
        with pytest.raises(MissingDataError):
            MNLogit(*gaps)

    def test_floats_and_categories(self, sample):
        endog, exog = sample
        numbers = endog.astype(float)
        numbers.iloc[4] = np.nan
        kinds = (numbers, numbers.to_numpy(), numbers.astype("category"), numbers.astype("Int64"))
        for kind in kinds:
            with pytest.raises(MissingDataError, match=r"\[4\]"):
                MNLogit(kind, exog)
            assert MNLogit(kind, exog, missing="drop").fit(disp=0).nobs == 299

    def test_columns_alone_raise_as_in_statsmodels(self, sample):
        endog, exog = sample[0], sample[1].copy()
        exog.iloc[3, 2] = np.nan
        for kind in (THEIRS, MNLogit):
            with pytest.raises(sm_exceptions.MissingDataError, match="exog contains inf or nans"):
                kind(endog, exog)
        with pytest.raises(MissingDataError):
            MNLogit(endog, exog, hasconst=False)

    def test_infinite_columns_raise(self, sample):
        endog, exog = sample[0], sample[1].copy()
        exog.iloc[3, 2] = np.inf
        with pytest.raises(sm_exceptions.MissingDataError):
            MNLogit(endog, exog)
        with pytest.raises(InfiniteValueError, match="v2"):
            MNLogit(endog, exog, hasconst=False)

    def test_user_data_stay(self, gaps):
        endog, exog = gaps
        before = endog.copy(), exog.copy()
        MNLogit(endog, exog, missing="drop").fit(disp=0).summary()
        pd.testing.assert_series_equal(endog, before[0])
        pd.testing.assert_frame_equal(exog, before[1])

    def test_lengths_and_words(self, sample):
        with pytest.raises(LengthMismatchError, match=r"300.*299"):
            MNLogit(sample[0], sample[1].iloc[1:])
        with pytest.raises(OptionError, match="missing"):
            MNLogit(*sample, missing="omit")


def separate():
    """Category 2 is never seen below zero and always above: it runs off; 0 and 1 do not."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=200)
    codes = np.where(x > 0.4, 2, rng.integers(0, 2, 200))
    return pd.Series(codes, name="y"), pd.DataFrame({"const": 1.0, "x": x})


class TestSeparation:
    def test_statsmodels_is_converged_without_numbers(self):
        theirs = fit_theirs(*separate(), fit={"maxiter": 200})
        assert theirs.converged is True
        assert np.isnan(theirs.bse.to_numpy()).any() or theirs.bse.to_numpy().max() > 1e3

    @pytest.mark.filterwarnings("ignore:Maximum Likelihood optimization failed")
    def test_it_is_told_and_never_converged(self):
        with pytest.warns(SeparationWarning, match="2: x"):
            ours = MNLogit(*separate()).fit(disp=0)
        assert ours.converged is False
        assert ours.mle_retvals["converged"] is False
        assert ours.mle_retvals["warnflag"] == 1
        assert np.isinf(ours.params.iloc[:, 1]).all()

    @pytest.mark.filterwarnings("ignore::mlelogit.exceptions.SeparationWarning")
    def test_statsmodels_warning_comes_too(self):
        with pytest.warns(sm_exceptions.ConvergenceWarning):
            MNLogit(*separate()).fit(disp=0)

    @pytest.fixture
    def limit(self):
        return MNLogit(*separate()).fit(disp=0, warn_convergence=False)

    def test_finite_coefficients_are_those_of_the_rows_left(self, limit):
        endog, exog = separate()
        rest = endog < 2
        model = THEIRS(endog[rest], exog[rest]).fit(disp=0)
        found = limit.params.iloc[:, 0].to_numpy()
        assert found == pytest.approx(model.params.iloc[:, 0].to_numpy(), rel=1e-6)
        errors = limit.bse.iloc[:, 0].to_numpy()
        assert errors == pytest.approx(model.bse.iloc[:, 0].to_numpy(), rel=1e-6)
        assert limit.bse.iloc[:, 1].isna().all()
        assert limit.llf == pytest.approx(model.llf, rel=1e-9)

    def test_probabilities_are_those_of_the_limit(self, limit):
        endog, exog = separate()
        p = np.asarray(limit.predict())
        assert p[endog == 2].tolist() == [[0.0, 0.0, 1.0]] * int((endog == 2).sum())
        assert np.isfinite(p).all()
        assert p.sum(axis=1) == pytest.approx(1.0)
        assert np.log(p[np.arange(200), endog]).sum() == pytest.approx(limit.llf, rel=1e-10)
        assert limit.predict(exog[["x", "const"]]).to_numpy() == pytest.approx(p)
        assert limit.pred_table().sum() == 200
        assert limit.predict(which="linear").shape == (200, 3)
        assert limit.summary().as_text().count("inf") >= 2

    def test_effects_of_infinite_coefficients_raise(self, limit):
        with pytest.raises(BridgeError, match=r"margins\(\)"):
            limit.get_margeff()


class TestOverflow:
    def test_statsmodels_likelihood_is_nan(self, sample):
        flat = np.full(9, 400.0)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert np.isnan(THEIRS(*sample).loglike(flat))

    def test_ours_is_what_long_numbers_say(self, sample):
        import mpmath

        endog, exog = sample
        flat = np.random.default_rng(4).normal(0, 400, 9)
        model, x = MNLogit(endog, exog), exog.to_numpy()
        total = mpmath.mpf(0)
        for row, code in zip(x, endog, strict=True):
            scores = [mpmath.mpf(0), *(mpmath.fdot(row, b) for b in flat.reshape(3, 3))]
            total += scores[code] - mpmath.log(sum(mpmath.exp(score) for score in scores))
        assert model.loglike(flat) == pytest.approx(float(total), rel=1e-13)
        assert model.loglikeobs(flat).sum() == model.loglike(flat)
        assert model.loglike(flat.astype(complex)).real == pytest.approx(float(total), rel=1e-13)
        for name in ("score", "score_obs", "hessian", "score_factor", "hessian_factor"):
            assert np.isfinite(getattr(model, name)(flat)).all()
        assert np.isfinite(model.cdf(np.array([[1e4, -1e4, 1e300]]))).all()
        assert np.isfinite(model._derivative_predict(flat)).all()
        assert np.isfinite(model._derivative_predict(flat, transform="eydx")).all()
        assert np.isfinite(model._derivative_exog(flat.reshape(3, 3, order="F"))).all()

    def test_far_units_fit(self, sample):
        endog, exog = sample[0], sample[1].copy()
        exog["v1"] = exog["v1"] * 1e6 + 1e8
        ours = MNLogit(endog, exog).fit(disp=0)
        plain = MNLogit(*sample).fit(disp=0)
        assert ours.converged is True
        assert ours.llf == pytest.approx(plain.llf, rel=1e-9)


class TestCollinearColumns:
    def test_they_are_named(self, sample):
        endog, exog = sample[0], sample[1].assign(twice=lambda frame: 2 * frame["v1"])
        for error in (RankDeficiencyError, np.linalg.LinAlgError):
            with pytest.raises(error, match="twice"):
                MNLogit(endog, exog).fit(disp=0)

    def test_statsmodels_names_nothing(self, sample):
        endog, exog = sample[0], sample[1].assign(twice=lambda frame: 2 * frame["v1"])
        theirs = fit_theirs(endog, exog, fit={"method": "bfgs"})
        assert theirs.converged
        with pytest.raises(ValueError, match="need covariance") as error:
            theirs.cov_params()
        assert "twice" not in str(error.value)

    def test_penalized_fits_take_them(self, sample):
        endog, exog = sample[0], sample[1].assign(twice=lambda frame: 2 * frame["v1"])
        model = MNLogit(endog, exog)
        assert model.df_model == THEIRS(endog, exog).df_model == 6
        assert model.fit_regularized(alpha=5.0, disp=0).params.shape == (4, 3)


@pytest.mark.parametrize("name", ["weights", "freq_weights", "var_weights", "offset", "exposure"])
def test_weights_and_offset_raise(sample, name):
    """statsmodels ignores both: the fit is the same."""
    values = np.random.default_rng(0).integers(1, 5, 300)
    theirs = fit_theirs(*sample, **{name: values})
    assert theirs.params.to_numpy() == pytest.approx(fit_theirs(*sample).params.to_numpy())
    with pytest.raises(OptionError, match=rf"{name}.*mlelogit\.MNLogit"):
        MNLogit(*sample, **{name: values})
    assert MNLogit(*sample, **{name: None}).fit(disp=0).nobs == 300


def test_unknown_keywords_raise(sample):
    fit_theirs(*sample, weigths=np.ones(300))
    with pytest.raises(OptionError, match="weigths"):
        MNLogit(*sample, weigths=np.ones(300))


@pytest.mark.parametrize("kind", ["HC1", "HC2", "HC3"])
def test_corrections_of_robust_covariances_are_made(sample, kind):
    zero = fit_theirs(*sample, fit={"cov_type": "HC0"})
    theirs = fit_theirs(*sample, fit={"cov_type": kind})
    assert theirs.bse.to_numpy() == pytest.approx(zero.bse.to_numpy(), rel=1e-12)
    ours = MNLogit(*sample).fit(disp=0, cov_type=kind.lower())
    assert ours.cov_type == kind
    assert (ours.bse.to_numpy() > 1.001 * zero.bse.to_numpy()).all()
    x, codes = sample[1].to_numpy(), sample[0].to_numpy()
    expected = sandwich(np.asarray(ours.params), x, codes, kind)
    assert np.asarray(ours.cov_params()) == pytest.approx(expected, rel=1e-7, abs=1e-10)
    assert ours.t_test(np.eye(9)).sd == pytest.approx(np.sqrt(np.diag(expected)), rel=1e-7)


def sandwich(b, x, codes, kind):
    """Form HC1 to HC3 row by row, with the leverage H_n = W_n^(1/2) X_n V X_n' W_n^(1/2)."""
    p = np.exp(x @ np.column_stack([np.zeros(3), b]))
    p /= p.sum(axis=1, keepdims=True)
    residuals = np.eye(4)[codes][:, 1:] - p[:, 1:]
    spreads = [np.diag(row) - np.outer(row, row) for row in p[:, 1:]]
    information = sum(np.kron(w, np.outer(z, z)) for w, z in zip(spreads, x, strict=True))
    bread = np.linalg.inv(information)
    meat = np.zeros((9, 9))
    power = {"HC1": 0.0, "HC2": -0.5, "HC3": -1.0}[kind]
    for r, w, z in zip(residuals, spreads, x, strict=True):
        root = np.linalg.cholesky(w)
        wide = np.kron(np.eye(3), z)
        values, vectors = np.linalg.eigh(np.eye(3) - root.T @ wide @ bread @ wide.T @ root)
        adjusted = root @ (vectors * values**power) @ vectors.T @ np.linalg.solve(root, r)
        score = np.kron(adjusted, z)
        meat += np.outer(score, score)
    factor = 300 / (300 - 9) if kind == "HC1" else 1.0
    return bread @ meat @ bread * factor


@pytest.mark.parametrize("name", ["aic", "bic"])
def test_information_criteria_agree(sample, name):
    theirs, ours = fit_theirs(*sample), MNLogit(*sample).fit(disp=0)
    assert abs(theirs.info_criteria(name) - getattr(theirs, name)) > 1
    assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-10)
    assert ours.info_criteria(name) == pytest.approx(getattr(ours, name), rel=1e-14)
    more = ours.info_criteria(name, dk_params=2) - ours.info_criteria(name)
    assert more == pytest.approx(4 if name == "aic" else 2 * np.log(300))
    for other in ("tic", "gbic"):
        assert ours.info_criteria(other) == pytest.approx(theirs.info_criteria(other), rel=1e-7)


def test_second_table_names_its_equations(sample):
    theirs, ours = fit_theirs(*sample), MNLogit(*sample).fit(disp=0)
    assert [frame.columns[0] for frame in theirs.summary2().tables[1:]] == [
        "out = 0",
        "out = 1",
        "out = 2",
    ]
    tables = ours.summary2().tables
    assert [frame.columns[0] for frame in tables[1:]] == ["out = 1", "out = 2", "out = 3"]
    for column, frame in zip(ours.params, tables[1:], strict=True):
        assert frame["Coef."].to_numpy() == pytest.approx(ours.params[column].to_numpy())
    assert "out = 3" in ours.summary2().as_text()


class TestPredictionByName:
    def test_statsmodels_goes_by_position(self, sample):
        theirs, turned = fit_theirs(*sample), sample[1][["v2", "const", "v1"]]
        off = theirs.predict(turned).to_numpy() - theirs.predict(sample[1]).to_numpy()
        assert np.abs(off).max() > 0.1

    def test_columns_go_by_name(self, sample):
        ours, exog = MNLogit(*sample).fit(disp=0), sample[1]
        expected = ours.predict(exog)
        pd.testing.assert_frame_equal(ours.predict(exog[["v2", "const", "v1"]]), expected)
        pd.testing.assert_frame_equal(ours.predict(exog.assign(more=1.0)), expected)
        assert ours.predict(exog.to_numpy()) == pytest.approx(expected.to_numpy())
        unnamed = pd.DataFrame(exog.to_numpy())
        assert ours.predict(unnamed).to_numpy() == pytest.approx(expected.to_numpy())

    def test_what_is_missing_or_twice_raises(self, sample):
        ours, exog = MNLogit(*sample).fit(disp=0), sample[1]
        with pytest.raises(ColumnNotFoundError, match="v2"):
            ours.predict(exog.rename(columns={"v2": "other"}))
        twice = pd.concat([exog, exog[["v1"]]], axis=1)
        with pytest.raises(DuplicateColumnError, match="v1"):
            ours.predict(twice)


class TestFormulas:
    @pytest.fixture
    def frame(self, sample):
        endog, exog = sample
        kind = endog.map(lambda code: ["cat", "dog", "eel", "ant"][code])
        return exog.assign(kind=kind, code=endog, group=np.arange(300) % 3)

    def test_text_outcomes_fit(self, frame):
        with pytest.raises(ValueError, match="multiple columns"):
            THEIRS.from_formula("kind ~ v1 + v2", frame)
        ours = MNLogit.from_formula("kind ~ v1 + v2", frame).fit(disp=0)
        by_hand = fit_theirs(frame["kind"], frame[["const", "v1", "v2"]])
        assert ours.params.to_numpy() == pytest.approx(by_hand.params.to_numpy(), rel=1e-7)
        assert ours.equation_names == ("cat", "dog", "eel")
        assert ours.model.endog_names == "kind"
        assert "kind=dog" in ours.summary().as_text()
        assert ours.cov_params().index[0] == ("cat", "Intercept")
        assert ours.predict(frame.iloc[:4]).to_numpy() == pytest.approx(ours.predict()[:4])
        assert frame["kind"].iloc[0] in ("cat", "dog", "eel", "ant")

    @pytest.mark.parametrize("left", ["kind", "C(kind)", "`kind`"])
    def test_categories_keep_their_order(self, frame, left):
        order = ["eel", "dog", "cat", "ant"]
        frame = frame.assign(kind=pd.Categorical(frame["kind"], order))
        if left == "`kind`":
            left = "kind"
        ours = MNLogit.from_formula(f"{left} ~ v1", frame).fit(disp=0)
        assert ours.equation_names == ("dog", "cat", "ant")

    def test_truth_values(self, frame):
        frame = frame.assign(yes=frame["v1"] + np.random.default_rng(1).normal(size=300) > 0)
        ours = MNLogit.from_formula("yes ~ v2", frame).fit(disp=0)
        assert ours.equation_names == ("True",)

    def test_missing_text_drops_as_formulas_do(self, frame):
        frame.loc[[3, 8], "kind"] = None
        frame.loc[9, "v1"] = np.nan
        ours = MNLogit.from_formula("kind ~ v1", frame).fit(disp=0)
        assert ours.nobs == 297
        few = MNLogit.from_formula("kind ~ v1", frame, subset=frame["group"] > 0)
        assert few.data.frame.shape[0] == 200
        assert few.fit(disp=0).nobs == len(few.endog) == 199

    def test_formulas_see_the_callers_functions(self, frame):
        def double(values):
            return 2 * values

        ours = MNLogit.from_formula("kind ~ double(v1)", frame)
        assert ours.exog_names == ["Intercept", "double(v1)"]
        plain = MNLogit.from_formula("code ~ double(v1)", frame)
        assert plain.exog[:, 1] == pytest.approx(2 * frame["v1"].to_numpy())
        assert double(1) == 2

    def test_effects_that_ignore_the_formula_are_warned_of(self, frame):
        theirs = THEIRS.from_formula("code ~ v1 + I(v1 ** 2) + v1:v2", frame).fit(disp=0)
        assert theirs.get_margeff().margeff.shape == (3, 4)
        ours = MNLogit.from_formula("code ~ v1 + I(v1 ** 2) + v1:v2", frame).fit(disp=0)
        with pytest.warns(EffectWarning, match=r"I\(v1 \*\* 2\), v1:v2"):
            effects = ours.get_margeff()
        assert effects.margeff == pytest.approx(theirs.get_margeff().margeff, rel=1e-6)

    def test_effects_of_plain_columns_and_factors_are_not(self, frame):
        ours = MNLogit.from_formula("code ~ v1 + C(group) + v2", frame).fit(disp=0)
        assert ours.get_margeff().margeff.shape == (4, 4)


class TestTables:
    def test_dummies_are_labels(self, sample):
        endog, exog = sample
        labels = MNLogit(endog, exog).fit(disp=0)
        for dummies in (pd.get_dummies(endog), np.eye(4)[endog], np.eye(4, dtype=int)[endog]):
            ours = MNLogit(dummies, exog).fit(disp=0)
            assert np.asarray(ours.params) == pytest.approx(labels.params.to_numpy(), rel=1e-9)

    @pytest.mark.parametrize("share", [False, True])
    def test_counts_and_shares_raise(self, sample, share):
        counts = np.random.default_rng(0).poisson(3.0, (300, 3)) + 1
        theirs = fit_theirs(counts, sample[1])
        assert theirs.nobs == 300
        given = counts / counts.sum(axis=1, keepdims=True) if share else counts
        with pytest.raises(OutcomeError, match=r"mlelogit\.MNLogit"):
            MNLogit(given, sample[1])
        assert ml.MNLogit(given, sample[1]).fit().converged

    def test_one_column_is_labels(self, sample):
        endog, exog = sample
        labels = MNLogit(endog, exog).fit(disp=0).llf
        assert MNLogit(endog.to_numpy()[:, None], exog).fit(disp=0).llf == pytest.approx(labels)
        assert MNLogit(endog.to_frame(), exog).fit(disp=0).llf == pytest.approx(labels)

    def test_one_category_raises(self, sample):
        with pytest.raises(OneCategoryError):
            MNLogit(np.zeros(300, dtype=int), sample[1])

    def test_categories_without_a_row_are_left_out(self, sample):
        endog, exog = sample
        declared = pd.Series(pd.Categorical(endog, [7, 0, 1, 2, 3]), name="out")
        assert not fit_theirs(declared, exog, fit={"maxiter": 50}).bse.to_numpy().max() < 1e3
        with pytest.warns(UnusedLevelWarning, match="7"):
            ours = MNLogit(declared, exog)
        plain = MNLogit(endog, exog).fit(disp=0)
        assert ours.fit(disp=0).llf == pytest.approx(plain.llf, rel=1e-12)


class TestEffects:
    def test_statsmodels_elasticities_take_the_wrong_column(self):
        """At one row, with as many columns as categories, ``x_k`` is taken from another column."""
        endog, exog = draw(6, 200, 4, 4)
        theirs, ours = fit_theirs(endog, exog), MNLogit(endog, exog).fit(disp=0)
        wrong = theirs.get_margeff(at="mean", method="dyex").margeff
        slopes = theirs.get_margeff(at="mean").margeff
        right = slopes * exog.mean().to_numpy()[1:, None]
        assert np.abs(wrong - right).max() > 1e-3
        found = ours.get_margeff(at="mean", method="dyex").margeff
        assert found == pytest.approx(right, rel=1e-7)

    def test_memory_does_not_grow_with_the_parameters(self):
        endog, exog = draw(2, 20_000, 11, 6)
        ours = MNLogit(endog, exog).fit(disp=0)
        tracemalloc.start()
        effects = ours.get_margeff()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert effects.margeff.shape == (10, 6)
        # statsmodels needs 1.16 GB.
        assert peak < 100e6

    @pytest.mark.parametrize("name", ["get_prediction", "get_influence", "get_distribution"])
    def test_what_statsmodels_has_not_raises_at_once(self, sample, name):
        ours = MNLogit(*sample).fit(disp=0)
        with pytest.raises(NotImplementedError):
            getattr(ours, name)()


class TestNotConverged:
    def test_stopped_climbs_say_so(self, sample):
        with pytest.warns(NotConvergedWarning):
            ours = MNLogit(*sample).fit(disp=0, maxiter=1)
        assert ours.converged is False

    @pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NotConvergedWarning")
    def test_statsmodels_own_warning_is_among_them(self, sample):
        with pytest.warns(sm_exceptions.ConvergenceWarning):
            MNLogit(*sample).fit(disp=0, maxiter=1)


def test_existing_code_runs_unchanged():
    """The example of statsmodels' own documentation."""
    anes = sm.datasets.anes96.load_pandas()
    results = []
    for kind in (discrete_model.MNLogit, MNLogit):
        res = kind(anes.endog, sm.add_constant(anes.exog)).fit(disp=0)
        results.append(res)
        assert isinstance(res.summary().as_latex(), str)
    theirs, ours = results
    assert ours.params.to_numpy() == pytest.approx(theirs.params.to_numpy(), rel=1e-6)
    assert ours.conf_int().to_numpy() == pytest.approx(theirs.conf_int().to_numpy(), rel=1e-6)
