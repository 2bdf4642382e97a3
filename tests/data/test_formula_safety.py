"""Formulas are safe: nothing in them runs, and no name in them means something else."""

import builtins
import multiprocessing

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.formulas import parse_formula
from mlelogit.exceptions import (
    ColumnNotFoundError,
    FormulaError,
    MNLogitError,
    UnsafeFormulaError,
)

COLUMNS = ["y", "x", "g", "feat.price", "a b", "n1", "n2"]
caller_variable = np.arange(60.0)

UNSAFE = [
    "y ~ tripwire()",
    "y ~ tripwire(x)",
    "y ~ I(tripwire(x))",
    "y ~ C(tripwire(g))",
    "y ~ C(g, tripwire())",
    "y ~ C(g, Treatment(tripwire()))",
    "y ~ C(g, contr.treatment(tripwire()))",
    "y ~ C(g, contr.poly(scores=tripwire()))",
    "y ~ C(g, contr.treatment)",
    "y ~ C(g, contr.__class__())",
    "y ~ C(g, contr.treatment().__class__)",
    "y ~ C(g, Treatment.__init__)",
    "y ~ C(g, __import__)",
    "y ~ C(g, levels=tripwire())",
    "y ~ C(g, levels=[tripwire()])",
    "y ~ bs(x, df=tripwire())",
    "y ~ bs(x, knots=[tripwire()])",
    "y ~ bs(x, knots=[1] * 999999)",
    "y ~ bs(x, df=10000000)",
    "y ~ bs(x, _state=tripwire())",
    "y ~ bs(x, _context=1)",
    "y ~ poly(x, degree=tripwire())",
    "y ~ poly(x, raw=tripwire())",
    "y ~ scale(x, ddof=99999999)",
    "y ~ log(tripwire())",
    "y ~ np.log(tripwire())",
    "y ~ np.load('x')",
    "y ~ np.lib.npyio.load('x')",
    "y ~ np.linalg.norm(x)",
    "y ~ np.random.rand(60)",
    "y ~ np.log.__class__(x)",
    "y ~ x.apply(tripwire)",
    "y ~ I(x.__class__.__mro__)",
    "y ~ I(x.sum())",
    "y ~ I((lambda: tripwire())())",
    "y ~ I(lambda: 1)",
    "y ~ I([tripwire() for _ in x])",
    "y ~ I({tripwire() for _ in x})",
    "y ~ I((tripwire() for _ in x))",
    "y ~ I({1: tripwire()})",
    "y ~ {tripwire()}",
    "y ~ {x + 1}",
    "y ~ x + {tripwire()}",
    "y ~ [x]",
    "y ~ I(x[0])",
    "y ~ I(x[:, 0])",
    'y ~ I(f"{tripwire()}")',
    "y ~ I(f'{x}')",
    "y ~ I(tripwire() if 1 else 2)",
    "y ~ I(x if x else x)",
    "y ~ I(x and x)",
    "y ~ I(not x)",
    "y ~ I(x @ x)",
    "y ~ I(x << 2)",
    "y ~ I(x & x)",
    "y ~ I(x ^ x)",
    "y ~ I(9**9**9)",
    "y ~ I(9**9**9 + x)",
    "y ~ I(x + 9**9)",
    "y ~ I(x**9**9**9)",
    "y ~ I(x := tripwire())",
    "y ~ I((x := 3))",
    "y ~ I(x, tripwire())",
    "y ~ I(*x)",
    "y ~ I(**x)",
    "y ~ I(x, **{'a': tripwire()})",
    "y ~ eval('tripwire()')",
    "y ~ exec('tripwire()')",
    "y ~ open('/dev/null')",
    "y ~ getattr(x, 'sum')()",
    "y ~ globals()",
    "y ~ type(x)",
    "y ~ I(await tripwire())",
    "y ~ I((yield tripwire()))",
    "y ~ I(b'x')",
    "y ~ I('x')",
    "y ~ I(None)",
    "y ~ I(True)",
    "y ~ I(...)",
    "y ~ I(1j * x)",
    "y ~ I(x < tripwire())",
    "y ~ hashed(x)",
    "y ~ lag(x)",
    "y ~ contr.treatment(g)",
    "y ~ center(x, _state={})",
    "{tripwire()} ~ x",
]
REFUSED = [
    "y ~ __import__('os').system('x')",
    "y ~ __import__('tripwire')",
    "y ~ x.values",
    "y ~ x.__class__",
    "y ~ caller_variable",
    "y ~ I(caller_variable)",
    "y ~ log(tripwire)",
    "y ~ COLUMNS",
    "y ~ __builtins__",
    "y ~ __loader__",
    "y ~ _",
    "y ~ Q(tripwire())",
    "y ~ Q('tripwire()')",
    "y ~ Q('x', tripwire())",
    "y ~ `tripwire()`",
    "y ~ `x`.foo",
    "y ~ x; tripwire()",
    "y ~ x\ntripwire()",
    "y ~ x # tripwire()",
    "y ~ x | tripwire",
    "y ~ I(~x)",
    "y ~ \x00x",
    "tripwire() ~ x",
    "log(y) ~ x",
    "y + x ~ x",
    "counts(tripwire(), y) ~ x",
    "counts(n1, *y) ~ x",
    "__import__('os') ~ x",
]


@pytest.fixture
def tripwire(monkeypatch):
    """A builtin that remembers being called: any way to run code would reach it."""
    calls = []

    def remember(*args, **kwargs):
        calls.append((args, kwargs))
        return np.ones(60)

    monkeypatch.setattr(builtins, "tripwire", remember, raising=False)
    yield calls
    assert not calls


@pytest.mark.parametrize("formula", UNSAFE)
def test_unsafe_formulas_raise_before_anything_runs(formula, frame, tripwire):
    with pytest.raises(UnsafeFormulaError, match="refused"):
        ml.mnlogit(formula, frame)
    with pytest.raises(UnsafeFormulaError):
        parse_formula(formula, COLUMNS)


@pytest.mark.parametrize("formula", REFUSED)
def test_other_ways_out_are_closed(formula, frame, tripwire):
    with pytest.raises((FormulaError, ColumnNotFoundError)):
        ml.mnlogit(formula, frame)


def test_the_tripwire_would_notice(tripwire):
    eval("tripwire()", {})
    assert tripwire.pop() == ((), {})


def test_system_command_leaves_no_trace(frame, tmp_path):
    trace = tmp_path / "trace"
    for formula in (
        f"y ~ __import__('os').system('touch {trace}')",
        f"y ~ I(__import__('pathlib').Path('{trace}').touch())",
        f"y ~ {{open('{trace}', 'w')}}",
        f"y ~ I(open('{trace}', 'w'))",
        f"y ~ C(g, levels=[open('{trace}', 'w')])",
    ):
        with pytest.raises(FormulaError):
            ml.mnlogit(formula, frame)
        assert not trace.exists()


@pytest.mark.parametrize("formula", ["y ~ (x + g)**25", "y ~ (x + g + n1)^999999"])
def test_large_powers_of_sums_end_quickly(formula):
    """Expanding such a power term by term would take 2**25 steps or never end."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=parse_and_ignore, args=(formula,))
    process.start()
    process.join(4)
    finished = not process.is_alive()
    process.kill()
    process.join()
    assert finished


def parse_and_ignore(formula):
    try:
        parse_formula(formula, COLUMNS)
    except MNLogitError:
        return


@pytest.mark.parametrize(
    "name",
    ["1", "0", "~", "", "True", "None", "-", "**", "{tripwire()}", "tripwire()", "x[0]", "a:b"],
)
@pytest.mark.parametrize("rhs", [".", "`{}`", "Q('{}')", "I(`{}` * 1)", "C(`{}`)", "C(Q('{}'))"])
def test_columns_with_odd_names_are_used_or_refused(name, rhs, frame, tripwire):
    """Never dropped without a word, nor taken for a number, an operator or code."""
    codes = frame["n1"] if "C(" in rhs else frame["x"]
    data = pd.DataFrame({"y": frame["y"], name: codes})
    try:
        model = ml.mnlogit(f"y ~ {rhs.format(name)}", data)
    except MNLogitError:
        return
    dummies = pd.get_dummies(codes, drop_first=True) if "C(" in rhs else codes
    expected = np.column_stack([np.ones(60), dummies.astype(float)])
    np.testing.assert_allclose(model.design.source.block(0, 60).T, expected)


@pytest.mark.parametrize("method", ["treatment", "SAS", "sum", "helmert", "poly", "diff"])
def test_contrasts_as_r_names_them_are_told_how_to_be_written(method, frame):
    for written in (f"contr.{method}", f"'contr.{method}'"):
        with pytest.raises(UnsafeFormulaError, match=rf"Write contr\.{method}\(\)"):
            ml.mnlogit(f"y ~ C(g, {written})", frame)
    ml.mnlogit(f"y ~ C(g, contr.{method}())", frame)


def test_all_contrasts_are_listed(frame):
    with pytest.raises(UnsafeFormulaError, match=r"contr\.sum\(\), contr\.helmert\(\)"):
        ml.mnlogit("y ~ C(g, contr.foo)", frame)
