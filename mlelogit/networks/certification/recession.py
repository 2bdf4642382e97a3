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
from functools import cached_property

import numpy as np

from mlelogit.fitting.linalg import triangularize
from mlelogit.fitting.separation import STRICT, TIED, choose_pairs, run_solver
from mlelogit.networks.certification.affine import ScoreChanges
from mlelogit.networks.certification.scores import (
    find_scores,
    moves_affinely,
    score_block,
    walk_scores,
)
from mlelogit.networks.likelihood import NetworkLikelihood

# Scores that differ by less, relative to the largest, are the same but for rounding.
SAME = 1e-9
# Powers of two: a module that is linear in what they multiply makes no rounding error of them.
# The large ones find scores that are held within bounds, where the log-likelihood has a maximum.
FACTORS = (2.0, 0.5, 1024.0, 2.0**40, 2.0**100)
# A sum of terms, each of them rounded, is right to so many units of rounding of their sizes.
ROUNDING = 8
# Singular values below so many units of rounding of the largest are zero.
RANK = 64
# A linear programme has one row for each pair of a row and another category, and one column for
# each parameter that is let go: so many numbers take it some seconds.
LARGEST_PROGRAMME = 2_000_000
FIRST_PAIRS = 2000
MORE_PAIRS = 1000
ROUNDS = 30
TIME_LIMIT = 10.0
# Separated pairs that a climb has made less likely than this are worth a programme.
UNLIKELY = 1e-2


@dataclass(frozen=True)
class Recession:
    """A way along which the log-likelihood rises for ever.

    Made by `mlelogit.networks.fit_network`.

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


@np.errstate(all="ignore")
def find_margin(likelihood: NetworkLikelihood, params: np.ndarray) -> float:
    """Return by how much the observed category leads in the row where it leads least.

    Minus infinity if a row has several, which no scores make certain; zero if the least lead is
    within rounding.
    """
    observed = likelihood.rows.observed
    if (observed.sum(axis=1) > 1).any():
        return -np.inf
    least, largest = np.inf, 0.0
    for block, scores in walk_scores(likelihood, params):
        seen = observed[block]
        others = np.where(seen, -np.inf, scores).max(axis=1)
        least = min(least, float((scores[seen] - others).min()))
        largest = max(largest, float(np.abs(scores).max()))
        if not least > 0:
            break
    return least if abs(least) > SAME * largest else min(least, 0.0)


def find_scaling(likelihood: NetworkLikelihood, params: np.ndarray) -> np.ndarray | None:
    """Return which parameters (P,) scale all scores if they are scaled; None if none are found.

    Those of one part of the module are tried, the last first, and then those of several: the scores
    of layers that lie side by side add up. None of them may have a prior.
    """
    parts = [part for part in list_parts(likelihood) if not likelihood.precisions[part].any()]
    together = np.zeros(len(params), dtype=bool)
    for part in parts:
        if _scales(likelihood, params, part):
            return part
    for part in parts:
        wider = together | part
        if moves_affinely(likelihood, params, wider):
            together = wider
            if _scales(likelihood, params, together):
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
def _scales(likelihood: NetworkLikelihood, params: np.ndarray, part: np.ndarray) -> bool:
    """Tell whether the scores of every row, for their own size, are scaled with some parameters."""
    for block in likelihood.rows.cut():
        scores = score_block(likelihood, params, block)
        largest = np.abs(scores).max(axis=1, keepdims=True)
        for factor in FACTORS:
            found = score_block(likelihood, np.where(part, factor * params, params), block)
            if not (np.abs(found / factor - scores) <= SAME * largest).all():
                return False
    return True


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
    observed = likelihood.rows.observed
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
    if not gaps.find_strict(found).any():
        return None
    tried = (found, gaps.seen.T @ (gaps.seen @ found), gaps.level(found))
    settled = (way for way in tried if gaps.is_proven(way))
    proven = next(settled, None)
    if proven is None:
        return "rounding hides whether every row gains or stays along the way that was found"
    strict = gaps.find_strict(proven)
    if not strict.any():
        return None
    direction = np.zeros(len(params))
    direction[columns] = proven / gaps.scale
    names = name_part(likelihood, np.isin(np.arange(len(params)), columns))
    pairs = int((~observed).sum())
    return Recession(direction, names, np.nan, int(strict.sum()), pairs)


def find_rows(rows: np.ndarray) -> np.ndarray:
    """Return orthonormal rows (r, q) that span some rows (m, q), which may be none."""
    if not len(rows):
        return np.zeros((0, rows.shape[1]))
    _, values, vectors = np.linalg.svd(triangularize(rows))
    largest = max(float(values[0]), np.finfo(float).tiny)
    return np.asarray(vectors[: len(values)][values > RANK * np.finfo(float).eps * largest])


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
        own = changes[rows, first][:, np.newaxis]
        gaps, terms = own - changes, np.abs(own) + np.abs(changes)
        size = np.abs(gaps).max(axis=(0, 1))
        self.scale = np.where(size > 0, size, 1.0)
        gaps = gaps / self.scale
        self.terms = terms / self.scale
        lengths = np.linalg.norm(gaps, axis=2, keepdims=True)
        self.lengths = np.where(lengths > 0, lengths, 1.0)
        self.gaps = gaps / self.lengths
        self.tied = observed.copy()
        self.tied[rows, first] = False
        self.pending = self.tied | ~observed
        self.likely = scores - scores[rows, first][:, np.newaxis]
        self.observed = observed
        self.total = self.gaps[~observed].sum(axis=0)

    def measure(self, direction: np.ndarray) -> np.ndarray:
        """Return the gaps (n, J), of changes of length one."""
        return np.asarray(self.gaps @ direction)

    def find_strict(self, direction: np.ndarray) -> np.ndarray:
        """Return which pairs (n, J) are taken further apart for ever."""
        return np.asarray((self.measure(direction) > STRICT) & ~self.observed)

    def is_proven(self, direction: np.ndarray) -> bool:
        """Tell whether no pair comes nearer, nor tied ones apart, beyond the rounding of sums.

        A way along which some pair comes nearer, however slowly, does not rise for ever.
        """
        gaps = (self.gaps * self.lengths) @ direction
        slack = ROUNDING * np.finfo(float).eps * (self.terms @ np.abs(direction))
        wrong = np.where(self.tied, np.abs(gaps), -gaps)
        return bool((wrong <= slack)[self.pending].all())

    @cached_property
    def seen(self) -> np.ndarray:
        """Orthonormal rows (r, q) that span what the gaps depend on."""
        return find_rows(self.gaps.reshape(-1, self.gaps.shape[2]))

    def level(self, direction: np.ndarray) -> np.ndarray:
        """Return a way with the gaps that are zero to a programme's tolerance zero to rounding.

        What no gap depends on is left out, lest its rounding hide what they are. If next to
        nothing remains there is none.
        """
        within = self.seen @ direction
        zero = self.gaps[self.pending & (np.abs(self.measure(direction)) <= TIED)] @ self.seen.T
        held = find_rows(zero)
        left = within - held.T @ (held @ within)
        if np.linalg.norm(left) <= STRICT * np.linalg.norm(within):
            return np.zeros_like(direction)
        return np.asarray(self.seen.T @ left)

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


def name_part(likelihood: NetworkLikelihood, part: np.ndarray) -> tuple[str, ...]:
    """Return the names of the parameters some of which are in a part (P,)."""
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
    pairs = int((~likelihood.rows.observed).sum())
    names = name_part(likelihood, part)
    return Recession(np.where(part, params, 0.0), names, margin, pairs, pairs)


def find_runaway(likelihood: NetworkLikelihood, params: np.ndarray) -> Recession | str | None:
    """Look for a way to infinity of the last part of the module that makes scores affine.

    Only where the climb has left some category of some row unlikely: on such a way it does.
    """
    if not _leaves_unlikely(likelihood, params):
        return None
    for part in list_parts(likelihood):
        free = part & (likelihood.precisions == 0)
        if free.any() and moves_affinely(likelihood, params, free):
            return find_recession(likelihood, params, free)
    return None


def _leaves_unlikely(likelihood: NetworkLikelihood, params: np.ndarray) -> bool:
    """Tell whether some category that is not observed is much less likely than one that is."""
    observed = likelihood.rows.observed
    for block, scores in walk_scores(likelihood, params):
        seen = observed[block]
        own = scores[np.arange(len(scores)), seen.argmax(axis=1)][:, np.newaxis]
        if ((own - scores)[~seen] > -np.log(UNLIKELY)).any():
            return True
    return False
