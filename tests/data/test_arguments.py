"""Keywords that other programs have are refused, and ours named."""

import inspect

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.data.arguments import OF_EFFECTS, REMEDIES

ANES = ml.datasets.load_anes96()
WEIGHTS = np.ones(len(ANES))


@pytest.fixture(scope="module")
def model():
    return ml.mnlogit("vote ~ age", ANES)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("freq_weights", "weights= and weight_type='frequency'"),
        ("sample_weight", r"weights= and weight_type= \('frequency', 'sampling' or 'importance'\)"),
        ("pweights", "weight_type='sampling'"),
        ("use_t", "cov_type='survey'"),
    ],
)
def test_words_of_other_programs_name_ours(model, word, ours):
    said = rf"\(\) got an unexpected keyword argument '{word}': .*{ours}"
    asked = {word: WEIGHTS}
    for call in (
        lambda: ml.MNLogit(ANES["vote"], ANES[["age"]], **asked),
        lambda: ml.mnlogit("vote ~ age", ANES, **asked),
        lambda: ml.MNLogit.from_formula("vote ~ age", ANES, **asked),
        lambda: model.fit(**asked),
    ):
        with pytest.raises(TypeError, match=said):
            call()


def test_arguments_of_the_model_are_told_of_in_fit(model):
    with pytest.raises(TypeError, match="weights are of the model"):
        model.fit(weights=WEIGHTS)
    with pytest.raises(TypeError, match=r"write it to fit\(\)"):
        ml.mnlogit("vote ~ age", ANES, cov_type="robust")


@pytest.mark.parametrize(
    ("method", "word", "ours"),
    [
        ("margins", "dydx", r"margins\('x'\)"),
        ("margins", "atmeans", "kind='at_means'"),
        ("margins", "alpha", r"summary_frame\(\)"),
        ("margins", "vce", r"with_cov\('robust'\)"),
        ("margins", "over", "by="),
        ("get_prediction", "at", r"get_prediction\(\{'x'.*effect='level', at="),
        ("get_prediction", "alpha", r"summary_frame\(\)"),
    ],
)
def test_words_of_margins_name_ours(model, method, word, ours):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{word}': .*{ours}"):
        getattr(model.fit(), method)(**{word: 0.1})


def test_no_remedy_for_effects_hides_an_argument(model):
    res = model.fit()
    for method in (res.margins, res.get_prediction):
        own = set(inspect.signature(method).parameters)
        assert own & set(OF_EFFECTS) <= {"at"}
    assert res.margins("age", at={"age": 30.0}).labels["age"].tolist() == [30.0, 30.0]


def test_other_unknown_keywords_stay_as_they_are(model):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nonsense'$"):
        model.fit(nonsense=1)


def test_signatures_are_the_functions_own_and_no_remedy_hides_one():
    for function in (ml.MNLogit, ml.mnlogit, ml.MNLogit.fit):
        kinds = {one.kind for one in inspect.signature(function).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert "weights" in inspect.signature(ml.mnlogit).parameters
    assert (
        ml.mnlogit("vote ~ age", ANES, weights=WEIGHTS, weight_type="frequency").fit().nobs == 944
    )
    assert all(word.isidentifier() for word in REMEDIES)
