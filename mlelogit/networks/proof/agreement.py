"""The identity of a network at many points, with a verdict on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.equivalence.verification import AGREES, OFF
from mlelogit.exceptions import MissingExtraError
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.proof.identity import EPS, Values, measure_identity
from mlelogit.networks.proof.points import Point
from mlelogit.networks.record import NetworkRecord
from mlelogit.notices import import_extra, run_quietly, track

ABSENT = "not installed (extra: sklearn)"
OVERFLOW = "undecided: scores are not finite"
# Column -> how a fault names it.
WAYS = {
    "minus_loglike": "the product of probabilities",
    "cross_entropy": "the cross-entropy E(w)",
    "torch": "torch's cross_entropy",
    "sklearn": "scikit-learn's log_loss",
    "fit": "the fit's own value",
}
# The fit keeps loglike - penalty: a subtraction and its undoing, each rounded.
PENALTY_OPERATIONS = 4


def tabulate_identity(record: NetworkRecord, points: list[Point], disp: Any = None) -> pd.DataFrame:
    """Take minus the log-likelihood in each of its forms at points, and see whether they agree.

    Parameters
    ----------
    record : NetworkRecord
    points : list of Point
    disp : bool, optional
        Whether to show progress; on a terminal only if not given.

    Returns
    -------
    pandas.DataFrame
        One row for each point; columns kind, place, largest_score, rows_in_logs, the five
        values, difference (the largest between two of them) and tolerance (how large rounding
        alone can make it), both relative, verdict, and not_run.
    """
    log_loss, reason = _find_log_loss()
    twin = record.network.duplicate(record.maximum.params)
    likelihood = NetworkLikelihood(twin, record.rows, record.precisions)
    rows = []
    for point in track(points, "Points", disp):
        values = measure_identity(twin, record.rows, point.params, log_loss)
        head = {"kind": point.kind, "place": point.place}
        if values is None:
            rows.append(head | {"verdict": OVERFLOW, "not_run": ""})
        else:
            own, slack = _find_own(likelihood, point)
            judged = judge_identity(values, own, values.rounding + slack)
            rows.append(head | judged | {"not_run": _tell_not_run(values, reason)})
    return pd.DataFrame(rows, columns=COLUMNS).rename_axis("point")


COLUMNS = [
    *("kind", "place", "largest_score", "rows_in_logs"),
    *WAYS,
    *("difference", "tolerance", "verdict", "not_run"),
]


def _find_log_loss() -> tuple[Callable[..., float] | None, str]:
    """Return scikit-learn's log_loss, or why there is none."""
    try:
        function = run_quietly(import_extra, "sklearn.metrics", "sklearn").log_loss
    except MissingExtraError:
        return None, ABSENT
    return function, ""


def _find_own(likelihood: NetworkLikelihood, point: Point) -> tuple[float, float]:
    """Return minus the log-likelihood as the fit has it, and how far its prior rounds it."""
    if np.isnan(point.recorded):
        return -likelihood.evaluate(point.params, score=False).loglike, 0.0
    penalty = 0.5 * float(likelihood.precisions @ point.params**2)
    slack = PENALTY_OPERATIONS * EPS * (abs(point.recorded) + penalty) if penalty else 0.0
    return -(point.recorded + penalty), slack


def _tell_not_run(values: Values, reason: str) -> str:
    if reason:
        return f"scikit-learn: {reason}"
    return f"scikit-learn: clips {values.clipped} rows" if values.clipped else ""


def judge_identity(values: Values, own: float, rounding: float) -> dict[str, Any]:
    """Compare the forms of minus the log-likelihood at a point.

    The reference is their median; those further from it than rounding allows are off.

    Parameters
    ----------
    values : Values
    own : float
        As the fit has it.
    rounding : float
        What two of them may differ by.
    """
    forms = {
        "minus_loglike": values.likelihood,
        "cross_entropy": values.entropy,
        "torch": values.torch,
        "sklearn": values.sklearn,
        "fit": own,
    }
    given = {name: value for name, value in forms.items() if name != "sklearn" or value == value}
    middle = float(np.median(list(given.values())))
    faults = [
        f"{WAYS[name]} is {value:.10g}, not {middle:.10g}"
        for name, value in given.items()
        if not abs(value - middle) <= rounding
    ]
    unit = abs(middle) if middle else 1.0
    return {
        "largest_score": values.largest,
        "rows_in_logs": values.in_logs,
        **forms,
        "difference": (max(given.values()) - min(given.values())) / unit,
        "tolerance": rounding / unit,
        "verdict": f"{OFF}{'; '.join(faults)}" if faults else AGREES,
    }
