"""Time whole fits, standard errors included, against peers' fits, alternately.

    python -m tests.benchmarks [--repeats 5] [--only "raw 100000"]

Prints a Markdown table: seconds (medians), ratios, and how far each peer's
log-likelihood is below ours. A peer that has not reached it has not finished.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np

import mlelogit as ml
from tests.benchmarks.cases import CASES, Case, draw


def fit_ours(codes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Fit with standard errors and null model; return the estimates (J - 1, K)."""
    res = ml.MNLogit(codes, x).fit()
    if not (res.converged and np.isfinite(res.bse).all(axis=None)):
        raise RuntimeError(f"Our fit has not converged: {res.certificate}")
    return res.record.params


def fit_statsmodels(codes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Fit statsmodels' MNLogit by its Newton method."""
    from statsmodels.discrete.discrete_model import MNLogit

    return np.asarray(MNLogit(codes, x).fit(disp=0).params).T


def fit_sklearn(solver: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a fit of scikit-learn's LogisticRegression without a penalty."""

    def fit(codes: np.ndarray, x: np.ndarray) -> np.ndarray:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            C=np.inf, solver=solver, fit_intercept=False, tol=1e-6, max_iter=1000
        ).fit(x, codes)
        return model.coef_[1:] - model.coef_[0]

    return fit


PEERS = {
    "statsmodels newton": fit_statsmodels,
    "sklearn newton-cholesky": fit_sklearn("newton-cholesky"),
    "sklearn newton-cg": fit_sklearn("newton-cg"),
}


def measure(fit: Callable, codes: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
    """Return seconds and estimates of one fit."""
    start = time.perf_counter()
    params = fit(codes, x)
    return time.perf_counter() - start, params


def compare(case: Case, repeats: int) -> list[str]:
    """Time a case, ours and each peer in turns; return lines of the table."""
    codes, x = draw(case)
    judge = ml.MNLogit(codes, x)
    fit_ours(codes, x)
    ours: list[float] = []
    peers: dict[str, list[float]] = {peer: [] for peer in case.peers}
    below: dict[str, float] = {}
    for turn in range(repeats):
        seconds, params = measure(fit_ours, codes, x)
        ours.append(seconds)
        reached = judge.loglike(params.ravel())
        for peer in case.peers if turn < max(1, repeats // 2) else ():
            seconds, other = measure(PEERS[peer], codes, x)
            peers[peer].append(seconds)
            finite = np.isfinite(other).all()
            below[peer] = reached - judge.loglike(other.ravel()) if finite else np.nan
    mine = float(np.median(ours))
    return [
        f"| {case.name} | {mine:.3f} | {peer} | {np.median(times):.2f} "
        f"| {np.median(times) / mine:.1f} | {below[peer]:.1e} |"
        for peer, times in peers.items()
    ]


def main() -> None:
    """Run the benchmarks named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="run the cases whose name holds this")
    arguments = parser.parse_args()
    print("| data | ours (s) | peer | peer (s) | ratio | its log-likelihood is lower by |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        if arguments.only in case.name:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for line in compare(case, arguments.repeats):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
