"""Progress: one bar for all long work, on a terminal or when asked, and nowhere else."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
import tqdm

import mlelogit as ml
from mlelogit.exceptions import OptionError
from mlelogit.notices import start_bar, track
from tests.inference.samples import fitted, survey

LONG_WORK = {
    "Iterations": lambda: ml.mnlogit("party ~ age", survey()).fit(disp=True),
    "Intervals": lambda: fitted("party ~ age").conf_int(method="profile"),
    "Points": lambda: fitted("party ~ age").profile("red: age", points=3),
    "Replicates": lambda: fitted("party ~ age").bootstrap(4, seed=1),
    "Draws": lambda: fitted("party ~ age").bootstrap_test("age", times=4, seed=1),
    "Terms": lambda: fitted("party ~ age").equality_tests(),
    "Pairs of categories": lambda: fitted("party ~ age").combine_tests(),
    "Categories left out": lambda: fitted("party ~ age").iia_tests(),
    "Sections": lambda: fitted("party ~ age").report(sections="overview"),
    "Folds": lambda: ml.mnlogit("party ~ age", survey()).cross_validate(3),
    "Penalties": lambda: ml.mnlogit("party ~ age", survey()).fit_path(penalties=[0.1, 0.01]),
    "Clusters": lambda: fitted("party ~ age").with_cov(
        "cluster", groups=np.arange(160) % 2, correction="CR2"
    ),
}
DISP = {
    "Intervals": lambda disp: fitted("party ~ age").conf_int(method="profile", disp=disp),
    "Points": lambda disp: fitted("party ~ age").profile("red: age", points=3, disp=disp),
    "Replicates": lambda disp: fitted("party ~ age").bootstrap(4, seed=1, disp=disp),
    "Draws": lambda disp: fitted("party ~ age").bootstrap_test("age", times=4, seed=1, disp=disp),
    "Sections": lambda disp: fitted("party ~ age").report(sections="overview", disp=disp),
    "Folds": lambda disp: ml.mnlogit("party ~ age", survey()).cross_validate(3, disp=disp),
    "Penalties": lambda disp: ml.mnlogit("party ~ age", survey()).fit_path(
        penalties=[0.1, 0.01], disp=disp
    ),
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def every_cluster_is_long_work(monkeypatch):
    monkeypatch.setattr(ml.inference.sandwich.leverage, "LONG_WORK", 0)
    monkeypatch.setattr(ml.inference.sandwich.leverage, "BATCH_ELEMENTS", 0)


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")
@pytest.mark.parametrize("what", LONG_WORK)
@pytest.mark.parametrize("stream", [None, Terminal(), io.StringIO()])
def test_work_goes_on_without_a_standard_error_and_shows_on_a_terminal(monkeypatch, what, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    LONG_WORK[what]()
    if stream is not None:
        assert (f"{what}:" in stream.getvalue()) == stream.isatty()


@pytest.mark.parametrize("what", DISP)
def test_disp_is_the_name_everywhere(monkeypatch, what):
    for disp, stream in ((True, io.StringIO()), (False, Terminal()), (True, None)):
        monkeypatch.setattr(sys, "stderr", stream)
        DISP[what](disp)
        if stream is not None:
            assert (f"{what}:" in stream.getvalue()) == disp
    for wrong in (3, "yes", []):
        with pytest.raises(OptionError, match="disp must be True"):
            DISP[what](wrong)


def test_a_path_is_validated_with_a_bar(monkeypatch):
    path = ml.mnlogit("party ~ age", survey()).fit_path(penalties=[0.1, 0.01])
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    path.cross_validate(3, disp=True)
    assert "Folds:" in sys.stderr.getvalue()


def test_items_are_weighed(monkeypatch):
    """Every step is told once its item is done."""
    found = []

    class Bar(tqdm.tqdm):
        def update(self, n=1):
            found.append((n, self.total))

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys, "stderr", Terminal())
    steps = track([3, 4], "Steps", total=7, weigh=int)
    assert next(steps) == 3
    assert found == []
    assert list(steps) == [4]
    assert found == [(3, 7), (4, 7)]
    assert list(track("abc", "Letters")) == ["a", "b", "c"]
    assert found[2:] == [(1, 3)] * 3
    with start_bar("Nothing", disp=False) as bar:
        assert bar is None


@pytest.mark.skipif(os.name != "posix", reason="no such terminals")
def test_a_terminal_that_does_not_tell_its_width_has_a_bar():
    """As the one of a container, or of a program that runs others."""
    ours, theirs = os.openpty()
    code = "from mlelogit.notices import start_bar\nwith start_bar('Pass 1', 9) as b: b.update(3)"
    ended = subprocess.run([sys.executable, "-c", code], stderr=theirs, stdin=theirs, check=False)
    os.set_blocking(ours, False)
    with os.fdopen(theirs, "wb"), os.fdopen(ours, "rb", buffering=0) as shown:
        assert b"Pass 1" in (shown.read(4096) or b"")
    assert ended.returncode == 0
