"""Verdicts on replies, by rules that are the same for every program."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tests.hostility.cases import Case, Truth

RIGHT, ERROR, WARNED = "right", "error", "warning"
UNCLEAR_ERROR, UNCLEAR, SILENT = "error?", "warning?", "**silent**"
LATE, NOT_ASKED = "too long", "·"
VERDICTS = (RIGHT, ERROR, WARNED, UNCLEAR_ERROR, UNCLEAR, SILENT, LATE, NOT_ASKED)
# In standard errors, relatively, and in probability: more than any program's default leaves.
MOST_PARAMS, MOST_ERRORS, MOST_SHARES = 0.01, 0.01, 1e-3


@dataclass(frozen=True)
class Reply:
    """What a program gave back.

    Attributes
    ----------
    params : numpy.ndarray or None
        (K, J - 1), or probabilities (n, J) if those were asked for.
    errors : numpy.ndarray or None
        Standard errors, if it has them.
    warnings : tuple of str
    error : str
        The message of an exception, with its class.
    late : bool
        It was stopped.
    """

    params: np.ndarray | None = None
    errors: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    error: str = ""
    late: bool = False


def judge(case: Case, reply: Reply) -> str:
    """Return the verdict."""
    if reply.late:
        return LATE
    if reply.error:
        return ERROR if names(case, reply.error) else UNCLEAR_ERROR
    if case.truth is not None and is_right(case.truth, reply):
        return RIGHT
    if any(names(case, warning) for warning in reply.warnings):
        return WARNED
    return UNCLEAR if reply.warnings else SILENT


def names(case: Case, message: str) -> bool:
    """Tell whether a message names what is wrong."""
    return re.search(case.words, message, re.IGNORECASE) is not None


def is_right(truth: Truth, reply: Reply) -> bool:
    """Tell whether all numbers that were given are those that are right."""
    found = reply.params
    if found is None or found.shape != truth.params.shape:
        return False
    if truth.errors is None:
        return bool(np.abs(found - truth.params).max() < MOST_SHARES)
    near = np.abs((found - truth.params) / truth.errors).max() < MOST_PARAMS
    if reply.errors is None:
        return bool(near)
    return bool(near and np.abs(reply.errors / truth.errors - 1).max() < MOST_ERRORS)
