"""Tasks on the bundled survey: small data, where a fit is all overhead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.benchmarks.cases import count_flops
from tests.benchmarks.entrants import LARGEST_BOUND, Entrant, Task, read_bound, sum_loglike

COLUMNS = ["logpopul", "selfLR", "age", "educ", "income"]
REFITS = 1000
REFITS_OF_PEER = 200


def load_survey() -> tuple[pd.Series, pd.DataFrame]:
    """Return party identification as codes and six numeric columns, the constant first."""
    anes = ml.datasets.load_anes96(labels=False)
    x = anes[COLUMNS].copy()
    x.insert(0, "const", 1.0)
    return anes["PID"], x


def fit_statsmodels(codes: Any, x: Any, **options: Any) -> Any:
    """Fit statsmodels' MNLogit by its Newton method."""
    from statsmodels.discrete.discrete_model import MNLogit

    return MNLogit(codes, x).fit(disp=0, **options)


def make_fit() -> Task:
    """Construct and fit from a frame of numbers; nothing is read off the results."""
    codes, x = load_survey()

    def judge(params: np.ndarray) -> float:
        return sum_loglike(codes.to_numpy(), x.to_numpy(), params)

    return Task(
        "ANES 944 x 6, J=7: fit",
        count_flops(*x.shape, 7),
        Entrant("mlelogit", lambda: ml.MNLogit(codes, x).fit(), lambda r: judge(r.record.params)),
        read_bound,
        (
            Entrant(
                "statsmodels newton",
                lambda: fit_statsmodels(codes, x),
                lambda res: judge(res.params.to_numpy().T),
                1,
            ),
        ),
    )


def make_summary() -> Task:
    """Construct, fit and print the table of results."""
    codes, x = load_survey()
    fit, (peer,) = make_fit(), make_fit().peers

    def run_ours() -> Any:
        res = ml.MNLogit(codes, x).fit()
        return res, res.summary().as_text()

    def run_peer() -> Any:
        res = fit_statsmodels(codes, x)
        return res, res.summary().as_text()

    return Task(
        "ANES 944 x 6, J=7: fit and summary",
        fit.flops,
        Entrant("mlelogit", run_ours, lambda answer: fit.ours.judge(answer[0])),
        lambda answer: read_bound(answer[0]),
        (Entrant(peer.name, run_peer, lambda answer: peer.judge(answer[0]), 10),),
    )


def make_bootstrap(refits: int = REFITS, refits_of_peer: int = REFITS_OF_PEER) -> Task:
    """Refit resampled rows, every refit started from the fit to all rows."""
    frame, columns = load_survey()
    codes, x = frame.to_numpy(), columns.to_numpy()
    rows = len(codes)
    times = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), size=refits)
    drawn = [np.repeat(np.arange(rows), counts) for counts in times[:refits_of_peer]]
    res = ml.MNLogit(codes, x).fit()
    start = res.record.params.ravel()

    def judge(found: Any) -> float:
        shaped = np.asarray(found)[:refits_of_peer].reshape(refits_of_peer, -1, x.shape[1])
        pairs = zip(shaped, times, strict=False)
        return sum(sum_loglike(codes, x, params, counts) for params, counts in pairs)

    def run_peer() -> list[np.ndarray]:
        options = {"start_params": start, "skip_hessian": True}
        fits = [fit_statsmodels(codes[sample], x[sample], **options) for sample in drawn]
        return [fitted.params.T.ravel() for fitted in fits]

    name = f"statsmodels newton (timed on {refits_of_peer} of them)"
    return Task(
        f"ANES 944 x 6, J=7: {refits} bootstrap refits",
        refits * count_flops(*x.shape, 7),
        Entrant("mlelogit", lambda: res.refit(times), judge),
        lambda found: bound_refits(codes, x, times[:refits_of_peer], np.asarray(found)),
        (Entrant(name, run_peer, judge, 5, share=refits_of_peer / refits),),
    )


def bound_refits(codes: np.ndarray, x: np.ndarray, times: np.ndarray, found: np.ndarray) -> float:
    """Return the longest Newton step left in any refit, in standard errors; raise if not small."""
    longest = 0.0
    for counts, params in zip(times, found, strict=False):
        model = ml.MNLogit(codes, x, weights=counts, weight_type="frequency")
        score = model.score(params).to_numpy().T.ravel()
        step = np.linalg.solve(model.information(params).to_numpy(), score)
        longest = float(np.fmax(longest, np.sqrt(score @ step)))
    if not (np.isfinite(found).all() and longest < LARGEST_BOUND):
        raise RuntimeError(f"This package's refits are up to {longest} standard errors off.")
    return longest
