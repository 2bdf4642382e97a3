"""scikit-learn's own checks of estimators, and what the docs say of them."""

import re
from inspect import signature
from pathlib import Path

import pytest

from tests.estimator.cases import EXPECTED, find_expected, list_estimators

checks = pytest.importorskip("sklearn.utils.estimator_checks")
RULES = ("reduce_bias", "limit", "raise")
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "scikit_learn.md"


def list_checks():
    """List estimators and checks; 1.6 has a generator of them, which pytest 9 warns of."""
    make = checks.parametrize_with_checks
    # Later versions can fail a check that passes although it was expected to fail.
    strict = {"xfail_strict": True} if "xfail_strict" in signature(make).parameters else {}
    mark = make(list_estimators(), expected_failed_checks=find_expected, **strict).mark
    names, cases = mark.args
    return pytest.mark.parametrize(names, list(cases), **mark.kwargs)


# The checks' own data are separated, or have more columns than rows, and we say so.
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NoFiniteMaximumWarning")
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.CollinearityWarning")
@list_checks()
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_docs_list_the_same_expected_failures():
    """Each by its name, under the parameter that brings it about, with the same reason."""
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    told = set(re.findall(r"`(check_\w+)`", text))
    assert told == {check for failures in EXPECTED.values() for check in failures}
    for parameter, failures in EXPECTED.items():
        assert f"`{parameter}`" in text
        assert all(reason in text for reason in failures.values())


def test_docs_say_which_estimators_are_checked():
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^- `(MNLogitClassifier\(.*\))`", text, re.MULTILINE)
    assert sorted(listed) == sorted(map(spell, list_estimators()))
    assert all(f'`"{rule}"`' in text for rule in RULES)


def spell(estimator):
    """Write an estimator with those parameters that are not the defaults."""
    default = type(estimator)().get_params()
    changed = {key: value for key, value in estimator.get_params().items() if value != default[key]}
    inside = ", ".join(f"{key}={value!r}" for key, value in changed.items())
    return f"{type(estimator).__name__}({inside})"
