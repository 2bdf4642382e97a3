"""verify(): every engine agrees, says why not run, or is the one named as off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.equivalence import verification
from mlelogit.equivalence.engines import ENGINES, run_engine
from mlelogit.equivalence.verification import ENTROPY, OURS, judge, read_problem
from mlelogit.exceptions import MNLogitWarning, OptionError
from tests.equivalence.samples import make, verdicts

PEERS = list(ENGINES.values())
ROWS = [OURS, PEERS[0], ENTROPY, *PEERS[1:]]


@pytest.fixture(scope="module")
def res():
    return make().fit()


CASES = [
    ({}, []),
    ({"units": 1e6}, []),
    ({"weight_type": "frequency"}, []),
    ({"weight_type": "sampling"}, ["statsmodels"]),
    ({"weight_type": "importance"}, ["statsmodels"]),
    ({"kind": "counts"}, []),
    ({"kind": "counts", "weight_type": "frequency"}, []),
    ({"kind": "probabilities"}, []),
    ({"kind": "probabilities", "weight_type": "importance"}, ["statsmodels"]),
    ({"offset": True}, ["statsmodels", "scikit-learn"]),
    (
        {"offset": True, "kind": "counts", "weight_type": "sampling"},
        ["statsmodels", "scikit-learn"],
    ),
]


@pytest.mark.parametrize(("how", "left_out"), CASES, ids=[str(case) for case, _ in CASES])
def test_engines_agree_or_say_why_they_were_not_run(how, left_out):
    fit = make(**how).fit()
    found = fit.verify()
    frame = found.frame
    assert list(frame.index) == ROWS
    assert found.agrees
    assert found.reference == OURS
    refused = [ENGINES[name] for name in left_out]
    for name, row in frame.iterrows():
        if name in refused:
            word = "offset" if how.get("offset") else "weights"
            assert row["verdict"].startswith("not run: ")
            assert word in row["verdict"]
            assert row.drop("verdict").isna().all()
        else:
            assert row["verdict"] == "agrees"
            assert abs(row["loglike"] - fit.llf) < 1e-8 * abs(fit.llf)
            assert abs(row["cross_entropy"] + fit.llf) < 1e-8 * abs(fit.llf)
            assert row["coef_diff"] < 1e-4
    assert frame.loc[[OURS, PEERS[0]], "se_diff"].max() < 1e-4


def answers_of(res):
    """Return this fit's answer and the peers', as verify() judges them."""
    problem = read_problem(res.record)
    ours = verification._answer_ours(res.record, res.covariance, problem)
    return [ours, *(run_engine(engine, problem, 0) for engine in ENGINES)], problem


@pytest.fixture(scope="module")
def answers(res):
    return answers_of(res)


def test_unperturbed_answers_all_agree(answers):
    found = judge(*answers)
    assert found.agrees
    assert verdicts(found) == []


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("size", [3e-4, 0.1, 5.0, -20.0])
def test_moved_coefficients_name_their_engine_alone(answers, place, size):
    given, problem = answers
    moved = np.array(given[place].params)
    moved[1, 2] += size * given[0].bse[1, 2]
    perturbed = [*given]
    perturbed[place] = replace(given[place], params=moved)
    found = judge(perturbed, problem)
    name = given[place].engine
    assert not found.agrees
    assert verdicts(found, skip=(ENTROPY,)) == [name]
    assert abs(found.frame.loc[name, "coef_diff"] / abs(size) - 1) < 1e-2
    assert found.reference != name
    assert (ENTROPY in verdicts(found)) == (place == 0)
    assert "NOT all agree" in str(found)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("field", ["loglike", "cross_entropy"])
@pytest.mark.parametrize("factor", [1 + 1e-7, 1 - 1e-7, -1.0, np.nan])
def test_misreported_likelihoods_name_their_engine_alone(answers, place, field, factor):
    given, problem = answers
    perturbed = [*given]
    value = getattr(given[place], field) * factor
    perturbed[place] = replace(given[place], **{field: value})
    assert verdicts(judge(perturbed, problem)) == [given[place].engine]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("factor", [1.001, 0.5, np.nan])
def test_misreported_errors_name_their_engine_alone(answers, place, factor):
    given, problem = answers
    errors = np.array(given[place].bse)
    errors[0, 1] *= factor
    perturbed = [*given]
    perturbed[place] = replace(given[place], bse=errors)
    found = judge(perturbed, problem)
    assert verdicts(found) == [given[place].engine]
    assert "standard errors" in found.frame.loc[given[place].engine, "verdict"]


@pytest.mark.parametrize("place", range(4))
def test_coefficients_that_are_no_numbers_are_off(answers, place):
    given, problem = answers
    perturbed = [*given]
    perturbed[place] = replace(given[place], params=np.full_like(given[place].params, np.nan))
    found = judge(perturbed, problem)
    assert given[place].engine in verdicts(found)
    assert verdicts(found, skip=(ENTROPY, given[place].engine)) == []


@pytest.mark.parametrize("place", range(4))
def test_swapped_equations_are_seen(answers, place):
    given, problem = answers
    perturbed = [*given]
    perturbed[place] = replace(given[place], params=given[place].params[::-1])
    assert verdicts(judge(perturbed, problem), skip=(ENTROPY,)) == [given[place].engine]


def test_a_fit_that_stopped_early_is_the_one_named():
    with pytest.warns(MNLogitWarning):
        early = make().fit("L-BFGS-B", maxiter=4)
    found = early.verify()
    assert not found.agrees
    if early.certificate.finite_maximum:
        assert verdicts(found, skip=(ENTROPY,)) == [OURS]
        assert found.reference in PEERS


def test_a_fit_without_a_finite_maximum_has_nothing_to_agree_on():
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    with pytest.warns(MNLogitWarning):
        res = ml.MNLogit((np.arange(20) > 9).astype(int), x).fit()
    found = res.verify()
    assert not found.agrees
    assert found.frame.loc[OURS, "verdict"].startswith("undecided")


@pytest.mark.parametrize(
    "engines", ["statsmodels", ["scikit-learn"], ["cross-entropy", "statsmodels"]]
)
def test_engines_can_be_chosen(res, engines):
    asked = [engines] if isinstance(engines, str) else engines
    found = res.verify(engines=engines)
    assert set(found.frame.index) == {OURS, ENTROPY, *(ENGINES[name] for name in asked)}
    assert found.agrees


@pytest.mark.parametrize("engines", ["sklearn", ["statsmodels", "torch"], ["Statsmodels"]])
def test_unknown_engines_raise_and_list_the_choices(res, engines):
    with pytest.raises(OptionError) as caught:
        res.verify(engines=engines)
    assert all(name in str(caught.value) for name in ENGINES)


def test_costly_engines_are_skipped_with_the_figure_unless_named(res, monkeypatch):
    monkeypatch.setattr(verification, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(verification, "estimate_seconds", lambda *_: 1234.4)
    skipped = res.verify().frame.loc[PEERS, "verdict"]
    assert skipped.str.contains("1234 s").all()
    assert [f"engines='{key}'" in skipped[name] for key, name in ENGINES.items()] == [True] * 3
    assert res.verify(engines=list(ENGINES)).frame.loc[PEERS, "verdict"].eq("agrees").all()


def test_same_seed_same_numbers_other_seed_other_start(res):
    one, two, other = res.verify(), res.verify(), res.verify(seed=1)
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    peer = ENGINES["cross-entropy"]
    assert one.frame.loc[peer, "coef_diff"] != other.frame.loc[peer, "coef_diff"]
    assert (one.seed, other.seed) == (0, 1)
    assert "seed 1" in str(other)


def test_another_covariance_or_base_changes_no_verdict(res):
    assert res.with_cov("HC0").verify().agrees
    assert res.rebase("top").verify().agrees


def test_it_prints_as_a_table(res):
    text = str(res.verify())
    for word in (*ROWS, "coef_diff", "se_diff", "verdict", "all agree", f"{res.llf:.8f}", "1e-08"):
        assert word in text
    assert "<table" in res.verify()._repr_html_()
