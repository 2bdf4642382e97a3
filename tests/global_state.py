"""What a process holds in common, and a context in which it must stay as it is."""

import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from mlelogit.notices import _listener

# What threadpoolctl, scikit-learn and polars set as they are loaded.
SET_BY_LOADING = {"KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK", "_RJEM_MALLOC_CONF"}


def look():
    """Return what the process holds in common, by name."""
    root = logging.getLogger()
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return {
        "numpy errors": (np.geterr(), np.geterrcall()),
        "numpy random": (kind, keys.tobytes(), *rest),
        "numpy printing": np.get_printoptions(),
        "random": random.getstate(),
        "filters": list(warnings.filters),
        "the list of filters": id(warnings.filters),
        "showing warnings": (warnings.showwarning, warnings._showwarnmsg_impl),
        "who hears warnings": id(_listener.get()),
        "pandas options": deepcopy(pd.options.d),
        "environment": {k: v for k, v in os.environ.items() if k not in SET_BY_LOADING},
        "threads of libraries": list_limits(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "hooks": (sys.excepthook, threading.excepthook, sys.displayhook, sys.unraisablehook),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "interpreter": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.getprofile()),
        "locale": locale.setlocale(locale.LC_ALL),
        "logging": (root.level, list(root.handlers), root.manager.disable),
        "start of processes": multiprocessing.get_start_method(allow_none=True),
        "folder": Path.cwd(),
    }


def list_limits():
    return {library["filepath"]: library["num_threads"] for library in threadpool_info()}


@contextmanager
def unchanged():
    """Assert that what happens inside changes nothing that the process holds in common."""
    before = look()
    yield
    changed = find_changes(before, look())
    assert not changed, changed


def find_changes(before, after):
    """Return the names of what changed; libraries may have been loaded meanwhile."""
    loaded = set(after["threads of libraries"]) - set(before["threads of libraries"])
    limits = {k: v for k, v in after["threads of libraries"].items() if k not in loaded}
    after = {**after, "threads of libraries": limits}
    return [name for name in before if before[name] != after[name]]
