"""What is known of the point at which a network's climb ended, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE, Certificate
from mlelogit.markup import Shown
from mlelogit.networks.certification.affine import certify_affine, is_examinable
from mlelogit.networks.certification.curvature import DOUBT, Curvature, LocalShape, NewtonStep
from mlelogit.networks.certification.outward import Outward, find_free, find_outward
from mlelogit.networks.certification.pieces import list_idle, list_kinks
from mlelogit.networks.certification.recession import (
    Recession,
    find_ray,
    find_recession,
    find_runaway,
)
from mlelogit.networks.certification.saddles import find_saddle, follow_step
from mlelogit.networks.certification.scores import moves_affinely
from mlelogit.networks.likelihood import NetworkLikelihood

# Products with the Hessian for what the climb has not found out itself: as many as a part of its
# evaluations, within bounds.
PRODUCTS = 40
FEWEST = 10
SHARE = 8


# However little was asked, a point off which a step rises by more is no maximum.
RISE = 1e-4


def allow_gain(tolerance: float) -> float:
    """Return how many nats a Newton step may promise at a point that counts as stationary.

    However small the gradient is in the units of the inputs: a likelihood ratio of 1.0001 at the
    default tolerance, and more where less is asked.
    """
    return 100 * tolerance


REMEDY = (
    "A prior (l2=), a smaller network, or stopping by callback= at the highest log-likelihood of "
    "rows held out gives finite parameters that mean something."
)


class Verdict(Enum):
    """What the point is; each member's value is what to tell the user.

    Made by `mlelogit.networks.fit_network`.
    """

    GLOBAL_MAXIMUM = (
        "The global maximum: the scores are affine in the parameters, so the log-likelihood is "
        "concave, and a finite maximum is proven to exist."
    )
    LOCAL_MAXIMUM = (
        "A local maximum as far as second derivatives tell; a network has many, and others may be "
        "higher (starts= tries more)."
    )
    CONCAVE = (
        "Stationary on a concave log-likelihood: the global maximum if a finite one exists, which "
        "was not examined."
    )
    SADDLE_POINT = (
        "A saddle point: the gradient is small, but the log-likelihood curves upwards in some "
        "direction; try another start or method."
    )
    NO_FINITE_MAXIMUM = (
        "No finite maximum exists: the log-likelihood rises for ever as parameters grow."
    )
    RUNAWAY = (
        "No maximum: from here the log-likelihood rises as parameters grow, without end as far as "
        "is known; whether a finite maximum exists elsewhere is not known."
    )
    NOT_STATIONARY = "Not a maximum: the climb ended before the gradient was as small as asked."
    CURVATURE_UNKNOWN = (
        "Stationary; whether a maximum or a saddle point is unknown, as the curvature is."
    )
    UNDECIDED = (
        "Undecided: the log-likelihood is concave, but that a finite maximum exists has not been "
        "shown, nor that none does."
    )


CONVERGED = (
    Verdict.GLOBAL_MAXIMUM,
    Verdict.LOCAL_MAXIMUM,
    Verdict.CONCAVE,
    Verdict.CURVATURE_UNKNOWN,
)


@dataclass(frozen=True, repr=False)
class NetworkCertificate(Shown):
    """What is known of the point at which a climb ended.

    Made by `mlelogit.networks.fit_network`.

    Attributes
    ----------
    gradient_norm : float
        Largest entry of the gradient of the penalized log-likelihood.
    relative : float
        The same for each observation: over their weight in all.
    tolerance : float
        The ``relative`` that counts as stationary.
    gain : float
        ``1/2 s' H⁻¹ s``: how much log-likelihood a Newton step promises, which unlike the gradient
        does not depend on units; where products with H ran out, a part of it. NaN where the
        log-likelihood curves upwards, or that is not known.
    curvature : Curvature or None
        The extremes of curvature; None if not needed for the verdict.
    verdict : Verdict
    bound : mlelogit.fitting.certificate.Certificate or None
        How far the global maximum can be, if scores are affine in the parameters: see
        `mlelogit.networks.certification.affine`.
    recession : Recession or None
        The way along which the log-likelihood rises for ever, if one was found.
    reason : str
        Why something is not known; empty if nothing is to be said.
    kinks : tuple of str
        Operations whose derivatives jump.
    idle : tuple of str
        Parameters on which no score of any row depends here; not listed where scores are affine,
        since a maximum is one whatever they are.
    outward : Outward or None
        A way along which the log-likelihood rises all the way, as far as was tried.
    """

    gradient_norm: float
    relative: float
    tolerance: float
    gain: float = np.nan
    curvature: Curvature | None = None
    verdict: Verdict = Verdict.NOT_STATIONARY
    bound: Certificate | None = None
    recession: Recession | None = None
    reason: str = ""
    kinks: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    outward: Outward | None = None

    @property
    def stationary(self) -> bool:
        """Whether the gradient is as small as was asked, and a Newton step promises no more.

        Or the maximum is proven to be within a millionth of a standard error.
        """
        near = self.bound is not None and self.bound.holds
        return near or (
            self.relative <= self.tolerance and not self.gain > allow_gain(self.tolerance)
        )

    @property
    def converged(self) -> bool:
        """Whether the point is stationary, no saddle point, and not on a way to infinity."""
        return self.verdict in CONVERGED

    def __str__(self) -> str:
        told = [self.verdict.value, self.tell_gradient(), self.tell_curvature()]
        told += [self.tell_bound(), self.tell_recession(), self.tell_kinks(), self.tell_idle()]
        told += [f"Not known: {self.reason}."] if self.reason else []
        return "\n".join(line for line in told if line)

    def tell_gradient(self) -> str:
        """Say how small the gradient is, and what a Newton step promises."""
        promised = "unknown" if np.isnan(self.gain) else f"{self.gain:.2g}"
        return (
            f"Gradient: largest entry {self.gradient_norm:.2g}, {self.relative:.2g} per "
            f"observation (tol {self.tolerance:.2g}); rise that a Newton step promises: {promised}."
        )

    def tell_curvature(self) -> str:
        """Say what is known of the curvature."""
        found = self.curvature
        if found is None:
            return ""
        if not found.known:
            return f"Curvature: unknown, since {found.reason}."
        told = f"Curvature: {found.smallest:.2g} to {found.largest:.2g} of the information"
        if found.upward:
            told = f"{told}, which is upwards in some direction"
            if np.isnan(found.rise):
                return f"{told}."
            return f"{told}; along it the log-likelihood was found to rise by {found.rise:.2g}."
        if not found.hidden:
            return f"{told}, nowhere upwards beyond rounding."
        return (
            f"{told}, nowhere upwards beyond rounding in {found.products} products; any that is "
            f"is at most {found.hidden - found.smallest:.2g}, with probability 1 - {DOUBT:.0g}."
        )

    def tell_bound(self) -> str:
        """Say how far the global maximum can be."""
        return "" if self.bound is None else f"Bound: {self.bound}."

    def tell_recession(self) -> str:
        """Say along which way the log-likelihood rises for ever, and what to do."""
        found, outward = self.recession, self.outward
        if outward is not None:
            bare = f" No prior holds {list_some(outward.free)}." if outward.free else ""
            return (
                f"The log-likelihood rises all the way, by {outward.rise:.2g} as far as was tried, "
                f"when {list_some(outward.names)} move: {outward.how}.{bare} {REMEDY}"
            )
        if found is None:
            return ""
        if np.isnan(found.margin):
            seen = (
                f"A change of {list_some(found.names)} takes {found.separated} of {found.pairs} "
                "pairs of a row and another category further apart for ever, and brings no pair "
                "nearer."
            )
        else:
            seen = (
                "Every row is classified right, the observed category's score leading by "
                f"{found.margin:.3g} or more, and scaling {list_some(found.names)} scales all "
                "scores, up to 2^100 times as was tried: every row becomes certain as they grow."
            )
        return f"{seen} {REMEDY}"

    def tell_kinks(self) -> str:
        """Say what second derivatives mean where first ones jump."""
        if not self.kinks:
            return ""
        return (
            f"Kinks: {list_some(self.kinks)} have derivatives that jump; at a kink they are those "
            "of one side, and a maximum may lie on a kink, where no gradient is small."
        )

    def tell_idle(self) -> str:
        """Say which parameters no score depends on."""
        if not self.idle:
            return ""
        return (
            f"Idle: no score of any row depends on {list_some(self.idle)} here (units that are "
            "zero for all rows?); their values mean nothing, and another start may be higher."
        )


@np.errstate(all="ignore")
def certify_network(
    likelihood: NetworkLikelihood,
    params: np.ndarray,
    tolerance: float,
    newton: NewtonStep | None = None,
    curvature: Curvature | None = None,
    concave: bool | None = None,
    before: np.ndarray | None = None,
) -> NetworkCertificate:
    """Say what is known of a point.

    Parameters
    ----------
    likelihood : NetworkLikelihood
    params : numpy.ndarray
        (P,).
    tolerance : float
        Largest entry of the gradient per observation that counts as stationary.
    newton : NewtonStep, optional
        From here, if the climb has sought it.
    curvature : Curvature, optional
        Here, if the climb has found it.
    concave : bool, optional
        Whether scores are affine in the parameters, if the climb has found out.
    before : numpy.ndarray, optional
        (P,): where the climb was some iterations ago.
    """
    products = int(np.clip(likelihood.evaluations // SHARE, FEWEST, PRODUCTS))
    everything = np.ones(len(params), dtype=bool)
    affine = moves_affinely(likelihood, params, everything) if concave is None else concave
    gradient = likelihood.evaluate(params).gradient
    norm = float(np.abs(gradient).max())
    plain = NetworkCertificate(
        norm,
        norm / likelihood.weight,
        tolerance,
        kinks=list_kinks(likelihood),
        idle=() if affine else list_idle(likelihood, params),
    )
    if not np.isfinite(norm):
        return replace(plain, reason="the log-likelihood or its gradient is not finite here")
    ray = find_ray(likelihood, params)
    if ray is not None:
        proven = affine or not likelihood.precisions.any()
        verdict = Verdict.NO_FINITE_MAXIMUM if proven else Verdict.RUNAWAY
        return replace(plain, verdict=verdict, recession=ray)
    if newton is None:
        newton = LocalShape(likelihood, params, affine).find_step(gradient, products)
    plain = replace(plain, gain=newton.gain)
    if affine:
        return _judge_affine(likelihood, params, plain)
    plain = replace(plain, curvature=curvature)
    gone = _find_way_off(likelihood, params, plain, newton, before)
    return _judge_curved(likelihood, params, plain, products) if gone is None else gone


def _find_way_off(
    likelihood: NetworkLikelihood,
    params: np.ndarray,
    plain: NetworkCertificate,
    newton: NewtonStep,
    before: np.ndarray | None,
) -> NetworkCertificate | None:
    """Return what is known where the log-likelihood rises far beyond what a Newton step says."""
    runaway = find_runaway(likelihood, params) if plain.stationary else None
    if isinstance(runaway, Recession):
        return replace(plain, verdict=Verdict.RUNAWAY, recession=runaway)
    outward = None
    if plain.stationary or before is not None:
        outward = find_outward(likelihood, params, before, newton.reach)
    if outward is not None:
        return replace(plain, verdict=Verdict.RUNAWAY, outward=outward)
    if not plain.stationary:
        return None
    _, rise = follow_step(likelihood, params, newton.reach)
    if rise > allow_gain(plain.tolerance):
        reason = f"how far it rises: many Newton steps at once raise it by {rise:.2g}"
        return replace(plain, reason=reason)
    if runaway:
        reason = f"whether the log-likelihood rises for ever from here: {runaway}"
        return _judge_curved(likelihood, params, replace(plain, reason=reason), PRODUCTS)
    return None


def _judge_affine(
    likelihood: NetworkLikelihood, params: np.ndarray, plain: NetworkCertificate
) -> NetworkCertificate:
    """Judge a point of a concave log-likelihood."""
    if not is_examinable(likelihood):
        verdict = Verdict.CONCAVE if plain.stationary else Verdict.NOT_STATIONARY
        many = f"whether a finite maximum exists: {len(params)} parameters take too long"
        return replace(plain, verdict=verdict, reason=many)
    bound = certify_affine(likelihood, params, DEFAULT_TOLERANCE)
    known = replace(plain, bound=bound)
    if bound.finite_maximum:
        right = Verdict.GLOBAL_MAXIMUM if known.stationary else Verdict.NOT_STATIONARY
        return replace(known, verdict=right)
    found = find_recession(likelihood, params, np.ones(len(params), dtype=bool))
    if isinstance(found, Recession):
        return replace(known, verdict=Verdict.NO_FINITE_MAXIMUM, recession=found)
    verdict = Verdict.UNDECIDED if known.stationary else Verdict.NOT_STATIONARY
    reason = "" if found is None else f"whether a finite maximum exists: {found}"
    return replace(known, verdict=verdict, reason=reason)


def _judge_curved(
    likelihood: NetworkLikelihood,
    params: np.ndarray,
    plain: NetworkCertificate,
    products: int,
) -> NetworkCertificate:
    """Judge a point of a log-likelihood that is not concave."""
    if not plain.stationary:
        free = find_free(likelihood)
        bare = f"whether there is a maximum at all: no prior holds {list_some(free)}"
        return replace(plain, reason=bare if free else "")
    known, least = plain, min(RISE, allow_gain(plain.tolerance))
    if known.curvature is None or np.isnan(known.curvature.rise):
        found = find_saddle(likelihood, params, least, products)
        known = replace(plain, curvature=found.curvature)
    if known.curvature is None or not known.curvature.known:
        return replace(known, verdict=Verdict.CURVATURE_UNKNOWN)
    if known.curvature.upward and known.curvature.rise > least:
        return replace(known, verdict=Verdict.SADDLE_POINT)
    return replace(known, verdict=Verdict.LOCAL_MAXIMUM)
