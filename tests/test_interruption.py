"""Ctrl-C at any moment: it comes out, and all is as if nothing had been begun."""

import io
import signal
import sys
import time
import warnings

import numpy as np
import pytest
import tqdm
from threadpoolctl import threadpool_limits

import mlelogit as ml
from mlelogit.data.threads import fold_in_order
from mlelogit.notices import in_turn, run_quietly
from tests.global_state import list_limits, unchanged

FORMULA = "vote ~ age + C(region) + children"
INSIDE = (
    *("mlelogit", "scipy/optimize", "numpy/_core/_ufunc_config.py", "formulaic"),
    *("concurrent/futures", "threading.py", "contextlib.py"),
)


@pytest.fixture(autouse=True)
def two_threads():
    """Of the linear algebra, so that a limit left behind is seen."""
    with threadpool_limits(2):
        before = list_limits()
        yield
        assert before.items() <= list_limits().items()


class Interruption:
    """Raises KeyboardInterrupt at one of the calls inside some files.

    The interpreter looks for signals when a function begins and after a call.
    """

    def __init__(self, call, files=INSIDE):
        self.calls, self.call, self.files = 0, call, files
        self.limits = list_limits()

    def __call__(self, frame, event, argument):
        inside = any(part in frame.f_code.co_filename for part in self.files)
        if inside and event in ("call", "c_return"):
            self.calls += 1
            if self.calls == self.call:
                raise KeyboardInterrupt

    def run(self, function):
        """Run a function, and tell whether it was interrupted."""
        try:
            sys.setprofile(self)
            function()
        except KeyboardInterrupt:
            sys.setprofile(None)
            assert self.calls >= self.call
            self.limits = list_limits()
            return True
            return True
        finally:
            sys.setprofile(None)
        return False


def interrupt_everywhere(function, check, moments=60, files=INSIDE):
    """Interrupt a function at calls spread over its whole run, and check after each."""
    with unchanged():
        function()
    counter = Interruption(0, files)
    counter.run(function)
    assert counter.calls > moments
    places = np.unique(np.geomspace(1, counter.calls, moments // 2).astype(int))
    places = np.union1d(places, np.linspace(1, counter.calls, moments // 2).astype(int))
    caught, before = 0, list_limits()
    for place in places.tolist():
        interruption = Interruption(place, files)
        with unchanged():
            caught += interruption.run(function)
        assert interruption.limits == before, "while the traceback is held"
        check(place)
    assert caught > 0.8 * len(places)


def keep(res):
    return res.llf, res.params.to_numpy().tobytes(), res.cov_params().to_numpy().tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fit_can_be_interrupted_at_any_call(voters, threads):
    model = ml.MNLogit(np.tile(voters.vote, 8), np.tile(voters[["age", "children"]], (8, 1)))
    expected = keep(model.fit(threads=threads))

    def check(place):
        assert keep(model.fit(threads=threads)) == expected, place

    interrupt_everywhere(lambda: model.fit(threads=threads), check)


def test_a_warm_start_can_be_interrupted_at_any_call():
    rng = np.random.default_rng(0)
    model = ml.MNLogit(rng.integers(0, 4, 9000), rng.normal(size=(9000, 10)))
    expected = keep(model.fit(threads=2))

    def check(place):
        assert keep(model.fit(threads=2)) == expected, place

    interrupt_everywhere(lambda: model.fit(threads=2), check, moments=20)


def test_making_a_model_can_be_interrupted_at_any_call(voters):
    expected = keep(ml.mnlogit(FORMULA, voters).fit())

    def check(place):
        assert keep(ml.mnlogit(FORMULA, voters).fit()) == expected, place

    interrupt_everywhere(lambda: ml.mnlogit(FORMULA, voters), check, files=("mlelogit", "pandas"))


def test_questions_can_be_interrupted_at_any_call(voters):
    res = ml.mnlogit(FORMULA, voters).fit(threads=2)
    times = np.random.default_rng(0).multinomial(400, np.full(400, 1 / 400), size=6)

    def ask():
        return (
            res.refit(times, threads=2).to_numpy(),
            res.with_cov("HC0").bse.to_numpy(),
            res.predict(voters.head(5)).to_numpy(),
        )

    expected = ask()

    def check(place):
        for one, other in zip(ask(), expected, strict=True):
            assert np.array_equal(one, other, equal_nan=True), place

    interrupt_everywhere(ask, check, moments=30)


def test_peers_can_be_interrupted_at_any_call(voters):
    res = ml.mnlogit("vote ~ age", voters).fit()
    files = ("mlelogit", "statsmodels", "sklearn", "warnings.py")
    interrupt_everywhere(res.verify, lambda _: None, moments=24, files=files)
    assert res.verify().agrees


@pytest.mark.parametrize("wrapped", [in_turn, lambda function: lambda: run_quietly(function)])
def test_filters_that_others_leave_behind_are_put_back(wrapped):
    """The interrupt comes after they have set theirs and before they know."""

    def work():
        warnings.filters = [("ignore", None, UserWarning, None, 0), *warnings.filters]
        raise KeyboardInterrupt

    with unchanged(), pytest.raises(KeyboardInterrupt):
        wrapped(work)()


def test_no_thread_works_on_after_an_interrupt():
    ran = []

    def work(item):
        ran.append(item)
        time.sleep(0.002)

    def fold():
        fold_in_order(work, list(range(400)), 2, lambda _: None)

    fold_in_order(lambda _: None, list(range(4)), 2, lambda _: None)
    counter = Interruption(0, ("data/threads.py",))
    counter.run(lambda: fold_in_order(len, [""] * 4, 2, lambda _: None))
    assert counter.calls > 5
    for place in range(1, counter.calls + 1):
        ran.clear()
        assert Interruption(place, ("data/threads.py",)).run(fold)
        before = len(ran)
        time.sleep(0.02)
        assert len(ran) <= before + 1 < 300, place


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_stops_a_long_fit_within_a_moment(threads):
    rng = np.random.default_rng(0)
    model = ml.MNLogit(rng.integers(0, 6, 40_000), rng.normal(size=(40_000, 12)))
    expected = keep(model.fit(threads=threads))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for delay in (0.0005, 0.003, 0.01, 0.03):
            with unchanged():
                start = time.perf_counter()
                with pytest.raises(KeyboardInterrupt):  # noqa: PT012
                    signal.setitimer(signal.ITIMER_REAL, delay)
                    while True:
                        model.fit("BFGS", threads=threads)
                assert time.perf_counter() - start < 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert keep(model.fit(threads=threads)) == expected


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B", "BFGS", "TNC", "trust-krylov"])
def test_an_interrupt_in_the_callback_comes_out_and_the_bar_is_closed(voters, monkeypatch, method):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            bars.append(self)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys, "stderr", Terminal())
    model = ml.mnlogit(FORMULA, voters)
    expected = keep(model.fit(method))

    def interrupt(_):
        raise KeyboardInterrupt

    model.fit(method, disp=True)
    with unchanged(), pytest.raises(KeyboardInterrupt):
        model.fit(method, callback=interrupt, disp=True)
    assert len(bars) == 2
    assert not Bar._instances
    assert "Iterations" in sys.stderr.getvalue()
    assert sys.stderr.getvalue().endswith("\r")
    assert keep(model.fit(method)) == expected
