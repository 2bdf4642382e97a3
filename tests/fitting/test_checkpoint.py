"""A checkpoint is whole whatever happens, and belongs to one fit."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mlelogit.exceptions import CheckpointError, OutputFileError
from mlelogit.fitting.checkpoint import open_checkpoint

FIT = {"formula": "y ~ x", "data": "parquet " + "a.parquet 1 2; " * 1000}
SAVE_FOR_EVER = """
import sys
import numpy as np
from mlelogit.fitting.checkpoint import open_checkpoint
checkpoint = open_checkpoint(sys.argv[1], {"formula": "y ~ x"})
passes = checkpoint.passes
while True:
    passes += 1
    checkpoint.save(np.full(5000, passes / 7), passes)
    if passes == 1:
        print("begun", flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.ckpt"


def test_parameters_come_back_to_the_last_bit(path):
    first = open_checkpoint(path, FIT)
    assert first.params is None
    assert first.passes == 0
    params = np.array([1 / 3, -1e-308, 5e-324, 1.7976931348623157e308, -0.0])
    first.save(params, 7)
    again = open_checkpoint(path, FIT)
    assert again.passes == 7
    assert again.params.tobytes() == params.tobytes()
    again.close()
    assert not path.exists()
    again.close()
    assert open_checkpoint(path, FIT).params is None


def test_what_is_not_finite_leads_nowhere_and_is_not_saved(path):
    checkpoint = open_checkpoint(path, FIT)
    checkpoint.save(np.ones(2), 1)
    checkpoint.save(np.array([np.nan, 1.0]), 2)
    assert open_checkpoint(path, FIT).passes == 1


def test_saved_parameters_are_a_copy(path):
    params = np.ones(2)
    checkpoint = open_checkpoint(path, FIT)
    checkpoint.save(params, 1)
    params[:] = 5
    assert checkpoint.params.tolist() == [1, 1]


def test_another_fit_is_named_with_what_differs(path):
    open_checkpoint(path, FIT).save(np.ones(2), 1)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"its formula was 'y ~ x' and is 'y ~ z'"):
        open_checkpoint(path, {**FIT, "formula": "y ~ z"})
    with pytest.raises(CheckpointError, match="its data was"):
        open_checkpoint(path, {**FIT, "data": FIT["data"] + "b.parquet"})
    with pytest.raises(CheckpointError, match="its base was None and is 'bus'"):
        open_checkpoint(path, {**FIT, "base": "bus"})
    with pytest.raises(CheckpointError, match="its data was"):
        open_checkpoint(path, {"formula": "y ~ x"})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"[1, 2]", b"{}", b'{"format": "mlelogit checkpoint 9"}', b"[" * 10**5],
)
def test_what_is_no_checkpoint_is_named_and_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"fit\.ckpt.*delete it or give another path"):
        open_checkpoint(path, FIT)
    assert path.read_bytes() == content


def test_every_damaged_byte_and_every_cut_is_named(path):
    open_checkpoint(path, {"formula": "y ~ x"}).save(np.array([0.25, -3.0]), 2)
    whole = path.read_bytes()
    meant = json.loads(whole)
    for place in range(len(whole)):
        for content in (whole[:place], whole[:place] + b"7" + whole[place + 1 :]):
            try:
                if json.loads(content) == meant:
                    continue
            except ValueError:
                pass
            path.write_bytes(content)
            with pytest.raises(CheckpointError):
                open_checkpoint(path, {"formula": "y ~ x"})


def test_places_that_cannot_be_written_to_are_known_at_once(tmp_path):
    with pytest.raises(OutputFileError, match="is a folder"):
        open_checkpoint(tmp_path, FIT)
    with pytest.raises(OutputFileError, match="no folder"):
        open_checkpoint(tmp_path / "none" / "fit.ckpt", FIT)
    with pytest.raises(OutputFileError, match="plain file"):
        open_checkpoint(os.devnull, FIT)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that nobody catches")
def test_a_kill_in_the_middle_of_writing_leaves_a_whole_file(path):
    before = 0
    for delay in (0.0, 0.013):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(path)], stdout=subprocess.PIPE
        )
        try:
            if not before:
                assert process.stdout.readline() == b"begun\n"
            else:
                deadline = time.monotonic() + 60
                while json.loads(path.read_bytes())["passes"] == before:
                    assert time.monotonic() < deadline
            time.sleep(delay)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
        left = open_checkpoint(path, {"formula": "y ~ x"})
        assert left.passes > before
        np.testing.assert_array_equal(left.params, np.full(5000, left.passes / 7))
        before = left.passes
