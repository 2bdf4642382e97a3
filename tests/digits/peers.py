"""Whole fits of one case by this package, with its defaults, and by others.

The others fit twice, with their defaults and as exactly as their settings allow. The better
answer counts: steps too many ruin some fits that the defaults would have left alone.
"""

from __future__ import annotations

import re
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import mlelogit as ml
from tests.benchmarks.rpeers import find_missing
from tests.digits.cases import Case

SCRIPT = Path(__file__).with_name("peers.R")
TIGHT = 1e-15
SECONDS = 120
R_ERROR = re.compile(r"Error.*:\s+(\S.*)")


@dataclass(frozen=True)
class Answer:
    """What an engine found.

    Attributes
    ----------
    params : numpy.ndarray
        (P,), equation by equation.
    errors : numpy.ndarray or None
        Standard errors (P,), if the engine has them.
    loglike : float or None
        If the engine has it.
    """

    params: np.ndarray
    errors: np.ndarray | None = None
    loglike: float | None = None


class CannotFitError(Exception):
    """The engine does not fit this, and the message says why."""


def fit_ours(case: Case, tight: bool = False) -> Answer:
    """Fit with this package, its defaults untouched."""
    endog = case.codes if case.counts is None else case.counts
    weighed = None if case.weights is None else "frequency"
    model = ml.MNLogit(endog, case.x, weights=case.weights, weight_type=weighed, offset=case.offset)
    res = model.fit()
    return Answer(res.record.maximum.params, res.covariance.bse, res.llf)


def refuse_offset(case: Case) -> None:
    """Raise if a case has an offset."""
    if case.offset is not None:
        raise CannotFitError("no offset")


def fit_statsmodels(case: Case, tight: bool) -> Answer:
    """Fit statsmodels' MNLogit by its Newton method, a row for each person."""
    from statsmodels.discrete.discrete_model import MNLogit

    refuse_offset(case)
    row, category, people = case.list_cells()
    row, codes = np.repeat(row, people), np.repeat(category, people)
    goal = {"tol": TIGHT, "maxiter": 100} if tight else {}
    with warnings.catch_warnings():
        # Importing statsmodels sets filters of its own.
        warnings.simplefilter("ignore")
        res = MNLogit(codes, case.x[row]).fit(disp=0, **goal)
    return Answer(res.params.T.ravel(), res.bse.T.ravel(), float(res.llf))


def fit_sklearn(case: Case, tight: bool) -> Answer:
    """Fit scikit-learn's LogisticRegression without a penalty."""
    from sklearn.linear_model import LogisticRegression

    refuse_offset(case)
    row, codes, people = case.list_cells()
    goal = {"tol": TIGHT, "max_iter": 1000} if tight else {}
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", fit_intercept=False, **goal)
    fitted = model.fit(case.x[row], codes, sample_weight=people.astype(float))
    return Answer((fitted.coef_[1:] - fitted.coef_[0]).ravel())


def fit_in_r(package: str) -> Callable[[Case, bool], Answer]:
    """Return what fits a case by nnet::multinom or VGAM::vglm."""

    def fit(case: Case, tight: bool) -> Answer:
        row, codes, people = case.list_cells()
        shape = [len(row), case.x.shape[1], case.categories, int(case.offset is not None)]
        shape.append(int(tight))
        with TemporaryDirectory() as folder:
            write = {"x": case.x[row].T, "weights": people}
            if case.offset is not None:
                write["offset"] = case.offset[row].T
            for name, values in write.items():
                values.astype(np.float64).tofile(Path(folder, f"{name}.bin"))
            codes.astype(np.int32).tofile(Path(folder, "codes.bin"))
            command = ["Rscript", str(SCRIPT), package, folder, *map(str, shape)]
            run = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        if run.returncode:
            raise CannotFitError(" ".join(R_ERROR.findall(run.stderr)[:1]) or "no answer")
        found = np.array(run.stdout.split("answer")[-1].split(), dtype=float)
        params, errors = found[1:].reshape(2, -1)
        return Answer(params, errors, float(found[0]))

    return fit


@dataclass(frozen=True)
class Engine:
    """A program.

    Attributes
    ----------
    name : str
    fit : callable
        Fits a case, as tightly as it can or not.
    missing : callable
        Returns why it cannot run here, or nothing.
    """

    name: str
    fit: Callable[[Case, bool], Answer]
    missing: Callable[[], str] = lambda: ""

    def try_case(self, case: Case, tight: bool = False) -> Answer | str:
        """Fit a case, or say why that did not work."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return self.fit(case, tight)
            except CannotFitError as error:
                return str(error)
            except (ArithmeticError, ValueError, subprocess.TimeoutExpired) as error:
                return f"{type(error).__name__}"


OURS = Engine("mlelogit", fit_ours)
PEERS = (
    Engine("statsmodels", fit_statsmodels),
    Engine(
        "scikit-learn",
        fit_sklearn,
        lambda: "" if find_spec("sklearn") else "scikit-learn is not installed",
    ),
    Engine("nnet", fit_in_r("nnet"), lambda: find_missing("nnet")),
    Engine("VGAM", fit_in_r("VGAM"), lambda: find_missing("VGAM")),
)
