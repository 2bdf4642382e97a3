"""Formulas: grown by a grammar, mutated, random, and written to run code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import mlelogit as ml
from tests.fuzz.judging import attempt

COLUMNS = ["y", "x", "z", "g", "h", "n1", "n2", "a b", "feat.price", "cést", "1", "log", "C"]


def make_frame() -> pd.DataFrame:
    """Return 40 rows of columns of many kinds, some with awkward names."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({name: rng.normal(size=40) for name in COLUMNS})
    frame["y"] = np.array(["u", "v", "w"])[rng.integers(0, 3, 40)]
    frame["g"] = np.array(["p", "q", "r"])[rng.integers(0, 3, 40)]
    frame["h"] = pd.Categorical(rng.integers(0, 2, 40))
    frame[["n1", "n2"]] = rng.integers(1, 4, (40, 2))
    frame["when"] = pd.date_range("2020", periods=40)
    frame["gap"] = np.where(rng.random(40) < 0.2, np.nan, frame["x"])
    frame["lists"] = [[1]] * 40
    return frame


ATOMS = [
    *["x", "z", "g", "h", "n1", "`a b`", "Q('a b')", "feat.price", "`cést`", "cést", "Q('1')"],
    *["1", "0", "2", "-1", ".", "y", "`1`", "when", "gap", "lists", "nothing", "Q('no')"],
    *["3.5", "1e308", "1e-320", "10**400", "0x10", "1_000", "'text'", "\"g\"", "None", "True"],
    *["log", "C", "np", "np.log", "", "()", "(", ")", "`", "'", "~", "_", "__", "x.x", "x.T"],
]  # fmt: skip
CALLS = [
    *["log({})", "np.log({})", "exp({})", "sqrt({})", "abs({})", "I({})", "C({})", "center({})"],
    *["scale({})", "poly({}, 2)", "poly({}, degree={})", "bs({}, df=4)", "bs({}, {})"],
    *["cr({}, df=3)", "cs({}, df=3)", "C({}, Treatment)", "C({}, Treatment({}))", "C({}, Sum)"],
    *["C({}, contr.sum)", "C({}, contr.poly(scores=[1,2,{}]))", "C({}, levels=['p', {}])"],
    *["bs({}, knots=[{}])", "bs({}, knots=({},), degree={})", "scale({}, ddof={})", "Q({})"],
    *["log1p({}, {})", "log()", "{}({})", "np.{}({})", "I({}).{}", "({}, {})", "[{}]", "({})"],
    *["-{}", "+{}", "not {}", "{} if {} else {}", "lambda: {}", "f'{{{}}}'", "{}[0]", "{}.real"],
    *["bs({}, df=-1)", "bs({}, df=2.5)", "bs({}, degree=0)", "poly({}, 0)", "poly({}, 99)"],
    *["cr({}, df=1)", "C({}, Helmert)", "C({}, Poly)", "C({}, contr.treatment('zz'))"],
    *["C({}, contr.helmert(reverse={}, scale={}))", "C({}, 5)", "C({}, spans_intercept={})"],
]  # fmt: skip
OPERATORS = [
    " + ",
    " - ",
    " * ",
    " : ",
    " / ",
    " ** ",
    "^",
    "%",
    " // ",
    " == ",
    " < ",
    " != ",
    " & ",
    " | ",
    "~",
    " @ ",
    " and ",
    " in ",
    "%in%",
    ";",
    "\n",
    "\t",
]
ATTACKS = [
    "__import__('os').system('x')",
    "tripwire()",
    "().__class__.__bases__[0].__subclasses__()",
    "{tripwire()}",
    "{{tripwire()}}",
    "f'{tripwire()}'",
    "[tripwire() for _ in x]",
    "(lambda: tripwire())()",
    "eval('tripwire()')",
    "exec('tripwire()')",
    "open('/dev/null')",
    "x.apply(tripwire)",
    "x.map('tripwire()'.format)",
    "C(g, levels=tripwire())",
    "Q(tripwire())",
    "Q('tripwire()')",
    "`tripwire()`",
    "`x`.eval('tripwire()')",
    "np.load('tripwire')",
    "np.fromfile('tripwire')",
    "getattr(x, 'sum')()",
    "(x := tripwire())",
    "bs(x, df=tripwire())",
    "center(x, _state=tripwire())",
    "I(__builtins__['tripwire']())",
    "globals()['tripwire']()",
    "breakpoint()",
    "x.__init__.__globals__",
    "lookup(x)",
    "hashed(x)",
    "lag(x, tripwire())",
    "'%s' % tripwire()",
    "\\u0074ripwire()",
    "\uff54ripwire()",
    "\U0001d42dripwire()",
    "C(tripwire)",
    "contr.treatment(base=tripwire())",
    "y ~ tripwire()",
]


def fill(template: str, parts: list[str]) -> str:
    """Put parts for the gaps of a template."""
    pieces = template.replace("{{", "\x01").replace("}}", "\x02").split("{}")
    whole = pieces[0] + "".join(f"{part}{piece}" for part, piece in zip(parts, pieces[1:]))  # noqa: B905
    return whole.replace("\x01", "{").replace("\x02", "}")


def grow(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Grow expressions by calls and operators."""
    called = st.builds(fill, st.sampled_from(CALLS), st.lists(parts, min_size=3, max_size=3))
    joined = st.builds(lambda a, o, b: a + o + b, parts, st.sampled_from(OPERATORS), parts)
    return called | joined


GOOD = [
    "x",
    "x + z",
    "x * g",
    "C(g, Treatment('q')) + log(n1)",
    "bs(x, df=4) + `a b`",
    "0 + x + C(h)",
    "(x + z)**2",
    "feat.price:g - 1",
    "I(x**2) + poly(z, 2)",
    ". - when - gap - lists",
    "1",
]
HEADS = ["y", "y", "y", "counts(n1, n2)", "probabilities(n1, n2)", "`y`", "Q('y')", "g", "when", ""]
sides = st.recursive(st.sampled_from(ATOMS), grow, max_leaves=6)
noise = st.text(max_size=40) | st.text(
    alphabet="xyg~+-*:/()[]{}`'\"., 01_^%|\\\n#=<>@!&;", max_size=40
)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Draw a good formula with a few characters changed."""
    text = "y ~ " + draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 3))
        text = text[:place] + draw(st.sampled_from(ATOMS + ATTACKS) | noise) + text[place + gone :]
    return text


@st.composite
def attacks(draw: st.DrawFn) -> str:
    """Draw a formula that tries to run code, somewhere in a good one."""
    attack = draw(st.sampled_from(ATTACKS))
    if draw(st.booleans()):
        attack = fill(draw(st.sampled_from(CALLS)), [attack] * 3)
    return draw(st.sampled_from(["y ~ {}", "{} ~ x", "y ~ x + {}", "y ~ x:{}"])).format(attack)


@st.composite
def giants(draw: st.DrawFn) -> str:
    """Draw a formula of great length or depth."""
    times = draw(st.sampled_from([50, 200, 3000, 100_000]))
    return draw(
        st.sampled_from(
            [
                "y ~ " + "(" * times + "x" + ")" * times,
                "y ~ I(" + "(" * times + "x" + ")" * times + ")",
                "y ~ I(" + "-" * times + "x)",
                "y ~ " + "-" * times + "x",
                "y ~ " + "log(" * times + "x" + ")" * times,
                "y ~ I(" + "x**" * times + "2)",
                "y ~ I(x + " + "9" * times + ")",
                "y ~ " + "9" * times,
                "y ~ " + "`" * times,
                "y ~ x" * times,
                "y" * times + " ~ x",
                "y ~ " + "x" * times,
                "y ~ I(" + "x+" * times + "x)",
                "y ~ " + " " * times + "x",
                "y ~ " + "\\" * times,
                "counts(" + "n1," * times + "n2) ~ x",
                "y ~ C(g, levels=[" + "'p'," * times + "])",
                "y ~ " + "{" * times,
                "y ~ " + "[" * times,
                "y ~ I(x" + ".x" * times + ")",
                "y ~ (x+z)" + "**2" * min(times, 3000),
            ]
        )
    )


formulas = st.one_of(
    st.builds("{} ~ {}".format, st.sampled_from(HEADS), st.sampled_from(GOOD) | sides),
    st.builds("y ~ {}".format, sides),
    mutants(),
    attacks(),
    noise,
    giants(),
)


def fit_formula(formula: str, frame: pd.DataFrame) -> Any:
    """Fit a formula, and predict: an answer, or an error of ours."""

    def ask() -> Any:
        results = ml.mnlogit(formula, frame, missing="drop").fit(maxiter=20, threads=1)
        attempt(lambda: results.predict(frame.iloc[:3]))
        attempt(results.summary)
        return results

    return attempt(ask)[0]
