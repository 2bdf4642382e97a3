"""verify(): a fit beside independent engines, and a verdict on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.sources import lay_out
from mlelogit.equivalence.engines import (
    ENGINES,
    Answer,
    Problem,
    estimate_seconds,
    measure_entropy,
    measure_errors,
    measure_gap,
    output,
    refuse,
    run_engine,
)
from mlelogit.equivalence.identity import cross_entropy
from mlelogit.exceptions import BiasReductionError, OptionError
from mlelogit.fitting.likelihood import map_outcome
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import (
    Covariance,
    estimate_model_covariance,
    need_covariance,
)
from mlelogit.markup import Shown, write_html
from mlelogit.notices import keep_errors

OURS = "maximum likelihood (this fit)"
ENTROPY = "maximum entropy (this fit)"
COEFFICIENT_TOLERANCE = 1e-4
LOGLIKE_TOLERANCE = 1e-8
ERROR_TOLERANCE = 1e-4
PATIENCE_SECONDS = 60.0
AGREES = "agrees"
# What the verdict on an engine begins with that found something else.
OFF = "OFF: "
# In place of a standard error where constraints fix a coefficient.
FIXED = 1e-6
NOTHING = "undecided: no finite maximum has been shown to exist"
SEPARATED = "undecided: the data are separated, and no finite estimates attain the supremum"


TITLE = "Maximum likelihood = minimum cross-entropy = maximum entropy"
FORMATS = {
    "loglike": "{:.8f}".format,
    "cross_entropy": "{:.8f}".format,
    "coef_diff": "{:.1e}".format,
    "se_diff": "{:.1e}".format,
}


@dataclass(frozen=True, repr=False)
class Verification(Shown):
    """A fit beside independent engines.

    Made by `mlelogit.equivalence.verification.verify`.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per engine; columns loglike, cross_entropy, coef_diff (largest
        difference of a coefficient from the reference, in standard errors), se_diff
        (largest relative difference of a standard error) and verdict.
    reference : str
        The engine with the highest likelihood, this fit unless another one is
        higher: the others are measured against it.
    seed : int
        Seed of the random start of the cross-entropy descent.
    """

    frame: pd.DataFrame
    reference: str
    seed: int

    @property
    def was_run(self) -> pd.Series:
        """Whether each engine was run."""
        return ~self.frame["verdict"].str.startswith("not run")

    @property
    def differs(self) -> bool:
        """Whether an engine that was run found something else."""
        return bool(self.frame["verdict"].str.startswith(OFF).any())

    @property
    def agrees(self) -> bool:
        """Whether every engine that was run agrees, and one beside this fit was."""
        verdicts = self.frame.loc[self.was_run, "verdict"]
        return len(verdicts) > 2 and bool((verdicts == AGREES).all())

    @property
    def tolerances(self) -> str:
        """Up to which differences engines agree, in words."""
        return (
            f"coefficients {COEFFICIENT_TOLERANCE:g} standard errors, log-likelihood "
            f"{LOGLIKE_TOLERANCE:g} relative, standard errors {ERROR_TOLERANCE:g} relative"
        )

    def __str__(self) -> str:
        formatters: Any = FORMATS
        said = self.frame.to_string(formatters=formatters, na_rep="")
        return "\n".join([TITLE, said, *self._notes])

    @property
    def _notes(self) -> list[str]:
        """What stands under the table."""
        return [
            f"Differences from: {self.reference}. Tolerances: {self.tolerances}.",
            f"The cross-entropy descent starts at random (seed {self.seed}).",
            f"Verdict: {self._conclude()}.",
        ]

    def _conclude(self) -> str:
        run = int(self.was_run.sum())
        count = f"{run} of {len(self.frame)}"
        if run <= 2:
            return f"no independent engine was run ({count})"
        if run == len(self.frame):
            return "all agree" if self.agrees else "NOT all agree"
        return f"all that were run agree ({count})" if self.agrees else f"NOT all agree ({count})"

    def _repr_html_(self) -> str:
        written = {
            name: self.frame[name].map(write, na_action="ignore") for name, write in FORMATS.items()
        }
        return write_html(TITLE, self.frame.assign(**written), "\n".join(self._notes))


@keep_errors
def verify(
    record: FitRecord, covariance: Covariance, engines: Any = None, seed: int = 0
) -> Verification:
    """Set a fit beside independent engines, on the same data.

    (a) this fit; (b) the minimum of the cross-entropy ``-Σ_n w_n Σ_k d_nk log y_nk``
    over all J weight vectors of a one-layer softmax network, by its own few lines,
    from a random start; (c) the maximum-entropy side: the moments and the entropy at
    this fit; (d) statsmodels' MNLogit; (e) scikit-learn's LogisticRegression
    without a penalty, if it is installed. Under constraints (b) is SLSQP with one weight
    vector per equation, in (c) the moments agree along what is free, and (d) and (e) cannot
    run. An engine that disagrees is named as the
    one that is off if its likelihood is lower.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        Its standard errors are compared if it is nonrobust; else those of the inverse information.
    engines : str or list of str, optional
        Of "cross-entropy", "statsmodels", "scikit-learn": run these, whatever they
        cost. All that are estimated to take less than a minute if not given.
    seed : int
        Seed of the random start.

    Returns
    -------
    Verification

    Raises
    ------
    OptionError
        If an engine is unknown.
    BiasReductionError
        If the fit's bias was reduced: the engines maximize the likelihood.
    CovarianceError
        If the fit left its covariance out for its size: differences are told in
        standard errors.

    References
    ----------
    Derivation: ``docs/explanation/derivations.md``; the identity is Bishop (2006), equation 4.108.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.verify("cross-entropy").agrees
    True
    """
    if record.maximum.bias_reduction is not None:
        raise BiasReductionError(
            "The engines maximize the likelihood, and this fit reduced its bias, so they would "
            "rightly disagree; verify a fit without bias_reduction."
        )
    need_covariance(covariance)
    chosen = _choose_engines(engines)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise OptionError(f"seed must be a whole number that is not negative, not {seed!r}.")
    problem = read_problem(record)
    model_based = covariance.kind == "nonrobust"
    model = covariance if model_based else estimate_model_covariance(record)
    ours = _answer_ours(record, model, problem)
    answers = [ours]
    for engine in chosen:
        seconds = estimate_seconds(engine, problem)
        if engines is None and seconds > PATIENCE_SECONDS:
            answers.append(
                refuse(
                    ENGINES[engine],
                    f"about {seconds:.0f} s; engines={engine!r} runs it all the same",
                )
            )
        else:
            answers.append(run_engine(engine, problem, seed))
    if record.separation.found:
        return _list_separated(answers, seed)
    return judge(answers, problem, seed, record.maximum.certificate.finite_maximum)


def _list_separated(answers: Sequence[Answer], seed: int) -> Verification:
    """List what engines reached of a supremum that no finite estimates attain."""
    rows = [
        {
            "loglike": answer.loglike,
            "cross_entropy": answer.cross_entropy,
            "coef_diff": np.nan,
            "se_diff": np.nan,
            "verdict": f"not run: {answer.reason}" if answer.params is None else SEPARATED,
        }
        for answer in answers
    ]
    names = [answer.engine for answer in answers]
    return Verification(pd.DataFrame(rows, index=pd.Index(names, name="engine")), OURS, seed)


def _choose_engines(engines: Any) -> list[str]:
    if engines is None:
        return list(ENGINES)
    asked = engines if isinstance(engines, list | tuple) else [engines]
    for engine in asked:
        check_choice("engines", engine, tuple(ENGINES))
    return list(asked)


def read_problem(record: FitRecord) -> Problem:
    """Read a fit's rows as plain arrays."""
    record = record.in_memory()
    blocks = record.need_blocks()
    design = blocks.design
    weights = np.ones(blocks.rows) if design.weights is None else design.weights
    given = None if record.constraints is None else record.constraints.given
    return Problem(
        x=blocks.map(_read_columns).T,
        d=blocks.map(map_outcome).T,
        weights=weights,
        offset=design.offset,
        base=record.encoding.base,
        weight_type=record.weight_type,
        kind=record.encoding.outcome_kind,
        rows=None if given is None else given.matrix,
        values=None if given is None else given.values,
        relations=() if given is None else given.relations,
    )


def _read_columns(block: Any) -> np.ndarray:
    return lay_out(block.x)


def _answer_ours(record: FitRecord, covariance: Covariance, problem: Problem) -> Answer:
    y = output(
        replace(problem, offset=record.in_memory().limit_blocks().design.offset), record.params
    )
    return Answer(
        OURS,
        record.params,
        covariance.bse.reshape(record.params.shape),
        record.sums.loglike,
        cross_entropy(problem.d, y, problem.weights),
    )


def judge(
    answers: Sequence[Answer], problem: Problem, seed: int = 0, finite: bool = True
) -> Verification:
    """Compare answers, the first of which is this fit's, and say who is off.

    The reference is the answer with the highest likelihood: the first unless
    another one's is higher by more than its own distance could explain. Standard
    errors are compared with those of the cross-entropy's Hessian at the reference. If
    no finite maximum has been shown to exist there is nothing to agree on, and the
    verdicts say so.
    """
    reference = answers[0]
    for answer in answers[1:]:
        if _is_better(answer, reference, problem):
            reference = answer
    params = np.asarray(reference.params)
    errors = measure_errors(problem, params)
    target = -cross_entropy(problem.d, output(problem, params), problem.weights)
    rows = [_judge_one(answer, reference, errors, target, problem) for answer in answers]
    rows.insert(1 + (len(rows) > 1), _judge_entropy(answers[0], errors, target, problem))
    names = [answer.engine for answer in answers]
    names.insert(1 + (len(answers) > 1), ENTROPY)
    frame = pd.DataFrame(rows, index=pd.Index(names, name="engine"))
    if not finite:
        frame.loc[~frame["verdict"].str.startswith("not run"), "verdict"] = NOTHING
    return Verification(frame, reference.engine, seed)


def _is_better(answer: Answer, reference: Answer, problem: Problem) -> bool:
    if answer.params is None or not np.isfinite(answer.params).all():
        return False
    if not np.isfinite(np.asarray(reference.params)).all():
        return True
    gap = measure_gap(problem, answer.params, reference.params)
    return gap > COEFFICIENT_TOLERANCE**2 / 4


def _judge_one(
    answer: Answer, reference: Answer, errors: np.ndarray, target: float, problem: Problem
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "loglike": answer.loglike,
        "cross_entropy": answer.cross_entropy,
        "coef_diff": np.nan,
        "se_diff": np.nan,
    }
    if answer.params is None:
        return row | {"verdict": f"not run: {answer.reason}"}
    if not np.isfinite(answer.params).all():
        return row | {"verdict": f"{OFF}its coefficients are not finite"}
    row["coef_diff"] = _measure_distance(answer.params - np.asarray(reference.params), errors)
    if answer.bse is not None:
        row["se_diff"] = _measure_distance(answer.bse - errors, errors)
    return row | {"verdict": _find_verdict(row, answer, reference, target, problem)}


def _measure_distance(change: np.ndarray, errors: np.ndarray) -> float:
    """Return the largest change in standard errors; what constraints fix may not change."""
    fixed = errors == 0
    size = np.abs(change) / np.where(fixed, FIXED, errors)
    return float(np.max(size))


def _find_verdict(
    row: dict[str, Any], answer: Answer, reference: Answer, target: float, problem: Problem
) -> str:
    faults = []
    if not np.isfinite(row["coef_diff"]):
        faults.append("no standard errors to measure it by: the maximum may not be finite")
    elif row["coef_diff"] > COEFFICIENT_TOLERANCE:
        gap = measure_gap(problem, reference.params, answer.params)
        faults.append(f"its log-likelihood is lower by {gap:.2g}")
    reported = {"log-likelihood": row["loglike"], "cross-entropy": -row["cross_entropy"]}
    for name, value in reported.items():
        if not abs(value - target) <= LOGLIKE_TOLERANCE * abs(target):
            faults.append(f"its {name} is {abs(value):.10g}, not {abs(target):.10g}")
    if answer.bse is not None and not row["se_diff"] <= ERROR_TOLERANCE:
        faults.append(f"its standard errors differ by {row['se_diff']:.2g}")
    return f"{OFF}{'; '.join(faults)}" if faults else AGREES


def _judge_entropy(
    ours: Answer, errors: np.ndarray, target: float, problem: Problem
) -> dict[str, Any]:
    params = np.asarray(ours.params)
    if not np.isfinite(params).all():
        nothing = dict.fromkeys(("loglike", "cross_entropy", "coef_diff", "se_diff"), np.nan)
        return nothing | {"verdict": f"{OFF}its coefficients are not finite"}
    entropy, step = measure_entropy(problem, params)
    moved = _measure_distance(step, errors)
    row = {"loglike": -entropy, "cross_entropy": entropy, "coef_diff": moved, "se_diff": np.nan}
    faults = []
    if not moved <= COEFFICIENT_TOLERANCE:
        faults.append("this fit's moments are not the data's")
    if not abs(entropy + target) <= LOGLIKE_TOLERANCE * abs(target):
        faults.append("this fit's entropy is not the cross-entropy")
    return row | {"verdict": f"{OFF}{'; '.join(faults)}" if faults else AGREES}
