"""Run a case in a process of its own, held to so much memory and so many seconds."""

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

# Of addresses beyond those that the process holds: whatever was imported before, PyTorch's
# gigabytes too, cases meet the same limits.
ADDRESSES = 2 << 30


@dataclass(frozen=True)
class Outcome:
    """What came of a case: the name of the error, its message, seconds and bytes beyond before."""

    error: str
    message: str
    seconds: float
    taken: int


def run_held(case, seconds):
    """Fork, and run a case with less memory than it would take and an alarm that ends it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            most = measure_addresses() + ADDRESSES
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(seconds)
            os.write(writing, _run(case).encode("utf-8", "replace"))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode("utf-8")
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status), f"ended by signal {os.WTERMSIG(status)}"
    error, spent, taken, message = told.split("\n", 3)
    return Outcome(error, message, float(spent), int(taken))


def _run(case):
    before, begin = measure_peak(), time.perf_counter()
    try:
        case()
        error, message = "", ""
    except BaseException as raised:  # noqa: BLE001 - told to the parent
        error, message = type(raised).__name__, str(raised)[:5000]
    spent = time.perf_counter() - begin
    return f"{error}\n{spent}\n{measure_peak() - before}\n{message}"


def measure_peak():
    """Return the most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_addresses():
    """Return how many bytes of addresses this process holds."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")
