"""Hostile inputs, each with its right answer, if there is one, and the words that would name it.

The answers come from plain numpy (`tests.independent.climb`), closed forms, or identities; no
program that is judged takes part in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tests.independent import climb, differentiate, one_hot

ROWS = 300
PYTHON = ("mlelogit", "statsmodels", "scikit-learn")
R = ("nnet", "VGAM", "glmnet")
ALL = PYTHON + R
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Truth:
    """The right answer.

    Attributes
    ----------
    params : numpy.ndarray
        (K, J - 1), against the first category; or probabilities (n, J) if `errors` is None.
    errors : numpy.ndarray or None
        Their standard errors.
    """

    params: np.ndarray
    errors: np.ndarray | None


@dataclass(frozen=True)
class Case:
    """What is handed to every program.

    Attributes
    ----------
    name : str
        What is wrong with it, as the table says it.
    words : str
        A pattern: an error or warning that it matches, in any case of letters, names the matter.
    endog, exog : array-like
        Outcome and columns; a constant is the first column, or a formula adds it.
    truth : Truth or None
        None where no numbers are right.
    weights, offset, extra
        Frequency weights (n,), an offset (n, J), other keywords.
    new : pandas.DataFrame or None
        Rows to predict after the fit.
    factor : bool
        A column is text and a formula is needed.
    programs : tuple of str
        Those that can be asked.
    slow : bool
        It can take minutes.
    rounding : bool
        What a program that does not notice says of it is decided by rounding, so that it can be
        another on another processor.
    """

    name: str
    words: str
    endog: Any
    exog: Any
    truth: Truth | None = None
    weights: np.ndarray | None = None
    offset: np.ndarray | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    new: pd.DataFrame | None = None
    factor: bool = False
    programs: tuple[str, ...] = ALL
    slow: bool = False
    rounding: bool = False


def draw(rows: int = ROWS) -> tuple[np.ndarray, pd.DataFrame]:
    """Draw three categories on a constant and two normal columns."""
    rng = np.random.default_rng(2026)
    exog = np.column_stack([np.ones(rows), rng.normal(size=(rows, 2))])
    scores = exog @ np.array([[0, 0.3, -0.2], [0, 0.8, -0.5], [0, -0.4, 0.6]])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return codes, pd.DataFrame(exog, columns=["const", "age", "income"])


def solve(shares: np.ndarray, exog: Any) -> Truth:
    """Climb in plain numpy."""
    answer = climb(shares, np.asarray(exog, dtype=float))
    return Truth(answer.params, answer.bse)


def list_cases() -> list[Case]:
    """Return all cases."""
    groups = (missing, without_maximum, ill_conditioned, outcomes, keywords, frames, sizes)
    return [case for group in groups for case in group()]


def missing() -> Iterator[Case]:
    """Missing and infinite values."""
    codes, exog = draw()
    lost = np.arange(0, ROWS, 5)
    kept = np.setdiff1d(np.arange(ROWS), lost)
    words = r"\bnans?\b|missing values|\bna\b|na\.fail"
    rest = solve(one_hot(codes[kept]), exog.iloc[kept])
    endog = codes.astype(float)
    endog[lost] = np.nan
    yield Case("NaN in the outcome", words, endog, exog, rest)
    holed = exog.copy()
    holed.loc[lost, "age"] = np.nan
    yield Case("NaN in a column", words, codes, holed, rest)
    infinite = exog.copy()
    infinite.loc[7, "age"] = np.inf
    yield Case("an infinite value in a column", r"\binf", codes, infinite)


def without_maximum() -> Iterator[Case]:
    """Likelihoods that have no maximum, or more than one."""
    codes, exog = draw()
    words = r"separat|infinit|no finite|no maximum|perfect|numerically 0 or 1"
    sorted_by_age = np.digitize(exog["age"], [-0.5, 0.5])
    yield Case("completely separated", words, sorted_by_age, exog)
    rare = exog.assign(member=((codes != 2) & (np.arange(ROWS) % 3 == 0)).astype(float))
    yield Case("quasi-separated: no member chose one category", words, codes, rare)
    words = r"collinear|rank|combination|dependent|singular|alias"
    twice = exog.assign(total=exog["age"] + exog["income"])
    yield Case("a column that is the sum of two", words, codes, twice, rounding=True)
    group = np.arange(ROWS) % 3
    trap = exog.assign(**{f"group{k}": (group == k) * 1.0 for k in range(3)})
    yield Case("a constant and all three dummies", words, codes, trap, rounding=True)
    rng = np.random.default_rng(1)
    wide = pd.DataFrame(np.column_stack([np.ones(8), rng.normal(size=(8, 11))]))
    few = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    words += r"|separat|more (columns|parameters|coef)|fewer rows|parameters but only"
    yield Case("8 rows, 12 columns", words, few, wide.add_prefix("x"))


def ill_conditioned() -> Iterator[Case]:
    """Columns with an answer that a careless program does not find."""
    codes, exog = draw()
    words = r"scal|condition|rank"
    sizes = exog * [1, 1e8, 1e-8]
    yield Case("columns of 1e8 and 1e-8", words, codes, sizes, solve(one_hot(codes), sizes))
    far = exog.assign(age=exog["age"] + 1e6)
    yield Case("a column of mean 1e6", words, codes, far, solve(one_hot(codes), far))
    whole = exog.assign(age=(exog["age"] * 1e18).astype(np.int64))
    name = "whole numbers up to 3e18"
    yield Case(name, words, codes, whole, solve(one_hot(codes), whole), rounding=True)


def outcomes() -> Iterator[Case]:
    """Outcomes that are not what they seem."""
    codes, exog = draw()
    words = r"class|categor|level|two or more|2 or more|constant"
    yield Case("a constant outcome", words, np.zeros(ROWS, int), exog)
    yield Case("one row", words + "|row|observation|sample", codes[:1], exog.iloc[:1])
    unused = pd.Series(pd.Categorical(codes, categories=[0, 1, 2, 3]))
    words = r"level|categor|empty|class|unused"
    yield Case("a category nobody is in", words, unused, exog, solve(one_hot(codes), exog))
    people = np.array([[3, 1, 2], [1, 4, 2], [2, 2, 5], [1, 0, 3], [6, 2, 1], [2, 3, 3]])
    member = [0.0, 1, 1, 0, 1, 0]
    small = pd.DataFrame({"const": np.ones(6), "age": np.arange(6.0), "member": member})
    words = r"counts|categor|2-?d array|1-?d array"
    yield Case("counts of people, (n, J)", words, people, small, solve(people * 1.0, small))
    words = r"negativ|non-neg|1-?d array"
    wrong = people * 1
    wrong[3, 1] = -2
    yield Case("a negative count", words, wrong, small)


def keywords() -> Iterator[Case]:
    """Weights, offsets and misspelled words."""
    codes, exog = draw()
    people = np.arange(ROWS) % 4 + 1
    words = r"weight|weigth"
    weighed = solve(one_hot(codes) * people[:, np.newaxis] * 1.0, exog)
    yield Case("frequency weights", words, codes, exog, weighed, weights=people)
    some = np.where(np.arange(ROWS) % 6 == 0, 0, people)
    weighed = solve(one_hot(codes) * some[:, np.newaxis] * 1.0, exog)
    yield Case("weights of zero", words, codes, exog, weighed, weights=some)
    yield Case("a negative weight", words, codes, exog, weights=np.r_[-3, people[1:]])
    yield Case("a misspelled keyword: `weigths=`", "weigth", codes, exog, extra={"weigths": people})
    # With the columns times D as offset the coefficients are those without it less D.
    plain = solve(one_hot(codes), exog)
    known = np.array([[0.5, -1], [1, 0.3], [-0.2, 0.4]])
    shift = np.column_stack([np.zeros(ROWS), exog.to_numpy() @ known])
    moved = Truth(plain.params - known, plain.errors)
    yield Case("an offset", "offset", codes, exog, moved, offset=shift)
    robust = Truth(plain.params, adjust(codes, exog.to_numpy(), plain))
    words, hc3 = r"hc3|covariance|cov_type", {"cov_type": "HC3"}
    programs = ("mlelogit", "statsmodels")
    yield Case('`cov_type="HC3"`', words, codes, exog, robust, extra=hc3, programs=programs)


def adjust(codes: np.ndarray, exog: np.ndarray, plain: Truth) -> np.ndarray:
    """Return HC3 standard errors: each score divided by one less its own part (rows one by one)."""
    shares = one_hot(codes)
    _, _, information = differentiate(plain.params, shares, exog)
    inverse, meat = np.linalg.inv(information), np.zeros_like(information)
    for n in range(len(exog)):
        row = slice(n, n + 1)
        _, score, part = differentiate(plain.params, shares[row], exog[row])
        adjusted = np.linalg.solve(np.eye(len(score)) - part @ inverse, score)
        meat += np.outer(adjusted, adjusted)
    variances = np.diag(inverse @ meat @ inverse)
    return np.sqrt(variances).reshape(plain.params.shape, order="F")


def frames() -> Iterator[Case]:
    """Frames with doubtful columns, labels and new rows."""
    codes, exog = draw()
    plain = solve(one_hot(codes), exog)
    texts = exog.astype({"age": object})
    texts.loc[11, "age"] = "n/a"
    words = r"\bage\b|n/a|text|string"
    name = 'a text, "n/a", in a column of numbers'
    programs = (*PYTHON, "glmnet")
    yield Case(name, words, codes, texts, programs=programs)
    few, programs = slice(0, 60), ("mlelogit", "statsmodels", "nnet", "VGAM")
    name = 'a text, "n/a", by a formula, 60 rows'
    yield Case(name, words, codes[few], texts[few], factor=True, programs=programs)
    yield Case("numbers held as objects", "object", codes, exog.astype(object), plain)
    twice = exog.set_axis(["const", "x", "x"], axis=1)
    yield Case("two columns of one name", "duplicat|unique|twice|name", codes, twice, plain)
    order = np.random.default_rng(5).permutation(ROWS)
    name, words = "outcome and columns in different orders", "index|align|label"
    endog = pd.Series(codes, index=[f"p{n}" for n in range(ROWS)])
    shuffled = exog.set_axis(endog.index, axis=0).iloc[order]
    yield Case(name, words, endog, shuffled, plain, programs=PYTHON)
    words = r"length|size|shape|dimension|number of (rows|samples|observations)|inconsistent"
    words += r"|not equal|rows"
    yield Case("299 outcomes, 300 rows", words, codes[:-1], exog)
    scores = np.column_stack([np.zeros(ROWS), exog.to_numpy() @ plain.params])[:20]
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    new = exog.iloc[:20, ::-1]
    words = r"order|feature names|column"
    name = "new rows, columns in another order"
    yield Case(name, words, codes, exog, Truth(shares, None), new=new)
    places = exog.assign(region=np.array(["north", "south", "west"])[np.arange(ROWS) % 3])
    new, words = places.iloc[:5].assign(region="east"), r"east|level|unknown|unseen"
    name, programs = "new rows of an unknown level", (*PYTHON, "nnet", "VGAM")
    yield Case(name, words, codes, places, new=new, factor=True, programs=programs)


def sizes() -> Iterator[Case]:
    """Outcomes of very many categories."""
    rows, categories = 4000, 200
    group = np.arange(rows) % 2
    codes = np.random.default_rng(3).permutation(rows) % categories
    exog = pd.DataFrame({"const": np.ones(rows), "member": group * 1.0})
    people = np.zeros((2, categories))
    np.add.at(people, (group, codes), 1)
    logs, parts = np.log(people[:, 1:] / people[:, :1]), 1 / people[:, 1:] + 1 / people[:, :1]
    params = np.stack([logs[0], logs[1] - logs[0]])
    errors = np.sqrt(np.stack([parts[0], parts.sum(axis=0)]))
    name, words = "200 categories, a dummy, 4,000 rows", r"categor|class|level|memory"
    programs = (*PYTHON, "nnet", "VGAM")  # glmnet takes no single column.
    yield Case(name, words, codes, exog, Truth(params, errors), programs=programs, slow=True)
    rng = np.random.default_rng(4)
    endog = np.array([f"person {n:04}" for n in range(1200)])
    wide = pd.DataFrame({"const": np.ones(1200), "age": rng.normal(size=1200)})
    words = r"identif|categor|label|level|class|separat|infinit"
    yield Case("an identifier as the outcome, 1,200 rows", words, endog, wide, slow=True)
