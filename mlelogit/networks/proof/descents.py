"""Other ways from the same start: how high each of them came, and a verdict on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.equivalence.verification import (
    AGREES,
    COEFFICIENT_TOLERANCE,
    LOGLIKE_TOLERANCE,
    NOTHING,
    OFF,
    OURS,
    SEPARATED,
)
from mlelogit.networks.certification.recession import find_ray
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.proof.identity import measure_identity
from mlelogit.networks.proof.logit import LogitAnswer, estimate_logit_seconds, fit_logit
from mlelogit.networks.proof.trainings import (
    EVALUATIONS,
    TRAININGS,
    Descent,
    time_evaluation,
)
from mlelogit.networks.record import NetworkRecord
from mlelogit.notices import run_quietly, start_bar

ENGINES = {
    "LBFGS": "torch.optim.LBFGS",
    "Adam": "torch.optim.Adam",
    "MNLogit": "mlelogit.MNLogit",
}
COLUMNS = ["loglike", "cross_entropy", "penalty", "gradient", "coef_diff", "evaluations", "verdict"]
NOT_RUN = "not run: "
RISES = "undecided: rises towards 0: no finite maximum"
ENDLESS = "undecided: this fit rises without end"
BOTH_RISE = "undecided: both rise towards 0: no finite maximum"


@dataclass(frozen=True)
class Arrival:
    """Where a way ended.

    Attributes
    ----------
    engine : str
    loglike : float
        As summed here, from probabilities, whoever found the parameters.
    cross_entropy : float
        As the engine has it.
    penalty : float
    gradient : float
        Largest entry of the gradient of what is climbed, per observation.
    evaluations : int
    rounding : float
        What loglike and cross_entropy may differ by.
    separates : bool
        Whether the log-likelihood rises to zero from here without end.
    endless : bool
        Whether it rises from here without end, to zero or to something below.
    """

    engine: str
    loglike: float
    cross_entropy: float
    penalty: float
    gradient: float
    evaluations: int
    rounding: float
    separates: bool = False
    endless: bool = False

    @property
    def objective(self) -> float:
        """What is climbed: ``loglike - penalty``."""
        return self.loglike - self.penalty


def run_descents(
    record: NetworkRecord, engines: Sequence[str], patience: float = np.inf
) -> pd.DataFrame:
    """Run other ways to a maximum from where the fit started, and judge where they ended.

    Parameters
    ----------
    record : NetworkRecord
    engines : sequence of str
        Of `ENGINES`.
    patience : float
        Seconds; an engine that is estimated to take longer is not run.

    Returns
    -------
    pandas.DataFrame
        One row for the fit, then one for each engine; columns `COLUMNS`.
    """
    certificate = record.maximum.certificate
    own = Descent(
        record.maximum.params, -record.maximum.loglike, certificate.gradient_norm, _count(record)
    )
    ours = replace(_arrive(record, OURS, own), endless=certificate.recession is not None)
    found: list[Arrival] = []
    rows: dict[str, dict[str, Any]] = {}
    reasons = _find_reasons(record, engines, ours, patience)
    for engine in engines:
        reason = reasons.get(engine, "")
        answer = reason or _run_safely(record, engine)
        if isinstance(answer, Arrival):
            found.append(answer)
            rows[answer.engine] = _write(answer, judge_arrival(answer, ours, certificate.tolerance))
        elif isinstance(answer, LogitAnswer):
            rows[ENGINES[engine]] = _write_logit(answer, ours, certificate.tolerance)
        else:
            rows[ENGINES[engine]] = {"verdict": f"{NOT_RUN}{answer}"}
    first = {OURS: _write(ours, judge_ours(ours, found, certificate.tolerance))}
    frame = pd.DataFrame.from_dict(first | rows, orient="index", columns=COLUMNS)
    return frame.rename_axis("engine")


def _count(record: NetworkRecord) -> int:
    return int(record.maximum.trace.evaluations[-1])


def _find_reasons(
    record: NetworkRecord, engines: Sequence[str], ours: Arrival, patience: float
) -> dict[str, str]:
    """Say why engines are not run unless they are asked for: engine -> reason."""
    if patience == np.inf:
        return {}
    found, each = {}, time_evaluation(record)
    for engine in engines:
        again = f"engines={engine!r} runs it all the same"
        logit = engine == "MNLogit"
        seconds = estimate_logit_seconds(record) if logit else EVALUATIONS[engine] * each
        if logit and ours.separates:
            found[engine] = f"the data are separated, and no finite estimates exist; {again}"
        elif seconds > patience:
            found[engine] = f"about {seconds:.0f} s; {again}"
    return found


def _run_safely(record: NetworkRecord, engine: str) -> Arrival | LogitAnswer | str:
    """Run an engine; an exception of another package becomes its reason."""
    try:
        if engine == "MNLogit":
            return fit_logit(record)
        with start_bar(f"{engine}, evaluations") as bar:
            descent = run_quietly(TRAININGS[engine], record, bar)
        return _arrive(record, ENGINES[engine], descent)
    except Exception as error:  # noqa: BLE001 - any failure of a peer is its answer
        reason = str(error).split("\n")[0]
        return f"failed with {type(error).__name__}: {reason}"


def _arrive(record: NetworkRecord, engine: str, descent: Descent) -> Arrival:
    """Sum the log-likelihood where an engine ended, from probabilities."""
    twin = record.network.duplicate(descent.params)
    finite = bool(np.isfinite(descent.params).all())
    values = measure_identity(twin, record.rows, descent.params) if finite else None
    return Arrival(
        engine=engine,
        loglike=np.nan if values is None else -values.likelihood,
        cross_entropy=descent.cross_entropy,
        penalty=0.5 * float(record.precisions @ descent.params**2),
        gradient=descent.gradient / record.rows.weight,
        evaluations=descent.evaluations,
        rounding=np.nan if values is None else values.rounding,
        separates=values is not None and rises_without_end(record, descent.params),
    )


def rises_without_end(record: NetworkRecord, params: np.ndarray) -> bool:
    """Tell whether the log-likelihood rises to zero, and never gets there, from some parameters.

    Parameters
    ----------
    record : NetworkRecord
    params : numpy.ndarray
        (P,).
    """
    likelihood = NetworkLikelihood(record.network.duplicate(params), record.rows, record.precisions)
    return find_ray(likelihood, params) is not None


def judge_arrival(answer: Arrival, ours: Arrival, tolerance: float) -> str:
    """Say how an answer stands to this fit's.

    Parameters
    ----------
    answer, ours : Arrival
    tolerance : float
        The largest entry of the gradient, per observation, that counts as stationary.
    """
    if not np.isfinite(answer.objective):
        return f"{OFF}its log-likelihood is not finite"
    if not abs(answer.cross_entropy + answer.loglike) <= answer.rounding:
        return f"{OFF}its cross-entropy is {answer.cross_entropy:.10g}, not {-answer.loglike:.10g}"
    gap = answer.objective - ours.objective
    told = f"{'higher' if gap > 0 else 'lower'} by {abs(gap):.3g}"
    if answer.separates:
        return BOTH_RISE if ours.separates else f"{RISES}, {told}"
    same = _is_same(answer.objective, ours.objective)
    if ours.endless:
        return f"{ENDLESS}, {'the value is the same' if same else told}"
    if same:
        return AGREES
    if answer.gradient <= tolerance:
        return f"another stationary point, {told}"
    return f"{_tell_gradient(answer)}, {told}"


def judge_ours(ours: Arrival, others: Sequence[Arrival], tolerance: float) -> str:
    """Say how this fit stands to the highest of the others; arguments as in `judge_arrival`."""
    if not abs(ours.cross_entropy + ours.loglike) <= ours.rounding:
        return f"{OFF}its cross-entropy is {ours.cross_entropy:.10g}, not {-ours.loglike:.10g}"
    if ours.separates:
        return RISES
    higher = [
        other
        for other in others
        if other.objective > ours.objective and not _is_same(other.objective, ours.objective)
    ]
    best = max(higher, key=lambda other: other.objective, default=None)
    told = [] if ours.gradient <= tolerance else [_tell_gradient(ours)]
    told = [f"{ENDLESS}: no maximum"] if ours.endless else told
    if best is not None:
        told.append(f"lower than {best.engine} by {best.objective - ours.objective:.3g}")
    return ", ".join(told) or AGREES


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= LOGLIKE_TOLERANCE * max(abs(one), abs(other))


def _tell_gradient(answer: Arrival) -> str:
    return f"not arrived: gradient norm {answer.gradient:.2g} per observation"


def _write(answer: Arrival, verdict: str) -> dict[str, Any]:
    return {
        "loglike": answer.loglike,
        "cross_entropy": answer.cross_entropy,
        "penalty": answer.penalty,
        "gradient": answer.gradient,
        "evaluations": answer.evaluations,
        "verdict": verdict,
    }


def _write_logit(answer: LogitAnswer, ours: Arrival, tolerance: float) -> dict[str, Any]:
    """Write what MNLogit says, whose own certificate tells that it is the maximum.

    A fit whose gradient is not as small as it should be, and which is lower, has not arrived: its
    values are right, and it is the climb that falls short.
    """
    gap = answer.loglike - ours.loglike
    faults = []
    if not answer.distance <= COEFFICIENT_TOLERANCE:
        faults.append(f"this fit's coefficients differ by {answer.distance:.2g} standard errors")
    if not _is_same(answer.loglike, ours.loglike):
        faults.append(f"this fit is {'lower' if gap > 0 else 'higher'} by {abs(gap):.3g}")
    verdict = f"{OFF}{'; '.join(faults)}" if faults else AGREES
    if faults and ours.gradient > tolerance and gap >= 0:
        verdict = f"this fit has {_tell_gradient(ours)}; {'; '.join(faults)}"
    if answer.separated or not answer.finite:
        verdict = SEPARATED if answer.separated else NOTHING
    return {
        "loglike": answer.loglike,
        "cross_entropy": 0.0 - answer.loglike,
        "penalty": 0.0,
        "coef_diff": np.nan if answer.separated else answer.distance,
        "evaluations": answer.evaluations,
        "verdict": verdict,
    }
