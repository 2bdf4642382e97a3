"""verify() of a network: the identity at many points, and other ways to the same maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, is_whole, settle_seed, write_value
from mlelogit.data.threads import single_threaded_blas
from mlelogit.equivalence.verification import (
    AGREES,
    COEFFICIENT_TOLERANCE,
    LOGLIKE_TOLERANCE,
    OFF,
    PATIENCE_SECONDS,
)
from mlelogit.exceptions import OptionError
from mlelogit.markup import Shown, write_html
from mlelogit.networks.proof.agreement import tabulate_identity
from mlelogit.networks.proof.descents import ENGINES, NOT_RUN, run_descents
from mlelogit.networks.proof.points import BETWEEN, RANDOM, choose_points
from mlelogit.networks.record import NetworkRecord

TITLE = "Maximum likelihood = minimum cross-entropy of a softmax network"
IDENTITY = "-log L = E(w) at every point"
DESCENTS = "From the same start"
# What a verdict begins with where there is nothing to agree on.
UNDECIDED = "undecided: "
FORMATS = {
    "largest_score": "{:.3g}".format,
    "rows_in_logs": "{:.0f}".format,
    "minus_loglike": "{:.10g}".format,
    "cross_entropy": "{:.10g}".format,
    "torch": "{:.10g}".format,
    "sklearn": "{:.10g}".format,
    "fit": "{:.10g}".format,
    "difference": "{:.1e}".format,
    "tolerance": "{:.1e}".format,
    "loglike": "{:.10g}".format,
    "penalty": "{:.6g}".format,
    "gradient": "{:.1e}".format,
    "coef_diff": "{:.1e}".format,
    "evaluations": "{:.0f}".format,
}
HOW = (
    "minus_loglike is the product of probabilities, formed in logarithms only in rows_in_logs, "
    "where it underflows: from a log-softmax shifted by the largest score. difference and "
    "tolerance are relative to the value; the tolerance is what rounding alone can do."
)
LIMITS = (
    f"Tolerances of the descents: log-likelihood {LOGLIKE_TOLERANCE:g} relative, coefficients "
    f"{COEFFICIENT_TOLERANCE:g} standard errors."
)
# Each point takes passes over all rows and a line of the table.
MOST_POINTS = 10_000
# The category shown as its target, by place: the ten-digit example's 3.
SHOWN_CATEGORY = 3


@dataclass(frozen=True, repr=False)
class NetworkVerification(Shown):
    """A network's fit verified.

    Made by `mlelogit.networks.proof.verification.verify_network`.

    Attributes
    ----------
    identity : pandas.DataFrame
        One row for each point, in the ways of `mlelogit.networks.proof.identity`: minus the
        log-likelihood as a product of probabilities, as cross-entropy, as PyTorch's,
        scikit-learn's and the fit's own; their largest relative difference, and how large
        rounding alone can make it.
    descents : pandas.DataFrame
        This fit, and other ways from the same start; columns loglike, cross_entropy, penalty,
        gradient (largest entry, per observation), coef_diff (largest difference of a
        coefficient, in standard errors, where the network is a multinomial logit),
        evaluations and verdict.
    coding : str
        How an outcome is written as a target d.
    seed : int
        Of the random points.
    """

    identity: pd.DataFrame
    descents: pd.DataFrame
    coding: str
    seed: int

    @property
    def holds(self) -> bool:
        """Whether the identity holds at every point."""
        return bool((self.identity["verdict"] == AGREES).all())

    @property
    def was_run(self) -> pd.Series:
        """Whether each engine was run."""
        return ~self.descents["verdict"].str.startswith(NOT_RUN)

    @property
    def agrees(self) -> bool:
        """Whether the identity holds, and every engine that was run agrees, at least one."""
        verdicts = self.descents.loc[self.was_run, "verdict"]
        return self.holds and len(verdicts) > 1 and bool((verdicts == AGREES).all())

    @property
    def differs(self) -> bool:
        """Whether the identity fails at a point, or an engine that was run is off."""
        verdicts = pd.concat([self.identity["verdict"], self.descents["verdict"]])
        return bool(verdicts.str.startswith(OFF).any())

    def __str__(self) -> str:
        first = _write(self.identity).to_string(na_rep="")
        second = _write(self.descents).to_string(na_rep="")
        return "\n".join([TITLE, "", IDENTITY, first, "", DESCENTS, second, "", *self._notes])

    def _repr_html_(self) -> str:
        tables = (IDENTITY, _write(self.identity), DESCENTS, _write(self.descents))
        return write_html(TITLE, *tables, "\n".join(self._notes))

    @property
    def _notes(self) -> list[str]:
        """What stands under the tables."""
        return [
            self.coding,
            HOW,
            LIMITS,
            f"Points: {self._count_points()}; random ones from seed {self.seed}.",
            f"Verdict: {self._tell_identity()}; {self._tell_descents()}.",
        ]

    def _count_points(self) -> str:
        kinds = self.identity["kind"].value_counts()
        between, drawn = int(kinds.get(BETWEEN, 0)), int(kinds.get(RANDOM, 0))
        told = [f"{len(self.identity) - between - drawn} recorded on the path"]
        told += [f"{between} between them, as the path is short"] if between else []
        return ", ".join([*told, f"{drawn} at random"])

    def _tell_identity(self) -> str:
        verdicts, count = self.identity["verdict"], len(self.identity)
        if self.holds:
            return f"the identity holds at all {count} points"
        off = int(verdicts.str.startswith(OFF).sum())
        if not off:
            return f"the identity holds at {int((verdicts == AGREES).sum())} of {count} points"
        return f"the identity is OFF at {off} of {count} points"

    def _tell_descents(self) -> str:
        run = int(self.was_run.sum())
        count = f"{run - 1} of {len(self.descents) - 1}"
        verdicts = self.descents.loc[self.was_run, "verdict"]
        if run < 2:
            return f"no other engine was run ({count})"
        if bool((verdicts == AGREES).all()):
            return f"all engines that were run agree ({count})"
        others = verdicts[verdicts != AGREES]
        told = "; ".join(f"{name}: {verdict}" for name, verdict in others.items())
        open_ones = bool(others.str.startswith(UNDECIDED).all())
        word = "some are undecided" if open_ones else "NOT all agree"
        return f"of the engines that were run ({count}) {word} - {told}"


def _write(frame: pd.DataFrame) -> pd.DataFrame:
    """Write the numbers of a table."""
    written = {
        name: frame[name].map(FORMATS[name], na_action="ignore")
        for name in frame.columns.intersection(pd.Index(FORMATS))
    }
    whole = frame.assign(**written)
    told = "not_run" in whole and whole["not_run"].eq("").all()
    return whole.drop(columns="not_run") if told else whole


@single_threaded_blas
def verify_network(
    record: NetworkRecord, engines: Any = None, points: int = 20, seed: Any = 0
) -> NetworkVerification:
    r"""Show that minus a network's log-likelihood is its cross-entropy, and see who climbs as high.

    At the start, the answer, the points that the climb took note of and random ones the forms of
    ``-log L = -Σ_n log Π_k y_nk^d_nk = -Σ_n Σ_k d_nk log y_nk = E(w)`` are taken anew from the
    module's scores (Bishop 2006, equations 4.107, 4.108), see `mlelogit.networks.proof.identity`,
    and compared with the value of the fit. Then PyTorch's own optimizers go down
    `torch.nn.functional.cross_entropy` from where the fit started; and where the network is a
    multinomial logit `mlelogit.MNLogit` is fitted to its rows.

    A network with a hidden layer has many maxima, so other ways may end elsewhere, and higher:
    the verdicts say so.

    Parameters
    ----------
    record : NetworkRecord
    engines : str or list of str, optional
        Of "LBFGS", "Adam", "MNLogit": run these, whatever they cost. All that are estimated to
        take less than a minute if not given.
    points : int
        The least number of points on the path, at most 10,000. Where the climb took note of fewer,
        points on the lines between them fill up.
    seed : int
        Of the random points, whose scores spread from 1 to 1e4 where the network can make them.

    Returns
    -------
    NetworkVerification

    Raises
    ------
    OptionError
        If an engine is unknown, or points or seed are not what they must be.

    Examples
    --------
    >>> import torch
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> net = torch.nn.Linear(2, 2)
    >>> res = ml.networks.fit_network(net, anes[["age", "educ"]] / 10, anes["vote"])
    >>> found = res.verify(engines=["LBFGS", "MNLogit"])
    >>> found.holds, found.agrees
    (True, True)
    """
    chosen = _choose_engines(engines)
    if not is_whole(points) or not 1 <= points <= MOST_POINTS:
        raise OptionError(
            f"points must be a whole number from 1 to {MOST_POINTS}, not {write_value(points)}."
        )
    settled = settle_seed(seed)
    identity = tabulate_identity(record, choose_points(record, int(points), settled))
    patience = PATIENCE_SECONDS if engines is None else np.inf
    descents = run_descents(record, chosen, patience)
    return NetworkVerification(identity, descents, describe_coding(record), settled)


def _choose_engines(engines: Any) -> list[str]:
    if engines is None:
        return list(ENGINES)
    asked = engines if isinstance(engines, list | tuple) else [engines]
    for engine in asked:
        check_choice("engines", engine, tuple(ENGINES))
    return list(dict.fromkeys(asked))


def describe_coding(record: NetworkRecord) -> str:
    """Say how an outcome is written as a target d, by one of the fit's own."""
    encoding = record.encoding
    count = len(encoding.categories)
    if encoding.outcome_kind == "labels":
        place = min(SHOWN_CATEGORY, count - 1)
        target = ", ".join("1" if k == place else "0" for k in range(count))
        category = write_value(encoding.categories[place])
        return f"Targets d are one-hot: category {category} of the {count} is [{target}]."
    first = ", ".join(f"{value:.6g}" for value in record.rows.targets(slice(0, 1))[0])
    return f"Targets d are the {encoding.outcome_kind} themselves: the first row is [{first}]."
