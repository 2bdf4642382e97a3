"""Coverage of 95 % intervals by robust standard errors, where the model is wrong.

    python -m tests.simulation.robust [--replications 2000] [--seed 0] [--output ROBUST.md]

Two studies of three categories. The logit fitted is not the truth, so what its estimates run to
is found by a fit to a million people first, and an interval should cover that.

- clusters: 20 clusters of 5 to 25 people, 300 in all. Every cluster shifts the scores by normal
  numbers of its own; w belongs to the cluster, x to the person. The logit leaves the shifts out.
- curved: 100 people; the scores are curved in a skewed x, and the logit is linear in it.

A sample in which a category is absent or separated is drawn again; these are counted. Monte Carlo
standard errors are in parentheses. Ctrl-C shows what was found until then.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import mlelogit as ml
from tests.benchmarks.tables import lay_header, lay_line
from tests.simulation.tables import take_mean

ALPHA = 0.05
CLUSTERS = 20
SIZES = np.resize([5, 10, 15, 20, 25], CLUSTERS)
SHIFT = 0.7
PEOPLE = 100
LARGE = 1_000_000
CLUSTERED = {
    "nonrobust": ("nonrobust", None),
    "robust": ("robust", None),
    **{f"cluster, {c}": ("cluster", c) for c in ("CR0", "stata", "CR1", "CR2", "CR3")},
}
CURVED = {kind: (kind, None) for kind in ("nonrobust", "HC0", "robust", "HC1", "HC2", "HC3")}
COLUMNS = ("study", "covariance", "samples", "drawn again", "coverage (%)")


@dataclass(frozen=True)
class Sample:
    """One sample: categories (n,), columns (n, K) and clusters (n,)."""

    codes: np.ndarray
    x: np.ndarray
    groups: np.ndarray


def draw_clusters(sizes: np.ndarray, rng: np.random.Generator) -> Sample:
    """Draw people in clusters of these sizes, whose scores move together."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    w, x = rng.normal(size=len(sizes))[groups], rng.normal(size=len(groups))
    shifts = SHIFT * rng.normal(size=(len(sizes), 2))[groups]
    scores = np.column_stack([np.zeros(len(x)), shifts])
    scores[:, 1] += 0.2 + 0.5 * w + 0.5 * x
    scores[:, 2] += -0.2 - 0.5 * w + 0.3 * x
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return Sample(codes, np.column_stack([np.ones(len(x)), w, x]), groups)


def draw_curved(count: int, rng: np.random.Generator) -> Sample:
    """Draw people whose scores are curved in a skewed regressor."""
    x = rng.gamma(2.0, 1.0, size=count)
    scores = np.column_stack([np.zeros(count), 1.2 * np.sin(1.5 * x), 0.8 - 0.25 * (x - 2) ** 2])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return Sample(codes, np.column_stack([np.ones(count), x]), np.arange(count))


Draw = Callable[[np.random.Generator], Sample]
STUDIES: dict[str, tuple[Draw, dict[str, tuple[str, str | None]]]] = {
    "clusters": (lambda rng: draw_clusters(SIZES, rng), CLUSTERED),
    "curved": (lambda rng: draw_curved(PEOPLE, rng), CURVED),
}


@cache
def find_target(study: str) -> np.ndarray:
    """Return what the estimates run to (P,): those of a million people, all of them apart."""
    rng = np.random.default_rng(2026)
    # Everybody has the same margins, whatever the cluster; apart they tell most.
    sample = draw_clusters(np.ones(LARGE, int), rng)
    if study == "curved":
        sample = draw_curved(LARGE, rng)
    return ml.MNLogit(sample.codes, sample.x).fit().params.to_numpy().T.ravel()


def examine(sample: Sample, study: str) -> dict[str, np.ndarray] | None:
    """Return what every kind's intervals covered (P,); None if there is no maximum."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ml.exceptions.MNLogitWarning)
        res = ml.MNLogit(sample.codes, sample.x).fit()
        if not res.converged:
            return None
        return {
            name: cover(with_cov(res, sample, *kind), find_target(study))
            for name, kind in STUDIES[study][1].items()
        }


def with_cov(res: Any, sample: Sample, kind: str, correction: str | None) -> Any:
    """Return the fit with a covariance."""
    if correction is None:
        return res.with_cov(kind)
    return res.with_cov(kind, groups=sample.groups, correction=correction)


def cover(res: Any, target: np.ndarray) -> np.ndarray:
    """Return 1 where the interval of a coefficient holds the target, 0 where not (P,)."""
    interval = res.conf_int(ALPHA)
    return ((interval["lower"] <= target) & (target <= interval["upper"])).to_numpy(float)


def run_study(
    study: str, replications: int, seed: int
) -> tuple[dict[str, list[np.ndarray]], int, bool]:
    """Examine samples; return what was covered by kind, samples drawn again, whether all ran."""
    draw, kinds = STUDIES[study]
    found: dict[str, list[np.ndarray]] = {name: [] for name in kinds}
    again = 0
    streams = np.random.SeedSequence([seed, len(study)]).spawn(replications)
    try:
        for stream in tqdm(streams, study, disable=None):
            rng = np.random.default_rng(stream)
            while True:
                sample = draw(rng)
                covered = examine(sample, study) if len(np.unique(sample.codes)) == 3 else None
                if covered is not None:
                    break
                again += 1
            for name, one in covered.items():
                found[name].append(one)
    except KeyboardInterrupt:
        return found, again, False
    return found, again, True


def tell_study(study: str, found: dict[str, list[np.ndarray]], again: int) -> list[str]:
    """Write the lines of a study: the mean over slopes, and each of them."""
    names = {"clusters": ("w", "x"), "curved": ("x",)}[study]
    lines = []
    for kind, covered in found.items():
        table = np.array(covered).reshape(len(covered), 2, -1)[:, :, 1:]
        each = [str(take_mean(table[:, :, i].mean(axis=1))) for i in range(len(names))]
        said = ", ".join(f"{name} {rate}" for name, rate in zip(names, each, strict=True))
        lines.append(lay_line([study, kind, str(len(covered)), str(again), said]))
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the studies and print their table."""
    parser = argparse.ArgumentParser("python -m tests.simulation.robust", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--replications", type=int, default=2000, help="samples of each study")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other samples")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    if options.replications < 1 or options.seed < 0:
        parser.error("--replications must be positive, --seed not negative")
    lines = [lay_header(COLUMNS)]
    print(lines[0], flush=True)
    for study in STUDIES:
        found, again, done = run_study(study, options.replications, options.seed)
        told = tell_study(study, found, again)
        print("\n".join(told), flush=True)
        lines += told
        if not done:
            break
    if options.output:
        options.output.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
