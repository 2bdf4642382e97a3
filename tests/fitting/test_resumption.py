"""A fit that was interrupted goes on from where it was, and ends at the same maximum."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming import stream
from mlelogit.exceptions import CheckpointError, NotConvergedWarning, OutputFileError
from tests.ways import cut

FORMULA = "y ~ x0 + x1 + x2"


@pytest.fixture
def frame(rng):
    size = 20_000
    x = rng.normal(size=(size, 3))
    scores = x @ rng.normal(size=(3, 3)) + rng.gumbel(size=(size, 3))
    labels = np.array(["a", "b", "c"])[scores.argmax(axis=1)]
    return pd.DataFrame(x, columns=["x0", "x1", "x2"]).assign(y=labels)


@pytest.fixture
def build(frame, monkeypatch):
    """Build the model of rows that are read anew in every pass."""
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", 0)
    return lambda: ml.mnlogit(FORMULA, cut(frame), stream=True, compress=False)


class Interruption:
    """Interrupt a climb after so many iterations."""

    def __init__(self, after):
        self.left = after

    def __call__(self, params):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_an_interrupted_fit_goes_on(build, tmp_path):
    path, whole = tmp_path / "fit.ckpt", build()
    truth = whole.fit()
    with pytest.raises(KeyboardInterrupt):
        build().fit(checkpoint=path, callback=Interruption(3))
    assert path.exists()
    again = build()
    found = again.fit(checkpoint=path)
    assert found.converged
    assert not path.exists()
    assert again.design.stream.passes < whole.design.stream.passes
    far = (found.params - truth.params) / truth.bse
    assert np.abs(far.to_numpy()).max() < 1e-10
    assert np.abs(found.bse / truth.bse - 1).to_numpy().max() < 1e-10


PROCESS = """
import pandas as pd
import mlelogit as ml
frame = pd.DataFrame({"y": list("abcab"), "x0": [1.0, 2, 3, 4, 6], "x1": [2, 1, 5, 3, 3], "x2": 5})
model = ml.mnlogit("y ~ x0 + x1 + x2 - 1", [frame, frame], stream=True, compress=False)
print(model.design.stream.fingerprint)
"""


def test_another_process_knows_the_fit():
    """Sets of names have another order in every process."""
    said = [
        subprocess.run(
            [sys.executable, "-c", PROCESS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != ""


def test_rows_in_memory_have_a_checkpoint_too(frame, tmp_path):
    path, model = tmp_path / "fit.ckpt", ml.mnlogit(FORMULA, frame)
    with pytest.raises(KeyboardInterrupt):
        model.fit(checkpoint=path, callback=Interruption(2))
    far = (model.fit(checkpoint=path).params - model.fit().params) / model.fit().bse
    assert np.abs(far.to_numpy()).max() < 1e-10
    assert not path.exists()


def test_what_did_not_converge_is_kept(frame, tmp_path):
    path, model = tmp_path / "fit.ckpt", ml.mnlogit(FORMULA, frame)
    with pytest.warns(NotConvergedWarning):
        found = model.fit("L-BFGS-B", maxiter=1, checkpoint=path)
    assert path.exists()
    with pytest.warns(NotConvergedWarning):
        further = model.fit("L-BFGS-B", maxiter=1, checkpoint=path)
    assert further.llf > found.llf


@pytest.mark.parametrize(
    "other",
    [
        lambda frame: ml.mnlogit("y ~ x0 + x1", frame),
        lambda frame: ml.mnlogit(FORMULA, frame, base="b"),
        lambda frame: ml.mnlogit(FORMULA, frame.iloc[1:]),
    ],
)
def test_another_fit_is_refused(frame, tmp_path, other):
    path = tmp_path / "fit.ckpt"
    with pytest.raises(KeyboardInterrupt):
        ml.mnlogit(FORMULA, frame).fit(checkpoint=path, callback=Interruption(1))
    with pytest.raises(CheckpointError, match="another fit"):
        other(frame).fit(checkpoint=path)


def test_a_place_that_cannot_be_written_is_known_before_the_first_pass(build, tmp_path):
    model = build()
    before = model.design.stream.passes
    with pytest.raises(OutputFileError):
        model.fit(checkpoint=tmp_path / "nowhere" / "fit.ckpt")
    assert model.design.stream.passes == before
