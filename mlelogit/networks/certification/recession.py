r"""Ways along which a network's log-likelihood rises for ever: no maximum is where they begin.

If the scores are affine in some of the parameters, the rest held, a change δ of these changes the
log-odds of a row by amounts that do not depend on how far one has gone. If in no row a category
that is not observed gains on one that is, the log-likelihood never falls along δ; and if in
some row one loses, it rises without end, and has no maximum on the way (Albert and Anderson 1984).

A last layer whose scaling scales all scores, ``u(c w) = c u(w)``, is the plainest such way where
every row is classified right: the margins grow by the factor c, all rows become certain, and the
log-likelihood goes to zero, above which it cannot be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from mlelogit.fitting.separation import STRICT, TIED, choose_pairs, run_solver
from mlelogit.networks.backend import plain_torch
from mlelogit.networks.certification.affine import ScoreChanges
from mlelogit.networks.likelihood import NetworkLikelihood, map_rows, run_module

# Scores that differ by less, relative to the largest, are the same but for rounding.
SAME = 1e-9
# Those that differ by more are others, whatever the largest of all rows is.
CLEAR = 1e-3
# Powers of two: a module that is linear in what they multiply makes no rounding error of them.
FACTORS = (2.0, 0.5, 1024.0)
# A linear programme has one row for each pair of a row and another category, and one column for
# each parameter that is let go: so many numbers take it some seconds.
LARGEST_PROGRAMME = 2_000_000
FIRST_PAIRS = 2000
MORE_PAIRS = 1000
ROUNDS = 30
TIME_LIMIT = 10.0
# How far a way is followed, in units of the largest change of a score.
DISTANCES = (0.0, 1.0, 10.0, 100.0, 1000.0)
# Separated pairs that a climb has made less likely than this are worth a programme.
UNLIKELY = 1e-2


@dataclass(frozen=True)
class Recession:
    """A way along which the log-likelihood rises for ever.

    Attributes
    ----------
    direction : numpy.ndarray
        (P,).
    names : tuple of str
        The parameters that it moves.
    margin : float
        By how much the score of the observed category leads, in the row where it leads least, if
        it leads in every row: then scaling does it. NaN otherwise.
    separated : int
        Pairs of a row and a category not its own whose probability goes to zero.
    pairs : int
        Such pairs in all.
    """

    direction: np.ndarray
    names: tuple[str, ...]
    margin: float
    separated: int
    pairs: int


def find_observed(likelihood: NetworkLikelihood) -> np.ndarray:
    """Return which categories are observed in every row (n, J)."""
    outcome = likelihood.rows.design.outcome
    if outcome.codes is not None:
        return np.asarray(outcome.codes)[:, np.newaxis] == np.arange(len(outcome.categories))
    return np.asarray(outcome.table) > 0


def find_scores(likelihood: NetworkLikelihood, params: np.ndarray) -> np.ndarray:
    """Return the scores (n, J) at a point."""
    likelihood.write(params)
    return map_rows(likelihood.network, likelihood.rows.inputs, likelihood.rows.per_block)


@np.errstate(all="ignore")
def find_margin(likelihood: NetworkLikelihood, params: np.ndarray) -> float:
    """Return by how much the observed category leads in the row where it leads least.

    Minus infinity if a row has several, which no scores make certain; zero if the least lead is
    within rounding.
    """
    observed = find_observed(likelihood)
    if (observed.sum(axis=1) > 1).any():
        return -np.inf
    scores = find_scores(likelihood, params)
    others = np.where(observed, -np.inf, scores).max(axis=1)
    least = float((scores[observed] - others).min())
    return least if abs(least) > SAME * float(np.abs(scores).max()) else min(least, 0.0)


def find_scaling(likelihood: NetworkLikelihood, params: np.ndarray) -> np.ndarray | None:
    """Return which parameters (P,) scale all scores if they are scaled; None if none are found.

    Those of one part of the module are tried, the last first, and then those of several: the scores
    of layers that lie side by side add up. None of them may have a prior.
    """
    scores = find_scores(likelihood, params)
    parts = [part for part in list_parts(likelihood) if not likelihood.precisions[part].any()]
    together = np.zeros(len(params), dtype=bool)
    for part in parts:
        if _scales(likelihood, params, part, scores):
            return part
    for part in parts:
        wider = together | part
        if is_affine(likelihood, params, wider, points=1):
            together = wider
            if _scales(likelihood, params, together, scores):
                return together
    return None


def list_parts(likelihood: NetworkLikelihood) -> list[np.ndarray]:
    """Return the parameters (P,) of every part of the module that has some, the last part first."""
    network = likelihood.network
    place = dict(zip(network.names, range(len(network.names)), strict=True))
    ends = np.cumsum([0, *network.sizes])
    parts = []
    for prefix, layer in network.module.named_modules():
        own = [
            f"{prefix}.{name}" if prefix else name
            for name, _ in layer.named_parameters(recurse=False)
        ]
        mask = np.zeros(network.size, dtype=bool)
        for name in own:
            if name in place:
                mask[ends[place[name]] : ends[place[name] + 1]] = True
        if mask.any():
            parts.append(mask)
    return parts[::-1]


@np.errstate(all="ignore")
def _scales(
    likelihood: NetworkLikelihood, params: np.ndarray, part: np.ndarray, scores: np.ndarray
) -> bool:
    largest = float(np.abs(scores).max())
    for factor in FACTORS:
        found = find_scores(likelihood, np.where(part, factor * params, params))
        if not float(np.abs(found / factor - scores).max()) <= SAME * largest:
            return False
    return largest > 0


@np.errstate(all="ignore")
def is_affine(
    likelihood: NetworkLikelihood,
    params: np.ndarray,
    part: np.ndarray,
    points: int = 2,
    seed: int = 1,
) -> bool:
    """Tell whether the scores of all rows are affine in some of the parameters, the rest held.

    That is seen, to rounding, halfway between random points about these parameters, some near
    and some far: ``u((v + w) / 2) = (u(v) + u(w)) / 2``.
    """
    draw = np.random.default_rng(seed)
    size = 1 + np.abs(params)
    for distance in (1e-2, 1.0, 1e2):
        for _ in range(points):
            v, w = params + part * size * distance * draw.standard_normal((2, len(params)))
            if not _is_midpoint(likelihood, v, w):
                return False
    return True


def _score_block(likelihood: NetworkLikelihood, params: np.ndarray, block: slice) -> np.ndarray:
    """Return the scores (m, J) of a block of rows at a point."""
    likelihood.write(params)
    with plain_torch(likelihood.network.device, gradients=False):
        scores = run_module(likelihood.network, likelihood.rows.inputs, block)
        return np.asarray(scores.cpu().numpy())


def _is_midpoint(likelihood: NetworkLikelihood, v: np.ndarray, w: np.ndarray) -> bool:
    """Tell whether scores halfway between two points are the mean of theirs, block by block.

    One block shows it if they are far from it.
    """
    gap = largest = 0.0
    for block in likelihood.rows.cut():
        first, last, middle = (
            _score_block(likelihood, point, block) for point in (v, w, (v + w) / 2)
        )
        largest = max(largest, float(np.abs(first).max()), float(np.abs(last).max()))
        # Unlike max, it does not lose what is no number.
        gap = float(np.maximum(gap, np.abs(middle - (first + last) / 2).max()))
        if not gap <= CLEAR * largest:
            return False
    return bool(gap <= SAME * largest)


def find_recession(
    likelihood: NetworkLikelihood, params: np.ndarray, part: np.ndarray
) -> Recession | str | None:
    """Look for a way to infinity among parameters in which the scores are affine.

    Parameters
    ----------
    likelihood : NetworkLikelihood
    params : numpy.ndarray
        (P,): the others stay there.
    part : numpy.ndarray
        (P,): which ones are free to go; those with a prior are not.

    Returns
    -------
    Recession, None or str
        None if there is none; the reason if that was not decided.
    """
    columns = np.flatnonzero(part & (likelihood.precisions == 0))
    observed = find_observed(likelihood)
    if not columns.size:
        return None
    if observed.size * columns.size > LARGEST_PROGRAMME:
        return "it would take a linear programme that is too large"
    origin = params.copy()
    origin[columns] = 0.0
    changes = np.concatenate([g for _, g in ScoreChanges(likelihood, origin, columns).walk()])
    scores = find_scores(likelihood, params)
    gaps = _Gaps(observed, changes, scores)
    found = gaps.solve(time.monotonic() + TIME_LIMIT)
    if found is None:
        return "the linear programme did not end in time"
    strict = gaps.measure(found) > STRICT
    strict &= ~observed
    if not strict.any():
        return None
    direction = np.zeros(len(params))
    direction[columns] = found / gaps.scale
    if not _rises(likelihood, params, direction):
        return "rounding hides whether the log-likelihood rises"
    names = _name_part(likelihood, np.isin(np.arange(len(params)), columns))
    pairs = int((~observed).sum())
    return Recession(direction, names, np.nan, int(strict.sum()), pairs)


class _Gaps:
    """By how much the first observed category of a row gains on each other one, along a way.

    Parameters
    ----------
    observed : numpy.ndarray
        (n, J).
    changes : numpy.ndarray
        (n, J, q): of the scores.
    scores : numpy.ndarray
        (n, J): those that lead least are tried first.
    """

    def __init__(self, observed: np.ndarray, changes: np.ndarray, scores: np.ndarray) -> None:
        first = observed.argmax(axis=1)
        rows = np.arange(len(first))
        gaps = changes[rows, first][:, np.newaxis] - changes
        size = np.abs(gaps).max(axis=(0, 1))
        self.scale = np.where(size > 0, size, 1.0)
        gaps = gaps / self.scale
        lengths = np.linalg.norm(gaps, axis=2, keepdims=True)
        self.gaps = gaps / np.where(lengths > 0, lengths, 1.0)
        self.tied = observed.copy()
        self.tied[rows, first] = False
        self.pending = self.tied | ~observed
        self.likely = scores - scores[rows, first][:, np.newaxis]
        self.total = self.gaps[~observed].sum(axis=0)

    def measure(self, direction: np.ndarray) -> np.ndarray:
        """Return the gaps (n, J), of changes of length one."""
        return np.asarray(self.gaps @ direction)

    def solve(self, deadline: float) -> np.ndarray | None:
        """Return the way in a box whose gaps are largest in sum, none being negative; None if late.

        Of the inequalities those that the answer violates are added until none is.
        """
        largest = float(np.abs(self.total).max())
        if not largest:
            return self.total
        chosen = choose_pairs(np.where(self.pending, self.likely, -np.inf), FIRST_PAIRS)
        for _ in range(ROUNDS):
            rising, level = self.gaps[chosen & ~self.tied], self.gaps[chosen & self.tied]
            answer = run_solver(
                -self.total / largest,
                deadline,
                A_ub=-rising,
                b_ub=np.zeros(len(rising)),
                A_eq=level,
                b_eq=np.zeros(len(level)),
                bounds=(-1.0, 1.0),
            )
            if answer is None:
                return None
            gaps = self.measure(answer)
            wrong = np.where(self.tied, np.abs(gaps), -gaps)
            broken = np.where(self.pending & ~chosen & (wrong > TIED), wrong, -np.inf)
            if not np.isfinite(broken).any():
                return answer
            chosen |= choose_pairs(broken, MORE_PAIRS)
        return None


def _rises(likelihood: NetworkLikelihood, params: np.ndarray, direction: np.ndarray) -> bool:
    """Tell whether the log-likelihood rises along a way, and does not fall for long."""
    here = find_scores(likelihood, params)
    moved = np.abs(find_scores(likelihood, params + direction) - here).max()
    if not moved > 0:
        return False
    unit = direction / float(moved)
    heights = [likelihood.evaluate(params + t * unit, score=False).loglike for t in DISTANCES]
    slack = 1e-12 * (1 + abs(heights[0]))
    return heights[-1] > heights[0] and all(np.diff(heights) >= -slack)


def _name_part(likelihood: NetworkLikelihood, part: np.ndarray) -> tuple[str, ...]:
    network = likelihood.network
    cuts = np.split(part, np.cumsum(network.sizes)[:-1])
    return tuple(name for name, cut in zip(network.names, cuts, strict=True) if cut.any())


def find_ray(likelihood: NetworkLikelihood, params: np.ndarray) -> Recession | None:
    """Return the scaling of a last layer, if every row is classified right and that has no prior.

    Raises nothing: None where the margin is not positive or no parameters scale the scores.
    """
    margin = find_margin(likelihood, params)
    part = find_scaling(likelihood, params) if margin > 0 else None
    if part is None:
        return None
    pairs = int((~find_observed(likelihood)).sum())
    names = _name_part(likelihood, part)
    return Recession(np.where(part, params, 0.0), names, margin, pairs, pairs)


def find_runaway(likelihood: NetworkLikelihood, params: np.ndarray) -> Recession | str | None:
    """Look for a way to infinity of the last part of the module that makes scores affine.

    Only where the climb has left some category of some row unlikely: on such a way it does.
    """
    observed = find_observed(likelihood)
    scores = find_scores(likelihood, params)
    leads = scores[np.arange(len(scores)), observed.argmax(axis=1)][:, np.newaxis] - scores
    if not (leads[~observed] > -np.log(UNLIKELY)).any():
        return None
    for part in list_parts(likelihood):
        free = part & (likelihood.precisions == 0)
        if free.any() and is_affine(likelihood, params, free, points=1):
            return find_recession(likelihood, params, free)
    return None
