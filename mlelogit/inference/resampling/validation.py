r"""Cross-validated log-likelihood: what a model says of observations it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_disp
from mlelogit.data.design import Design, hold_rows
from mlelogit.data.encoding import Encoding
from mlelogit.data.folds import FoldRequest, Folds, deal_folds
from mlelogit.exceptions import HeldOutWarning
from mlelogit.fitting.heldout import HeldOut, fit_without
from mlelogit.fitting.record import FitRequest
from mlelogit.markup import Shown, write_html
from mlelogit.notices import track, warn_user

# Centers, scales and polynomials span the same columns wherever they were learned.
PLACED_BY_DATA = ("bs(", "cr(", "cs(", "cc(")


@dataclass(frozen=True, repr=False)
class CrossValidation(Shown):
    """The log-likelihood of observations held out, each scored by a fit without them.

    Made by `mlelogit.inference.resampling.validation.cross_validate`.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per repeat and fold: observations (their weight), loglike, mean, separated,
        lost (the weight of those in a category that no row left in has), omitted (columns),
        converged.
    rows : pandas.Series
        Every row's held-out log-likelihood, weights included, the mean over repeats.
    loglike : float
        Their sum.
    mean : float
        The same per observation.
    std_err : float
        Of ``mean``, from the spread between folds.
    notes : tuple of str
        What was learned from all rows, and not anew without each fold.
    """

    table: pd.DataFrame
    rows: pd.Series
    loglike: float
    mean: float
    std_err: float
    notes: tuple[str, ...]

    def _repr_html_(self) -> str:
        title, _, rest = str(self).partition("\n")
        return write_html(title, rest, self.table)

    def __str__(self) -> str:
        repeats = self.table.index.get_level_values("repeat").nunique()
        folds = len(self.table) // repeats
        times = f", {repeats} times" if repeats > 1 else ""
        lines = [
            f"Cross-validated log-likelihood, {folds} folds{times}: {self.loglike:.6g}",
            f"per observation: {self.mean:.6g} (standard error {self.std_err:.2g})",
            *self.notes,
        ]
        return "\n".join(lines)


def cross_validate(
    design: Design,
    request: FoldRequest,
    asked: FitRequest | None = None,
    disp: bool | None = None,
) -> CrossValidation:
    r"""Score every observation by a fit without its fold.

    ``Σ_f Σ_{n in f} w_n Σ_k d_nk log y_nk(θ_f)``, θ_f the estimates without fold f (Stone 1974,
    JRSS B 36; Geisser 1975, JASA 70). With m_f and W_f a fold's mean and weight and m the mean
    of all, the standard error of m is ``sqrt(Σ_f W_f (m_f - m)² / (W (F - 1)))``, for repeats
    the root of the mean square: the folds' fits share rows, so it is approximate (Bengio and
    Grandvalet 2004, JMLR 5: no unbiased one exists). Repeats even out how the folds fell and
    add no data; it is not divided by their number.

    Parameters
    ----------
    design : Design
    request : FoldRequest
    asked : FitRequest, optional
        How to fit, with what constraints and bias reduction; plain maximum likelihood if not
        given.
    disp : bool, optional
        Whether to show a progress bar; on a terminal only if not given.

    Returns
    -------
    CrossValidation

    Raises
    ------
    OptionError
        If there are more folds than observations, or an argument is not what it must be.
    OneCategoryError
        If a fold leaves a single category to fit.
    ConstraintError
        If a fold leaves no observation of a category that a constraint is about, or no
        variation of its column.

    Warns
    -----
    HeldOutWarning
        If a held-out observation has the log-likelihood minus infinity: no row left in has its
        category, or the rows left in are separated and rule it out; or if a fit was not
        certified, or left out a column. The message has the numbers.

    Notes
    -----
    The columns are those of the model. Centers, scales and polynomials that a formula learned
    from all rows make no difference, as a maximum likelihood fit depends on the span of the
    columns alone; for splines, whose knots it placed by all rows (not their outcomes), a note
    says so.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> ml.mnlogit("vote ~ age + educ + income", anes).cross_validate(folds=5)
    Cross-validated log-likelihood, 5 folds: -625.551
    per observation: -0.66266 (standard error 0.013)
    """
    asked = asked or FitRequest()
    check_disp(disp)
    design = hold_rows(design)
    dealt = deal_folds(design, request)
    found: list[list[HeldOut]] = [[] for _ in dealt]
    work = [(i, fold) for i, folds in enumerate(dealt) for fold in range(len(folds.labels))]
    for repeat, fold in track(work, "Folds", disp):
        found[repeat].append(fit_without(design, dealt[repeat], fold, asked))
    _warn(found)
    rows = np.zeros(design.source.shape[0])
    for part in (part for parts in found for part in parts):
        rows[part.rows] += part.loglike / len(found)
    weights = np.array([part.observations for part in found[0]])
    total = float(weights.sum())
    errors = [measure_error(*_list_means(parts)) for parts in found]
    return CrossValidation(
        table=_tabulate(dealt, found),
        rows=pd.Series(rows, index=design.index.view(), name="loglike"),
        loglike=float(rows.sum()),
        mean=float(rows.sum()) / total,
        std_err=float(np.sqrt(np.mean(np.square(errors)))),
        notes=find_notes(design.encoding),
    )


def _list_means(parts: list[HeldOut]) -> tuple[np.ndarray, np.ndarray]:
    weights = np.array([part.observations for part in parts])
    return np.array([part.loglike.sum() for part in parts]) / weights, weights


def measure_error(means: np.ndarray, weights: np.ndarray) -> Any:
    """Return the standard error of the mean of folds' means (F, ...) with weights (F,)."""
    with np.errstate(invalid="ignore"):
        squares = (means - np.average(means, axis=0, weights=weights)) ** 2
        return np.sqrt(np.average(squares, axis=0, weights=weights) / (len(weights) - 1))


def find_notes(encoding: Encoding) -> tuple[str, ...]:
    """Say which columns were placed by all rows."""
    learned = [key for key in encoding.transform_state or {} if key.startswith(PLACED_BY_DATA)]
    if not learned:
        return ()
    return (f"Knots of {', '.join(learned)} were placed by all rows, those held out too.",)


def _tabulate(dealt: list[Folds], found: list[list[HeldOut]]) -> pd.DataFrame:
    keys, lines = [], []
    for repeat, (folds, parts) in enumerate(zip(dealt, found, strict=True)):
        for label, part in zip(folds.labels, parts, strict=True):
            keys.append((repeat, label))
            loglike = float(part.loglike.sum())
            lines.append(
                {
                    "observations": part.observations,
                    "loglike": loglike,
                    "mean": loglike / part.observations,
                    "separated": part.separated,
                    "lost": part.lost,
                    "omitted": len(part.omitted),
                    "converged": part.converged,
                }
            )
    index = pd.MultiIndex.from_tuples(keys, names=["repeat", "fold"])
    return pd.DataFrame(lines, index=index)


def _warn(found: list[list[HeldOut]]) -> None:
    """Tell in one message what went on in the folds."""
    parts = [part for repeat in found for part in repeat]
    infinite = sum(int(np.isneginf(part.loglike).sum()) for part in parts)
    cases = {
        f"{infinite} rows held out have the log-likelihood minus infinity": infinite,
        "{} have observations of a category that no row left in has": sum(
            part.lost > 0 for part in parts
        ),
        "in {} the rows left in are separated, and the fit is the one in the limit": sum(
            part.separated for part in parts
        ),
        "in {} the fit was not certified": sum(not part.converged for part in parts),
        "in {} columns are combinations of others and were left out": sum(
            bool(part.omitted) for part in parts
        ),
    }
    said = [text.format(number) for text, number in cases.items() if number]
    if said:
        warn_user(
            f"Of {len(parts)} folds: {'; '.join(said)}. See .table; use fewer folds, a smaller "
            "model, or fit_path().",
            HeldOutWarning,
        )
