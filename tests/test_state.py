"""The process is as it was: whatever the package does, in however many threads."""

import random
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

import mlelogit as ml
from mlelogit.cli import main
from mlelogit.exceptions import (
    MNLogitWarning,
    NotConvergedWarning,
    OptionError,
    RankDeficiencyError,
    UnseenLevelError,
    UnusedLevelWarning,
)
from mlelogit.fitting.optimization import METHODS
from mlelogit.notices import run_quietly
from tests.global_state import find_changes, look, unchanged
from tests.source_tree import PACKAGE

FORMULA = "vote ~ age + C(region) + children"
ONE_IDENTIFIER = "vote ~ center(`the age`) + scale(`the.age`):children + the_age"


@pytest.fixture(scope="module", autouse=True)
def in_unusual_states():
    """No state is the one that a careless reset would leave."""
    with np.errstate(all="warn", under="ignore"), threadpool_limits(2):
        yield


@pytest.fixture
def data(voters):
    other = np.random.default_rng(1).normal(3, 1, (2, 400))
    return voters.assign(**{"the age": voters.age, "the.age": other[0], "the_age": other[1]})


def fit_and_ask(data):
    res = ml.mnlogit(FORMULA, data).fit(threads=2)
    res.summary().as_html()
    res.predict(data.head(9))
    res.predict(which="category")
    res.rebase("cat").with_cov("HC1").conf_int()
    res.wald_test("age")
    res.lr_test(ml.mnlogit("vote ~ age", data).fit())
    res.refit(np.random.default_rng(0).multinomial(400, np.full(400, 1 / 400), size=3))
    return res


def fail_to_fit(data):
    with pytest.raises(RankDeficiencyError):
        ml.mnlogit("vote ~ age + I(2 * age)", data, collinear="raise")


def stop_early(data):
    with pytest.warns(NotConvergedWarning):
        ml.mnlogit("vote ~ age", data).fit(maxiter=1)


def break_in_the_callback(data):
    def fail(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ml.mnlogit("vote ~ age", data).fit(callback=fail)


def meet_an_unknown_level(data):
    res = ml.mnlogit(FORMULA, data).fit()
    with pytest.raises(UnseenLevelError):
        res.predict(data.assign(region="south"))


ACTIONS = {
    "arrays": lambda data: ml.MNLogit(data.vote, data[["age", "children"]]).fit(),
    "ask": fit_and_ask,
    "fail": fail_to_fit,
    "stop": stop_early,
    "callback": break_in_the_callback,
    "unknown level": meet_an_unknown_level,
    "one identifier": lambda data: ml.mnlogit(ONE_IDENTIFIER, data).fit().predict(data.head()),
    "verify": lambda data: ml.mnlogit(FORMULA, data).fit().verify(),
    "report": lambda data: ml.mnlogit(FORMULA, data).fit().report(),
    "demo": lambda data: main(["demo"]),
} | {
    method: lambda data, method=method: ml.mnlogit(FORMULA, data).fit(method) for method in METHODS
}


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_the_process_holds_in_common_changes(data, action):
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    with unchanged():
        ACTIONS[action](data)


def test_what_changes_is_found():
    before = look()
    with np.errstate(divide="raise"), warnings.catch_warnings():
        assert set(find_changes(before, look())) == {"numpy errors", "the list of filters"}
    np.random.normal()  # noqa: NPY002
    assert find_changes(before, look()) == ["numpy random"]


def test_a_fresh_process_is_left_as_it_is():
    """Some changes happen once in a process: imports that set filters, ways to start others."""
    code = """
import numpy as np, pandas, scipy.linalg, scipy.optimize, scipy.sparse, scipy.special
from tests.global_state import unchanged
with unchanged():
    import mlelogit as ml
    anes = ml.datasets.load_anes96()
    res = ml.mnlogit("vote ~ age + educ", anes).fit(threads=2)
    res.summary().as_text(), res.predict(anes.head())
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent, check=False)
    assert run.returncode == 0, run.stderr


def test_names_that_become_one_identifier_are_told_apart(data):
    """What a transform has learned is found again, whatever the other columns' names."""
    plain = data.rename(columns={"the age": "u", "the.age": "v", "the_age": "w"})
    expected = ml.mnlogit("vote ~ center(u) + scale(v):children + w", plain).fit()
    res = ml.mnlogit(ONE_IDENTIFIER, data).fit()
    assert res.params.index.tolist()[1:3] == ["center(the age)", "the_age"]
    assert np.array_equal(res.params, expected.params)
    few = res.predict(data.head(7)).to_numpy()
    assert np.abs(few - res.fittedvalues.head(7).to_numpy()).max() < 1e-12


@pytest.fixture
def switching_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run_together(function, times, threads=4):
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, range(times)))


def test_models_made_in_several_threads_leave_the_filters(data, switching_often):
    few = data.head(60)
    res = ml.mnlogit(FORMULA, few).fit()

    def make(i):
        if i % 3 == 2:
            return res.predict(few)
        return ml.mnlogit(FORMULA, few).design.source.block(0, 60)

    alone = [make(i) for i in range(3)]
    with unchanged():
        together = run_together(make, 90)
    for i, made in enumerate(together):
        assert np.array_equal(alone[i % 3], made)


def test_warnings_of_other_threads_are_neither_lost_nor_misdirected():
    started, told = threading.Event(), threading.Event()

    def work_quietly():
        started.set()
        told.wait(10)
        warnings.warn("a peer's", stacklevel=1)

    def work_beside():
        with ThreadPoolExecutor(1) as pool:
            quiet = pool.submit(run_quietly, work_quietly)
            started.wait(10)
            warnings.warn("one's own", MNLogitWarning, stacklevel=1)
            told.set()
            quiet.result()

    with pytest.warns(MNLogitWarning) as found:
        work_beside()
    assert [str(one.message) for one in found] == ["one's own"]


def test_models_made_at_once_give_all_their_warnings(data, switching_often):
    """Seen by many threads, each warning is given, and none is another package's."""
    few = data.head(60).copy()
    levels = ["east", "north", "west", "south"]
    few["region"] = pd.Categorical(few.region, categories=levels)
    with pytest.warns(UnusedLevelWarning) as found:
        run_together(lambda _: ml.mnlogit(FORMULA, few), 40)
    assert len(found) == 40
    assert {one.filename for one in found} == {__file__}


def test_one_model_fitted_in_several_threads_gives_the_same_numbers(data, switching_often):
    model = ml.mnlogit(FORMULA, data)
    methods = ("auto", "BFGS", "L-BFGS-B", "trust-krylov")

    def fit(i):
        res = model.fit(methods[i % 4], threads=1 + i // 4 % 2)
        return res.params.to_numpy(), res.cov_params().to_numpy(), res.trace.loglike.to_numpy()

    alone = [fit(i) for i in range(8)]
    with unchanged():
        together = run_together(fit, 24)
    for i, found in enumerate(together):
        for one, other in zip(alone[i % 8], found, strict=True):
            assert np.array_equal(one, other)


def test_models_made_and_fitted_in_threads_are_those_made_alone(data, switching_often):
    formulas = ["vote ~ age", FORMULA, "vote ~ bs(age, df=4) + region", ONE_IDENTIFIER]

    def fit(i):
        return ml.mnlogit(formulas[i % 4], data).fit(threads=2)

    alone = [fit(i).params for i in range(4)]
    for i, res in enumerate(run_together(fit, 16)):
        assert np.array_equal(alone[i % 4], res.params)
        assert res.params.index.equals(alone[i % 4].index)


def test_peers_asked_in_several_threads_leave_the_filters(data):
    res = ml.mnlogit("vote ~ age", data).fit()
    res.verify()
    with unchanged():
        assert all(found.agrees for found in run_together(lambda _: res.verify(), 6))


@pytest.mark.parametrize("method", METHODS)
def test_the_callback_runs_in_the_callers_state(data, method):
    seen = []

    def note(_):
        seen.append((np.geterr(), np.geterrcall(), warnings.filters))

    with np.errstate(over="raise", divide="print", call=note):
        expected = (np.geterr(), note, warnings.filters)
        ml.mnlogit(FORMULA, data).fit(method, callback=note, threads=2)
    assert seen
    assert all(state == expected for state in seen)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_callers_error_state_changes_no_number(data, threads):
    exog = np.tile(data[["age", "children"]].to_numpy(), (40, 1))
    model = ml.MNLogit(np.tile(data.vote, 40), exog)
    results = []
    for state in ("ignore", "raise"):
        with np.errstate(all=state):
            results.append(model.fit(threads=threads).params)
    assert np.array_equal(*results)


def test_a_bad_option_leaves_no_model_half_made(data):
    model = ml.mnlogit(FORMULA, data)
    with unchanged(), pytest.raises(OptionError):
        model.fit("nonsense")
    assert vars(model).keys() == {"design", "_basis", "_given"}
