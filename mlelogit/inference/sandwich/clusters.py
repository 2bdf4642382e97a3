r"""Cluster-robust covariances, one-way and multi-way.

With S_g the sum of the scores of cluster g, ``S = Σ_g S_g S_g'`` and V the inverse of the
information, the covariance is ``c V S V`` (Liang and Zeger 1986; Rogers 1993), with G clusters, n
observations and P parameters and the correction

- CR0: c = 1;
- stata: c = G / (G - 1), Stata's vce(cluster) for this model;
- CR1: c = G / (G - 1) · (n - 1) / (n - P), statsmodels' correction and Stata's for linear
  regression;
- CR2, CR3: c = 1 and the scores adjusted for the leverage of their cluster; see
  `mlelogit.inference.sandwich.leverage`.

Clusters of several kinds add up by inclusion and exclusion (Cameron, Gelbach and Miller 2011,
equation 2.13): for two, that by the first plus that by the second less that by their
combinations, each with the correction of its own number of clusters. The sum can have negative
eigenvalues; they are set to zero, as there in section 2.3, but in the coordinates in which V is
the identity, so that the answer does not depend on the base category or on units.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.data.labels import Labels, cross_labels
from mlelogit.data.streaming.labels import StreamedLabels
from mlelogit.exceptions import (
    CovarianceError,
    FewClustersWarning,
    NegativeVarianceWarning,
    ZeroVarianceWarning,
)
from mlelogit.fitting.linalg import find_root
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.sandwich.cells import iterate_cells
from mlelogit.inference.sandwich.leverage import (
    POWERS,
    sum_adjusted_clusters,
    warn_of_lone,
)
from mlelogit.inference.sandwich.streamed import iterate_streamed, sum_adjusted_streamed
from mlelogit.notices import warn_user

CLUSTER_CORRECTIONS = {
    "stata": "CR0 times G / (G - 1)",
    "CR0": "no correction",
    "CR1": "CR0 times G / (G - 1) times (n - 1) / (n - P)",
    "CR2": "CR2, scores adjusted for leverage, (1 - H)^(-1/2)",
    "CR3": "CR3, scores adjusted for leverage, (1 - H)^(-1)",
}
# Cameron and Miller (2015, section VI) call 20 to 50 clusters few.
MANY_CLUSTERS = 40
# Relative to the largest eigenvalue, what rounding can make negative.
ROUNDED = 1e-12
# Of the mean over all directions: what rounding leaves of sums that are zero is some 1e-17 times
# the inflation of their variance, and sums of two clusters are below by chance 8 times in 100,000.
VANISHED = 1e-8


def check_clusters(sets: Sequence[Labels]) -> None:
    """Raise `CovarianceError` if all rows are in one cluster."""
    for labels in sets:
        if labels.count < 2:
            raise CovarianceError(
                f"All rows are in one cluster by {labels.name!r}: nothing can be told from how "
                "clusters differ. Give groups with two labels or more."
            )


def estimate_clustered(
    record: FitRecord, bread: np.ndarray, sets: Sequence[Labels], correction: str
) -> tuple[np.ndarray, str]:
    """Return the cluster-robust covariance (P, P) in the internal basis, and what it is in words.

    Parameters
    ----------
    record : FitRecord
    bread : numpy.ndarray
        V (P, P), in the internal basis.
    sets : sequence of Labels
        One for each way.
    correction : str
        One of `CLUSTER_CORRECTIONS`.

    Raises
    ------
    CovarianceError
        If CR1 divides by zero.

    Warns
    -----
    FewClustersWarning, LeverageWarning, NegativeVarianceWarning
    """
    warn_of_few(sets, "clusters", "Standard errors by cluster", _advise(record, sets, correction))
    root, lone = find_root(bread), 0
    inner = np.zeros((root.shape[1], root.shape[1]))
    for members in range(1, len(sets) + 1):
        for chosen in combinations(sets, members):
            labels = cross_labels(chosen)
            part, alone = _sum_clusters(record, root, labels, correction)
            inner += (-1) ** (members + 1) * part
            lone += alone
    warn_of_lone(lone, "clusters")
    said, negative = CLUSTER_CORRECTIONS[correction], 0
    if len(sets) > 1:
        inner, negative = _clear_negative(inner)
        said += f", each of {2 ** len(sets) - 1} terms with its own G"
    said += f", {negative} negative eigenvalues set to zero" if negative else ""
    return np.asarray(root @ inner @ root.T), said


def find_absorbed(record: FitRecord, inner: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Return the coefficients (P,), a mask, whose scores add up to zero in every cluster.

    Where a column, or a combination that it is part of, tells clusters apart, the maximum itself
    makes these sums zero: ``S_jj V_jj`` is then rounding, of ``tr(S V) / P`` on average.

    Parameters
    ----------
    record : FitRecord
    inner : numpy.ndarray
        ``V S V`` (P, P), in the internal basis.
    variances : numpy.ndarray
        The diagonal of V (P,), in the columns of the design.
    """
    information, basis = np.asarray(record.sums.information), record.basis
    size, shape = len(inner), (len(inner), -1, len(record.encoding.names))
    meat = information @ inner @ information
    half = basis.leave_score(meat.reshape(shape)).reshape(size, size).T
    sums = np.diag(basis.leave_score(half.reshape(shape)).reshape(size, size))
    mean = float((information * inner).sum()) / size
    return np.asarray((variances > 0) & (sums * variances <= VANISHED * mean))


def warn_of_absorbed(labels: Sequence[str]) -> None:
    """Warn that the sums of scores of these coefficients are zero in every cluster."""
    if labels:
        warn_user(
            f"The scores of {len(labels)} coefficients add up to zero in every cluster, whatever "
            f"the data: {list_some(labels, 4)}. Their columns tell clusters apart (as indicators "
            "of one cluster, or of part of one, do). Their standard errors leave out how clusters "
            "vary, are far too small, and decide nothing; those of the other coefficients are "
            "not touched by this. For these take 'robust' or 'nonrobust', or clusters that each "
            "column is spread over.",
            ZeroVarianceWarning,
        )


def _sum_clusters(
    record: FitRecord, root: np.ndarray, labels: Labels, correction: str
) -> tuple[np.ndarray, int]:
    """Return ``L' c S L`` of one way, and how many clusters have a leverage of one."""
    if isinstance(labels, StreamedLabels):
        return _sum_streamed(record, root, labels, correction)
    if correction in POWERS:
        power = POWERS[correction]
        adjusted = sum_adjusted_clusters(record, root, labels.codes, labels.count, power)
        return adjusted.value, adjusted.lone
    inner = np.zeros((root.shape[1], root.shape[1]))
    for _, sums in iterate_cells(record, labels.codes, labels.count):
        along = sums @ root
        inner += along.T @ along
    return inner * find_factor(record, labels.count, correction), 0


def _sum_streamed(
    record: FitRecord, root: np.ndarray, labels: StreamedLabels, correction: str
) -> tuple[np.ndarray, int]:
    """Return the same of rows that are read in pieces."""
    if correction in POWERS:
        adjusted = sum_adjusted_streamed(record, root, labels, POWERS[correction])
        return adjusted.value, adjusted.lone
    inner = np.zeros((root.shape[1], root.shape[1]))
    for sums in iterate_streamed(record, labels):
        along = sums @ root
        inner += along.T @ along
    return inner * find_factor(record, labels.count, correction), 0


def find_factor(record: FitRecord, groups: int, correction: str) -> float:
    """Return what a sum over so many groups is multiplied by."""
    if correction == "CR0":
        return 1.0
    factor = groups / (groups - 1)
    if correction == "stata":
        return factor
    size = record.size
    if record.nobs <= size:
        raise CovarianceError(
            f"Correction 'CR1' divides by n - {size}, and there are {record.nobs} observations."
        )
    return factor * float((record.nobs - 1) / (record.nobs - size))


def warn_of_few(sets: Sequence[Labels], what: str, said: str, advice: str) -> None:
    """Warn if there are fewer than 40 of what scores are summed by.

    Parameters
    ----------
    sets : sequence of Labels
    what : str
        Their name, in the plural.
    said : str
        What is likely too small then.
    advice : str
        What to do about it.
    """
    few = [labels for labels in sets if labels.count < MANY_CLUSTERS]
    if few:
        counts = ", ".join(f"{labels.count} by {labels.name!r}" for labels in few)
        warn_user(
            f"There are few {what}: {counts}. {said} are likely too small below some "
            f"{MANY_CLUSTERS}; {advice}.",
            FewClustersWarning,
        )


def _advise(record: FitRecord, sets: Sequence[Labels], correction: str) -> str:
    """Say what lessens the error of few clusters, and how many hypotheses they can tell."""
    if correction in POWERS:
        return f"{correction} lessens that, and the normal distribution is still too narrow"
    remedy, most = "correction='CR2' or 'CR3' lessens that", sets[0].count - 1
    # The sums of scores of one kind of clusters add up to zero where the likelihood is largest.
    plain = len(sets) == 1 and record.maximum.bias_reduction is None
    if not plain or most >= record.size:
        return remedy
    return (
        f"{remedy}. Its rank is at most {most}, below the {record.size} parameters: no test of "
        f"more than {most} hypotheses at a time exists"
    )


def _clear_negative(inner: np.ndarray) -> tuple[np.ndarray, int]:
    """Set the negative eigenvalues of a multi-way sum to zero, and tell how many there are."""
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    floor = ROUNDED * max(float(np.abs(values).max()), 0.0)
    negative = int((values < -floor).sum())
    if not negative:
        return inner, 0
    warn_user(
        f"The multi-way covariance has {negative} negative eigenvalues of {len(values)}, which are "
        "set to zero (Cameron, Gelbach and Miller 2011). The largest of them is "
        f"{-values.min() / max(values.max(), floor):.2g} of the largest positive one.",
        NegativeVarianceWarning,
    )
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T), negative
