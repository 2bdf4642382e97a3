r"""The table of fit statistics: every measure with its value, formula and source.

Likelihoods, criteria and pseudo R-squared need no pass over the rows; what compares predictions
with outcomes takes one. There, with p_nk the probability of category k in row n, every person
of a row is an observation of weight w: W is their total weight, W_k that of category k, and an
average "over people" is one by these weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlelogit.data.blocks import Block
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import DataNotKeptError
from mlelogit.fitting.likelihood import map_outcome, predict_scores, weigh
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import NOT_KEPT, FitRecord
from mlelogit.inference.fit_statistics import (
    BIAS_REASON,
    BOUND_REASON,
    NULL_REASON,
    OUTSIDE_REASON,
    PSEUDO_REASON,
    FitStatistics,
    compute_fit_statistics,
)

SMALL_REASON = "AICc needs more than P + 1 observations"
LOGLOG_REASON = "log(log(n)) needs three observations or more"
NOTHING_REASON = "the model has no parameters beyond the null model's"
ROWS_REASON = "the fit no longer holds its rows"
ZERO_REASON = "the null model fits perfectly"
WEIGHTS = {
    None: "Every row is one observation.",
    "frequency": "A row of weight w stands for w observations, in every statistic.",
    "sampling": (
        "Log-likelihoods are weighted sums, pseudo-likelihoods; tests and criteria do not apply. "
        "What is a ratio, with n the sum of the weights, estimates that of the population "
        "(Lumley 2017)."
    ),
    "importance": "Weights are used as given, and n is their sum.",
}
OUTCOMES = {
    "labels": "",
    "counts": " A row of counts is as many observations as it has people.",
    "probabilities": (
        " A row of probabilities is one observation whose category is known in probability, and "
        "what compares predictions with outcomes is an expectation."
    ),
}


@dataclass(frozen=True)
class Agreement:
    """How predictions agree with outcomes; ``+`` joins rows.

    Attributes
    ----------
    probabilities : numpy.ndarray
        (J, J): total over the people of category k of the probability of category l.
    hits : numpy.ndarray
        (J,): the people of every category whose category is the most probable one.
    squares : float
        Total over people of ``Σ_k p_k²``.
    """

    probabilities: np.ndarray
    hits: np.ndarray
    squares: float

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.probabilities + other.probabilities,
            self.hits + other.hits,
            self.squares + other.squares,
        )


def sum_agreement(block: Block, params: np.ndarray, base: int) -> Agreement:
    """Compare the predictions of a block's rows with their outcomes."""
    scores = predict_scores(block.x, params, base, block.offset)
    _, p = log_softmax(scores)
    d = weigh(block, map_outcome(block))
    best = p.argmax(axis=0)
    hits = np.bincount(best, d[best, np.arange(len(best))], len(d))
    return Agreement(d @ p.T, hits, float(d.sum(axis=0) @ (p * p).sum(axis=0)))


@dataclass(frozen=True)
class Inputs:
    """What the measures are made of.

    Attributes
    ----------
    cheap : FitStatistics
    size : int
        P.
    people : numpy.ndarray
        (J,): W_k.
    n : float
        Number of observations; with sampling weights their sum.
    agreement : Agreement or None
        None if the rows were not kept.
    """

    cheap: FitStatistics
    size: int
    people: np.ndarray
    n: float
    agreement: Agreement | None

    @property
    def gain(self) -> float:
        """Twice the log-likelihood gained over the null model."""
        return 2 * (self.cheap.llf - self.cheap.llnull)

    @property
    def log_n(self) -> float:
        """Logarithm of the number of observations."""
        return float(np.log(self.n))

    @property
    def own(self) -> np.ndarray:
        """Total probability (J,) of their own category of the people of every category."""
        return np.diag(self.need_agreement().probabilities)

    def need_agreement(self) -> Agreement:
        """Return how predictions agree with outcomes, where it is known to be there."""
        if self.agreement is None:
            raise DataNotKeptError(NOT_KEPT)
        return self.agreement

    def count_information(self, price: float) -> float:
        """Return ``-2 llf + price P``."""
        return -2 * self.cheap.llf + price * self.size

    def measure_cox_snell(self) -> float:
        """Return ``1 - exp(-gain / n)``."""
        return float(-np.expm1(-self.gain / self.n))

    def measure_aldrich_nelson(self) -> float:
        """Return ``gain / (gain + n)``."""
        return self.gain / (self.gain + self.n)

    def measure_efron(self) -> float:
        """Return the quadratic score of the predictions beside that of the shares."""
        agreement, shares = self.need_agreement(), self.people / self.people.sum()
        total = self.people.sum()
        left = total + agreement.squares - 2 * self.own.sum()
        return float(1 - left / (total * (1 - shares @ shares)))

    def measure_tjur(self) -> float:
        """Return the mean over categories of how far they set their own people apart."""
        received = self.need_agreement().probabilities.sum(axis=0)
        others = (received - self.own) / (self.people.sum() - self.people)
        return float(np.mean(self.own / self.people - others))

    def adjust_count(self) -> float:
        """Return the share of right predictions beyond those of the largest category."""
        largest = self.people.max()
        return float((self.need_agreement().hits.sum() - largest) / (self.people.sum() - largest))


@dataclass(frozen=True)
class Measure:
    """One line of the table.

    Attributes
    ----------
    definition, source : str
    compute : callable
    needs : str
        Letters of what it needs: n a null model, z one whose log-likelihood is not zero, d
        parameters beyond it, o one that meets the constraints, b no active bounds, l a
        likelihood (no sampling weights), m its maximum (no bias reduction), r the rows, c and g
        enough observations.
    """

    definition: str
    source: str
    compute: Callable[[Inputs], float]
    needs: str = ""


MEASURES = {
    "nobs": Measure("number of observations n", "", lambda i: i.cheap.nobs),
    "parameters": Measure(
        "free parameters P, intercepts included",
        "Long and Freese 2014, chapter 3",
        lambda i: i.size,
    ),
    "df_model": Measure("P less the null model's", "", lambda i: i.cheap.df_model),
    "df_resid": Measure("n - P", "", lambda i: i.cheap.df_resid),
    "llf": Measure("log-likelihood", "McFadden 1974", lambda i: i.cheap.llf),
    "llnull": Measure("log-likelihood of the null model", "", lambda i: i.cheap.llnull, "n"),
    "deviance": Measure(
        "D = -2 llf", "Long and Freese 2014, chapter 3", lambda i: -2 * i.cheap.llf
    ),
    "llr": Measure("2 (llf - llnull)", "Wilks 1938", lambda i: i.cheap.llr, "nlmo"),
    "llr_pvalue": Measure(
        "upper tail of chi-squared with df_model",
        "Wilks 1938",
        lambda i: i.cheap.llr_pvalue,
        "nlmdob",
    ),
    "mcfadden": Measure("1 - llf / llnull", "McFadden 1974", lambda i: i.cheap.prsquared, "nz"),
    "mcfadden_adjusted": Measure(
        "1 - (llf - P) / llnull",
        "Ben-Akiva and Lerman 1985, p. 167",
        lambda i: 1 - (i.cheap.llf - i.size) / i.cheap.llnull,
        "nzl",
    ),
    "mcfadden_equal_shares": Measure(
        "1 - llf / (-W log J)",
        "Ben-Akiva and Lerman 1985, p. 167",
        lambda i: float(1 + i.cheap.llf / (i.people.sum() * np.log(len(i.people)))),
    ),
    "cox_snell": Measure(
        "1 - exp(-2 (llf - llnull) / n), also called the ML R-squared",
        "Cox and Snell 1989, p. 209; Maddala 1983, p. 39",
        lambda i: i.measure_cox_snell(),
        "n",
    ),
    "nagelkerke": Measure(
        "cox_snell / (1 - exp(2 llnull / n))",
        "Cragg and Uhler 1970; Nagelkerke 1991",
        lambda i: float(i.measure_cox_snell() / -np.expm1(2 * i.cheap.llnull / i.n)),
        "nz",
    ),
    "aldrich_nelson": Measure(
        "g / (g + n), g = 2 (llf - llnull)",
        "Aldrich and Nelson 1984, p. 57",
        lambda i: i.measure_aldrich_nelson(),
        "n",
    ),
    "veall_zimmermann": Measure(
        "aldrich_nelson (n - 2 llnull) / (-2 llnull)",
        "Veall and Zimmermann 1992",
        lambda i: i.measure_aldrich_nelson() * (1 - i.n / (2 * i.cheap.llnull)),
        "nz",
    ),
    "estrella": Measure(
        "1 - (llf / llnull)^(-2 llnull / n)",
        "Estrella 1998",
        lambda i: float(1 - (i.cheap.llf / i.cheap.llnull) ** (-2 * i.cheap.llnull / i.n)),
        "nz",
    ),
    "efron": Measure(
        "1 - Σ Σ_k (d_k - p_k)² / Σ Σ_k (d_k - W_k / W)² over people; Efron's for two categories",
        "Efron 1978; Haberman 1982",
        lambda i: i.measure_efron(),
        "r",
    ),
    "tjur": Measure(
        "mean over k of: average p_k of the people of k, less that of the others; Tjur's for two "
        "categories",
        "Tjur 2009; Li, Jiang and Fine 2013",
        lambda i: i.measure_tjur(),
        "r",
    ),
    "mean_probability": Measure(
        "average over people of the probability of their own category",
        "Kay and Little 1986; Greene 2018, section 17.3",
        lambda i: float(i.own.sum() / i.people.sum()),
        "r",
    ),
    "count": Measure(
        "share of people whose category is the most probable, the first of those that tie",
        "Long 1997, chapter 4",
        lambda i: float(i.need_agreement().hits.sum() / i.people.sum()),
        "r",
    ),
    "count_adjusted": Measure(
        "(right - max W_k) / (W - max W_k), right the weight of those people",
        "Long 1997, chapter 4",
        lambda i: i.adjust_count(),
        "r",
    ),
    "aic": Measure("D + 2 P", "Akaike 1973", lambda i: i.cheap.aic, "l"),
    "aic_per_n": Measure("(D + 2 P) / n", "Long 1997, chapter 4", lambda i: i.cheap.aic / i.n, "l"),
    "aicc": Measure(
        "aic + 2 P (P + 1) / (n - P - 1)",
        "Hurvich and Tsai 1989",
        lambda i: i.cheap.aic + 2 * i.size * (i.size + 1) / (i.n - i.size - 1),
        "lc",
    ),
    "caic": Measure(
        "D + P (log n + 1)", "Bozdogan 1987", lambda i: i.count_information(i.log_n + 1), "l"
    ),
    "bic": Measure("D + P log n, as Stata's estat ic", "Schwarz 1978", lambda i: i.cheap.bic, "l"),
    "bic_deviance": Measure(
        "D - (n - P) log n, against the saturated model of single people",
        "Raftery 1995",
        lambda i: -2 * i.cheap.llf - i.cheap.df_resid * i.log_n,
        "l",
    ),
    "bic_null": Measure(
        "-2 (llf - llnull) + df_model log n, against the null model (BIC')",
        "Raftery 1995",
        lambda i: -i.gain + i.cheap.df_model * i.log_n,
        "nlo",
    ),
    "sabic": Measure(
        "D + P log((n + 2) / 24)",
        "Sclove 1987",
        lambda i: i.count_information(float(np.log((i.n + 2) / 24))),
        "l",
    ),
    "hqic": Measure(
        "D + 2 P log(log n)",
        "Hannan and Quinn 1979",
        lambda i: i.count_information(2 * float(np.log(i.log_n))),
        "lg",
    ),
}


@single_threaded_blas
def tabulate_fit_statistics(record: FitRecord) -> pd.DataFrame:
    r"""Return the fit statistics of a fit, each with its formula, source and reason if NaN.

    They are those of Long and Freese's fitstat for mlogit and of R's DescTools::PseudoR2 that
    mean something with several categories, and more criteria. The column ``definition`` holds
    the formulas. D is ``-2 llf``; P counts every free parameter, intercepts included, and nothing
    that is fixed, such as a base level; the null model is that of ``llnull``.

    ``efron`` sets the quadratic score of the predictions beside that of the observed shares, the
    concentration of Haberman 1982 (JASA 77, 568-580), and with two categories is the measure of
    Efron 1978 (JASA 73, 113-121). ``tjur`` averages over the categories Tjur's (2009, American
    Statistician 63, 366-372) coefficient of discrimination of each against the rest, as Li,
    Jiang and Fine 2013 (Biostatistics 14, 382-394) do; with two categories both are Tjur's.

    What weights mean is told in ``attrs["weights"]``. With frequency weights and counts all is as
    for the rows laid out. With sampling weights what is a ratio is an estimate of the
    population's (Lumley 2017, Australian & New Zealand Journal of Statistics 59, 187-194), with
    n the sum of the weights; tests, criteria and what subtracts P from a log-likelihood are
    NaN. Importance weights are used as given. With bias reduction the log-likelihood is that of
    the estimates, and its test is NaN.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.DataFrame
        Index statistic; columns value, definition, source, reason (why it is NaN, else empty).

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> table = res.fit_statistics()
    >>> bool(table.loc["aic", "value"] == res.aic)
    True
    >>> table.loc["mcfadden_adjusted", "definition"]
    '1 - (llf - P) / llnull'
    """
    inputs = _gather(record)
    reasons = {name: _find_reason(measure, record, inputs) for name, measure in MEASURES.items()}
    table = pd.DataFrame(
        {
            "value": [
                np.nan if reasons[name] else float(measure.compute(inputs))
                for name, measure in MEASURES.items()
            ],
            "definition": [measure.definition for measure in MEASURES.values()],
            "source": [measure.source for measure in MEASURES.values()],
            "reason": list(reasons.values()),
        },
        index=pd.Index(list(MEASURES), name="statistic"),
    )
    table.attrs["weights"] = WEIGHTS[record.weight_type] + OUTCOMES[record.encoding.outcome_kind]
    return table


def _gather(record: FitRecord) -> Inputs:
    cheap, size = compute_fit_statistics(record), record.size
    people = np.array([record.audit.categories[label] for label in record.encoding.categories])
    n = float(people.sum()) if record.weight_type == "sampling" else float(record.nobs)
    return Inputs(cheap, size, people, n, find_agreement(record))


def find_agreement(record: FitRecord) -> Agreement | None:
    """Return how predictions agree with outcomes; None if rows that are not held would tell."""
    if record.blocks is not None:
        return measure_agreement(record)
    facts = record.facts
    if facts is None or facts.probabilities is None or facts.hits is None:
        return None
    return Agreement(facts.probabilities, facts.hits, facts.squares)


def measure_agreement(record: FitRecord) -> Agreement:
    """Compare predictions with outcomes in a pass over the rows."""
    params, base = record.maximum.params, record.encoding.base
    return record.limit_blocks().reduce(sum_agreement, params, base)


def _find_reason(measure: Measure, record: FitRecord, inputs: Inputs) -> str:
    """Say why a measure is NaN for a fit; nothing if it is not."""
    llnull, small = inputs.cheap.llnull, inputs.n - inputs.size - 1
    reasons = {
        "l": PSEUDO_REASON if record.weight_type == "sampling" else "",
        "m": BIAS_REASON if record.maximum.bias_reduction is not None else "",
        "n": "" if np.isfinite(llnull) else NULL_REASON,
        "z": "" if llnull else ZERO_REASON,
        "o": OUTSIDE_REASON if record.null.outside else "",
        "b": BOUND_REASON if record.at_bounds else "",
        "d": "" if inputs.cheap.df_model else NOTHING_REASON,
        "r": ROWS_REASON if inputs.agreement is None else "",
        "c": SMALL_REASON if small <= 0 else "",
        "g": LOGLOG_REASON if inputs.n < 3 else "",
    }
    return next((reasons[need] for need in measure.needs if reasons[need]), "")
