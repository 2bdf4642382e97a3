r"""Covariances of the estimates: bread, meat and their sandwich.

With I the information and ``M = Σ s s'`` the sum of outer products of the scores
of the observations, the kinds are

- nonrobust: ``I⁻¹`` (the inverse of the observed information; for this model it
  is also the expected one); not with sampling weights, whose unit it would have;
- opg: ``M⁻¹`` (Berndt, Hall, Hall and Hausman 1974); likewise;
- HC0: ``I⁻¹ M I⁻¹`` (Huber 1967; White 1982);
- HC1: HC0 times ``n / (n - P)``;
- robust: HC0 times ``n / (n - 1)``, Stata's vce(robust);
- HC2, HC3: HC0 with scores adjusted for leverage (`mlelogit.inference.sandwich.leverage`);
- cluster: sums of scores by groups (`mlelogit.inference.sandwich.clusters`);
- HAC: sums by period, and products of nearby periods (`mlelogit.inference.sandwich.serial`);
- survey: sums by sampling unit inside strata (`mlelogit.inference.sandwich.survey`), with t and F
  distributions of as many degrees of freedom as units less strata.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from mlelogit.data.hypotheses.wording import list_coefficients
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import CovarianceError, DataNotKeptError, ZeroVarianceWarning
from mlelogit.fitting.constrained.constraints import find_fixed
from mlelogit.fitting.constrained.equations import find_directions
from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.sandwich.cells import open_objective
from mlelogit.inference.sandwich.clusters import (
    estimate_clustered,
    find_absorbed,
    find_factor,
    warn_of_absorbed,
    warn_of_few,
)
from mlelogit.inference.sandwich.leverage import POWERS, sum_adjusted_meats
from mlelogit.inference.sandwich.requests import (
    ClusterSettings,
    CovarianceRequest,
    LostSettings,
    SerialSettings,
    check_kind,
    check_options,
    check_weights,
    read_request,
)
from mlelogit.inference.sandwich.serial import SERIAL_CORRECTIONS, sum_serial_meat
from mlelogit.inference.sandwich.survey import SurveyDesign, sum_survey_meat

# Eigenvalues of a meat on the scale of the information are near one in a model that holds; those
# that ought to be zero are left by rounding at some 1e-13.
from mlelogit.notices import warn_user

# Of the model's own variance: below this rounding is all that sums of scores that cancel leave.
NO_VARIANCE = 1e-20
RANK_TOLERANCE = 1e-10
LOST_LABELS = (
    "The labels that this covariance rests on are not beside the fit's rows. Load it with rows "
    "that have them as columns, ml.load(path, data=frame), or give them again: res.with_cov(...)."
)


@dataclass(frozen=True)
class Covariance(ReadOnly):
    """A covariance of the estimates.

    Made by `mlelogit.inference.covariance.estimate_covariance`.

    Attributes
    ----------
    kind : str
        As of `mlelogit.inference.covariance.estimate_covariance`, or "bootstrap".
    matrix : numpy.ndarray
        (P, P), in the columns of the design, equation by equation; NaN if no
        finite maximum has been shown to exist.
    correction : str
        What was done beside the plain sandwich, in words; empty if nothing.
    omitted : bool
        Whether it was left out because of its size: then a view of one NaN.
    request : CovarianceRequest or None
        What was asked for, to compute it on another basis.
    groups : tuple
        (name, number) of whatever scores were summed by: clusters, periods, units, strata.
    df : float
        Degrees of freedom of the t distribution that estimates over standard errors follow;
        infinite for the normal.
    inner : numpy.ndarray or None
        (P, P): the same in the internal basis, where combinations of nearly collinear columns
        do not cancel; None if it is not known there.
    """

    kind: str
    matrix: np.ndarray
    correction: str = ""
    omitted: bool = False
    request: CovarianceRequest | None = field(default=None, repr=False)
    groups: tuple[tuple[str, float], ...] = ()
    df: float = np.inf
    inner: np.ndarray | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple:
        """Copy and pickle a covariance that was left out without laying its view out."""
        if self.omitted:
            return omit_covariance, (self.kind, len(self.matrix))
        rest = (self.correction, False, self.request, self.groups, self.df, self.inner)
        return Covariance, (self.kind, self.matrix, *rest)

    def describe(self) -> str:
        """Say in one sentence what was summed by what, and how it was corrected; may be empty."""
        by = ", ".join(f"{name} ({number:.10g})" for name, number in self.groups)
        parts = [f"scores summed by {by}" if by else "", self.correction]
        if np.isfinite(self.df):
            parts.append(f"t distribution with {self.df:.10g} degrees of freedom")
        said = "; ".join(part for part in parts if part)
        return f"Covariance {self.kind}: {said}." if said else ""

    @property
    def most(self) -> float:
        """How many hypotheses can be tested at a time: one less than scores were summed by.

        The scores add up to zero where the likelihood is largest, so that sums of G kinds have
        rank G - 1 at most. With more hypotheses a statistic is of rounding, or of G alone.
        """
        settings = None if self.request is None else self.request.settings
        if isinstance(settings, LostSettings):
            return settings.most
        if isinstance(settings, ClusterSettings) and len(settings.sets) == 1:
            return settings.sets[0].count - 1
        if isinstance(settings, SerialSettings) and settings.groups is None:
            return settings.time.count - 1
        return self.df

    @property
    def bse(self) -> np.ndarray:
        """Standard errors (P,); a variance of zero that rounding made negative is zero."""
        return np.sqrt(np.maximum(np.diag(self.matrix), 0.0))


def rests_on_model(record: FitRecord, covariance: Covariance) -> bool:
    """Tell whether a covariance supposes the likelihood right, as likelihood ratios do."""
    return covariance.kind in ("nonrobust", "opg") or record.weight_type == "sampling"


def omit_covariance(kind: str, size: int) -> Covariance:
    """Return the covariance of so many parameters that was left out: NaN that takes no memory."""
    return Covariance(kind, np.broadcast_to(np.nan, (size, size)), omitted=True)


def need_covariance(covariance: Covariance) -> None:
    """Raise `CovarianceError` if a covariance was left out, and say how to ask for it."""
    if covariance.omitted:
        raise CovarianceError(
            "The fit left out its information for its size, so there is no covariance; ask for "
            f"it by fit(cov_type={covariance.kind!r}, start_params=results.params)."
        )


def default_kind(weight_type: str | None) -> str:
    """Return the covariance used when none is asked for: robust for sampling weights."""
    return "robust" if weight_type == "sampling" else "nonrobust"


def check_covariance(kind: Any, options: Any, find_design: Any) -> CovarianceRequest | None:
    """Read the covariance that a fit is asked for; None if it is the default.

    Raises what `mlelogit.inference.sandwich.requests.read_request` does, and
    `CovarianceError` if it is not defined for the weights.
    """
    if kind is None:
        check_options(None, options)
        return None
    request = read_request(kind, options, find_design)
    check_weights(request.kind, find_design().weight_type)
    return request


@single_threaded_blas
def estimate_covariance(record: FitRecord, kind: Any = None, **options: Any) -> Covariance:
    """Estimate the covariance of a fit's parameters.

    Parameters
    ----------
    record : FitRecord
    kind : str or CovarianceRequest, optional
        "nonrobust", "opg", "HC0", "HC1", "HC2", "HC3", "robust" (Stata's: HC0 n / (n - 1)),
        "cluster", "HAC" or "survey"; "nonrobust" if not given,
        "robust" with sampling weights.
    **options
        cluster: groups (needed: the name of a column, one label for every row, or several of
        them), correction ("stata", "CR0", "CR1", "CR2" or "CR3"). HAC: time (needed), groups,
        maxlags, correction ("none", "HC1" or "CR1"). survey: strata, psu, fpc, lonely
        ("raise", "center" or "certainty").

    Returns
    -------
    Covariance

    Raises
    ------
    OptionError
        If the kind or an option is unknown, or one that is needed is missing.
    CovarianceError
        If it is not defined for the fit's weights, its options or so few observations, or the
        fit left out its information.
    MNLogitError
        Another of its named cases, if labels cannot be read; see `mlelogit.data.labels`.

    Warns
    -----
    FewClustersWarning
        If there are fewer than 40 clusters; with "HAC", groups, or periods without groups.
    ZeroVarianceWarning
        If the scores of some coefficients add up to zero in every group: their standard errors
        are NaN if that is all that there is, and with "cluster" far too small otherwise.
    LeverageWarning
        If rows or clusters have a leverage of one.
    NegativeVarianceWarning
        If a multi-way sum is not positive semidefinite.
    ZeroVarianceWarning
        If the scores of a coefficient cancel in every group.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> res.with_cov("HC3").cov_type
    'HC3'
    >>> people = [row // 4 for row in range(944)]
    >>> res.with_cov("cluster", groups=people, correction="CR2").covariance.groups
    (('groups', 236),)
    """
    if record.sums.information is None:
        return _omit(record, kind)
    return _form(record, _settle_request(record, kind, options))


def estimate_model_covariance(record: FitRecord) -> Covariance:
    """Return the inverse of the information, whatever the weights mean: what engines report.

    With sampling weights it is no covariance of the estimates, as its unit is theirs.
    """
    if record.sums.information is None:
        return _omit(record, "nonrobust")
    return _form(record, CovarianceRequest("nonrobust"))


def _form(record: FitRecord, request: CovarianceRequest) -> Covariance:
    bread = record.maximum.inverse
    if bread is None or not record.well_defined:
        size = len(record.maximum.params)
        return Covariance(request.kind, np.full((size, size), np.nan), request=request)
    inner, said = _estimate_inner(record, request, bread)
    matrix = leave_inner(inner, record)
    if record.separation.found:
        running = ~np.isfinite(record.separation.find_limits(record.basis))
        matrix[running] = matrix[:, running] = np.nan
    if request.settings is not None:
        variances = np.diag(leave_inner(bread, record))
        _clear_noise(matrix, variances)
        if isinstance(request.settings, ClusterSettings) and record.moves is None:
            told = np.isfinite(np.diag(matrix)) & find_absorbed(record, inner, variances)
            labels = list_coefficients(record.encoding)
            warn_of_absorbed([labels[i] for i in np.flatnonzero(told)])
    groups, df = _count_groups(request)
    return Covariance(request.kind, matrix, said, False, request, groups, df, inner)


def _clear_noise(matrix: np.ndarray, variances: np.ndarray) -> None:
    """Give no variance to coefficients for which the sums of scores are nothing but rounding."""
    noise = (np.diag(matrix) <= NO_VARIANCE * variances) & (variances > 0)
    if noise.any():
        matrix[noise] = matrix[:, noise] = np.nan
        warn_user(
            f"The scores of {int(noise.sum())} coefficients add up to zero in every group, "
            "so that these sums do not tell their standard errors, which are NaN.",
            ZeroVarianceWarning,
        )


def leave_inner(inner: np.ndarray, record: FitRecord) -> np.ndarray:
    """Return a covariance (P, P) of the internal basis in the columns of the design.

    Under constraints along the coefficients that move: what is fixed has no variance at all.
    """
    if record.moves is None:
        return record.basis.leave_covariance(inner)
    units = record.moves.enter(np.eye(len(inner)))
    matrix = units @ inner @ units.T
    return np.asarray(matrix + matrix.T) / 2


def spread_rows(record: FitRecord, covariance: Covariance, rows: np.ndarray) -> np.ndarray:
    """Return ``R V R'`` (q, q), NaN if R (q, P) takes a coefficient without a variance.

    Formed in the internal basis: in the design's own columns, if they are nearly collinear,
    the terms of a variance are far larger than what they add up to.
    """
    used = rows.any(axis=0)
    block = covariance.matrix[np.ix_(used, used)]
    if covariance.inner is None or not np.isfinite(block).all():
        few = rows[:, used]
        return np.asarray(few @ block @ few.T)
    inside = enter_rows(rows, record.moves, record.basis)
    return np.asarray(inside @ covariance.inner @ inside.T)


def hold_fixed(matrix: np.ndarray, record: FitRecord) -> np.ndarray:
    """Take from a covariance (P, P) what rounding left of coefficients that constraints fix."""
    fixed = find_fixed(record.restriction, record.basis)
    matrix[fixed] = matrix[:, fixed] = 0.0
    return matrix


def _settle_request(record: FitRecord, kind: Any, options: dict[str, Any]) -> CovarianceRequest:
    if isinstance(kind, CovarianceRequest):
        request = kind
    elif kind is None:
        check_options(None, options)
        request = CovarianceRequest(default_kind(record.weight_type))
    else:
        request = read_request(kind, options, lambda: record.need_blocks().design)
    check_weights(request.kind, record.weight_type)
    return request


def _count_groups(request: CovarianceRequest) -> tuple[tuple[tuple[str, float], ...], float]:
    """Return what scores were summed by and how many of each there are, and the df."""
    settings = request.settings
    if isinstance(settings, ClusterSettings):
        return tuple((labels.name, labels.count) for labels in settings.sets), np.inf
    if isinstance(settings, SerialSettings):
        labels = (settings.groups, settings.time)
        return tuple((one.name, one.count) for one in labels if one is not None), np.inf
    if isinstance(settings, SurveyDesign):
        names = settings.names
        strata = [(names["strata"], len(settings.sizes))] if "strata" in names else []
        return (*strata, (names.get("psu", "observations"), settings.present)), settings.df
    return (), np.inf


def _omit(record: FitRecord, kind: Any) -> Covariance:
    """Return no covariance, of no size, unless one was asked for."""
    asked = kind.kind if isinstance(kind, CovarianceRequest) else kind
    if asked is not None:
        check_kind(asked)
    omitted = omit_covariance(asked or default_kind(record.weight_type), len(record.maximum.params))
    if asked is not None:
        need_covariance(omitted)
    return omitted


def _estimate_inner(
    record: FitRecord, request: CovarianceRequest, bread: np.ndarray
) -> tuple[np.ndarray, str]:
    """Return the covariance in the internal basis, and what was done in words."""
    kind, settings = request.kind, request.settings
    if isinstance(settings, LostSettings):
        raise DataNotKeptError(LOST_LABELS)
    if kind == "nonrobust" or not record.size:
        return bread, ""
    if kind == "opg":
        return _estimate_opg(record, bread), ""
    if isinstance(settings, ClusterSettings):
        return estimate_clustered(record, bread, settings.sets, settings.correction)
    if isinstance(settings, SerialSettings):
        record = record.in_memory()
        _warn_of_few_cells(settings)
        factor, said = _correct_series(record, settings)
        meat = sum_serial_meat(record, settings.series, settings.maxlags) * factor
        return bread @ meat @ bread, said
    if isinstance(settings, SurveyDesign):
        meat = sum_survey_meat(record.in_memory(), settings)
        return bread @ meat @ bread, _describe_survey(settings)
    if kind in POWERS:
        power = Fraction(POWERS[kind])
        meat = sum_adjusted_meats(record, bread, POWERS[kind])
        return bread @ meat @ bread, f"scores adjusted for leverage, (1 - H)^(-{power})"
    factor, said = _find_correction(record, kind)
    return bread @ sum_meats(record) @ bread * factor, said


def _warn_of_few_cells(settings: SerialSettings) -> None:
    warn_of_few(
        [settings.groups or settings.time],
        "groups" if settings.groups else "periods",
        "Standard errors by sums of them",
        "no correction of 'HAC' lessens that, so take intervals as rough",
    )


def _correct_series(record: FitRecord, settings: SerialSettings) -> tuple[float, str]:
    series, correction = settings.series, settings.correction
    how = "as whole numbers (gaps count)" if series.counted else "by rank (gaps do not count)"
    said = (
        f"Bartlett weights to lag {settings.maxlags}, {settings.time.name} {how}, "
        f"{SERIAL_CORRECTIONS[correction]}"
    )
    if correction == "none":
        return 1.0, said
    if correction == "HC1":
        return _find_correction(record, "HC1")[0], said
    groups = series.periods if settings.groups is None else series.members
    return find_factor(record, groups, "CR1"), said


def _describe_survey(settings: SurveyDesign) -> str:
    finite = f", finite populations by {settings.names['fpc']}" if "fpc" in settings.names else ""
    alone = int(((settings.sizes == 1) & (settings.fractions < 1)).sum())
    lonely = f", {alone} lonely strata: {settings.lonely}" if alone else ""
    return f"Taylor linearization{finite}{lonely}"


def _estimate_opg(record: FitRecord, bread: np.ndarray) -> np.ndarray:
    meat, estimable = sum_meats(record), find_directions(record)
    inverse = (
        _invert_meat(meat, bread)
        if estimable is None
        else _invert_estimable(meat, record, estimable)
    )
    if inverse is None:
        raise CovarianceError(
            "The outer product of the scores is singular: there are fewer distinct "
            "observations than parameters; use 'nonrobust' or 'HC0'."
        )
    return inverse


def _invert_meat(meat: np.ndarray, bread: np.ndarray) -> np.ndarray | None:
    factor = factor_positive(meat) if _has_full_rank(meat, bread) else None
    return None if factor is None else invert_positive(factor)


def _invert_estimable(
    meat: np.ndarray, record: FitRecord, estimable: np.ndarray
) -> np.ndarray | None:
    """Invert a meat in the directions (P, r) in which a fit tells its params."""
    information = estimable.T @ np.asarray(record.sums.information) @ estimable
    inverse = _invert_meat(estimable.T @ meat @ estimable, np.linalg.inv(information))
    return None if inverse is None else estimable @ inverse @ estimable.T


def _has_full_rank(meat: np.ndarray, bread: np.ndarray) -> bool:
    """Tell whether a meat is regular, on the scale of the information."""
    root = np.linalg.cholesky(bread)
    return bool(np.linalg.eigvalsh(root.T @ meat @ root)[0] > RANK_TOLERANCE)


def sum_meats(record: FitRecord) -> np.ndarray:
    """Sum the outer products of the observations' scores, in the internal basis."""
    objective, params = open_objective(record)
    return objective.sum_meats(params, record.weight_type == "sampling")


def _find_correction(record: FitRecord, kind: str) -> tuple[float, str]:
    if kind == "HC0":
        return 1.0, ""
    size = record.size if kind == "HC1" else 1
    if record.nobs <= size:
        raise CovarianceError(
            f"Covariance {kind!r} divides by n - {size}, and there are {record.nobs} observations."
        )
    return record.nobs / (record.nobs - size), f"HC0 times n / (n - {size})"
