"""Formulas: what they say."""

import formulaic
import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data import formulas
from mlelogit.data.formulas import parse_formula
from mlelogit.exceptions import ColumnNotFoundError, EmptyDataError, FormulaError, MNLogitError

COLUMNS = ["y", "x", "g", "feat.price", "a b", "n1", "n2"]
UNREADABLE = [
    "",
    "y",
    "~",
    "y ~",
    "~ x",
    "y ~ x ~ x",
    "y ~ x +",
    "y ~ (x",
    "y ~ x)",
    "y ~ 'x",
    "y ~ `x",
    "y ~ 2",
    "y ~ x + 2",
    "y ~ x:2",
    "counts(n1) ~ x",
]


@pytest.mark.parametrize("formula", UNREADABLE)
def test_unreadable_formulas_raise(formula, frame):
    with pytest.raises(FormulaError):
        ml.mnlogit(formula, frame)


@pytest.mark.parametrize("formula", [None, 3, b"y ~ x", ["y ~ x"]])
def test_a_formula_is_text(formula, frame):
    with pytest.raises(FormulaError, match="string"):
        ml.mnlogit(formula, frame)


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ nothing", "nothing"),
        ("y ~ log(nothing)", "nothing"),
        ("y ~ C(nothing)", "nothing"),
        ("y ~ x:nothing", "nothing"),
        ("y ~ Q('no thing')", "no thing"),
        ("y ~ `no thing`", "no thing"),
        ("nothing ~ x", "nothing"),
        ("counts(n1, nothing) ~ x", "nothing"),
    ],
)
def test_absent_columns_are_named(formula, name, frame):
    with pytest.raises(ColumnNotFoundError, match=name) as caught:
        ml.mnlogit(formula, frame)
    assert "feat.price" in str(caught.value)


@pytest.mark.parametrize(
    ("rhs", "make"),
    [
        ("log(n2)", lambda d: np.log(d.n2)),
        ("np.log(n2)", lambda d: np.log(d.n2)),
        ("log1p(n1)", lambda d: np.log1p(d.n1)),
        ("np.log1p(n1)", lambda d: np.log1p(d.n1)),
        ("log2(n2)", lambda d: np.log2(d.n2)),
        ("log10(n2)", lambda d: np.log10(d.n2)),
        ("exp(x)", lambda d: np.exp(d.x)),
        ("sqrt(n1)", lambda d: np.sqrt(d.n1)),
        ("np.sqrt(n1)", lambda d: np.sqrt(d.n1)),
        ("abs(x)", lambda d: np.abs(d.x)),
        ("np.abs(x)", lambda d: np.abs(d.x)),
        ("I(x**2)", lambda d: d.x**2),
        ("I(x ** -1)", lambda d: 1 / d.x),
        ("I(2**x)", lambda d: 2**d.x),
        ("I(-x + 3*n1/2)", lambda d: -d.x + 1.5 * d.n1),
        ("I(n1 // 2 + n2 % 2)", lambda d: d.n1 // 2 + d.n2 % 2),
        ("I(x > 0)", lambda d: d.x > 0),
        ("I(g == 'u')", lambda d: d.g == "u"),
        ("center(x)", lambda d: d.x - d.x.mean()),
        ("scale(x)", lambda d: (d.x - d.x.mean()) / d.x.std()),
        ("log(abs(x) + 1)", lambda d: np.log(np.abs(d.x) + 1)),
        ("feat.price", lambda d: d["feat.price"]),
        ("log(feat.price)", lambda d: np.log(d["feat.price"])),
        ("Q('a b')", lambda d: d["a b"]),
        ("`a b`", lambda d: d["a b"]),
        ("I(`a b` * 2)", lambda d: d["a b"] * 2),
        ("log(Q('a b'))", lambda d: np.log(d["a b"])),
        ("I(x * 100000000000000000000)", lambda d: d.x * 1e20),
    ],
)
def test_allowed_expressions_are_what_they_say(rhs, make, frame):
    model = ml.mnlogit(f"y ~ {rhs}", frame)
    block = model.design.source.block(0, 60)
    assert model.exog_names[0] == "Intercept"
    np.testing.assert_array_equal(block[0], 1)
    np.testing.assert_allclose(block[1], make(frame).astype(float), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("rhs", "width"),
    [
        ("1", 1),
        ("x", 2),
        ("0 + x", 1),
        ("x - 1", 1),
        ("-1 + x", 1),
        ("g", 2),
        ("0 + g", 2),
        ("C(n1)", 3),
        ("C(g, Treatment('v'))", 2),
        ("C(g, Sum)", 2),
        ("C(n1, Helmert)", 3),
        ("C(n1, Poly)", 3),
        ("C(g, contr.treatment(base='v'))", 2),
        ("C(g, contr.SAS())", 2),
        ("C(g, levels=['v', 'u'])", 2),
        ("x * g", 4),
        ("x : g", 3),
        ("g / x", 4),
        ("(x + g + n1)**2", 7),
        ("x + x", 2),
        ("poly(x, 3)", 4),
        ("poly(x, degree=2)", 3),
        ("bs(x, df=4)", 5),
        ("0 + cr(x, df=4)", 4),
        (". - g", 6),
        (".", 7),
    ],
)
def test_number_of_columns(rhs, width, frame):
    assert len(ml.mnlogit(f"y ~ {rhs}", frame).exog_names) == width


def test_empty_right_side_says_how_to_write_a_constant(frame):
    with pytest.raises(EmptyDataError, match="~ 1"):
        ml.mnlogit("y ~ 0", frame)


def test_polynomials_span_what_powers_span(frame):
    powers = ml.mnlogit("y ~ x + I(x**2)", frame).fit()
    assert ml.mnlogit("y ~ poly(x, 2)", frame).fit().llf == pytest.approx(powers.llf, rel=1e-12)


def test_contrasts_span_the_same_space(frame):
    fits = [
        ml.mnlogit(f"y ~ x + C(n1{contrast})", frame).fit().llf
        for contrast in ("", ", Sum", ", Helmert", ", Poly", ", Treatment(2)", ", contr.SAS()")
    ]
    np.testing.assert_allclose(fits, fits[0], rtol=1e-12)


def test_a_column_with_the_name_of_a_transform(frame):
    frame["log"] = frame["x"]
    assert ml.mnlogit("y ~ log", frame).exog_names == ("Intercept", "log")
    with pytest.raises(FormulaError, match="'log'"):
        ml.mnlogit("y ~ log + log(n2)", frame)


def test_quoted_names_with_quotation_marks(frame):
    frame["it's"] = frame["x"]
    assert ml.mnlogit("y ~ `it's`", frame).exog_names == ("Intercept", "it's")


def test_parsed_parts():
    parsed = parse_formula("y ~ log(n1) + C(g) + x:n1", COLUMNS)
    assert parsed.outcome == ("y",)
    assert parsed.outcome_kind is None
    assert set(parsed.variables) == {"n1", "g", "x"}
    assert parsed.numbers == {"n1", "x"}
    counts = parse_formula("counts(n1, `a b`) ~ 1", COLUMNS)
    assert counts.outcome == ("n1", "a b")
    assert counts.outcome_kind == "counts"


def test_transforms_that_leave_the_numbers_are_named(frame):
    with pytest.raises(MNLogitError, match=r"log\(x\)"):
        ml.mnlogit("y ~ log(x)", frame)
    with pytest.raises(MNLogitError, match=r"x / 0"):
        ml.mnlogit("y ~ I(x / 0)", frame)
    with pytest.raises(MNLogitError, match=r"exp"):
        ml.mnlogit("y ~ exp(x * 1e6)", frame)


def test_no_numpy_warning_escapes(frame, recwarn):
    with pytest.raises(MNLogitError):
        ml.mnlogit("y ~ log(x)", frame)
    assert not len(recwarn)


def test_arrays_are_sent_to_the_model_that_takes_them():
    """The formula is looked at first: it is what shows which call was meant."""
    with pytest.raises(FormulaError, match=r"arrays are for MNLogit\(endog, exog\)"):
        ml.mnlogit(np.arange(6) % 3, np.ones((6, 2)))


@pytest.mark.parametrize("name", ["größe", "é", "naïve", "年齢", "µg", "x²", "größe.neu"])
def test_letters_of_all_scripts_need_no_quotes(name):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.choice(list("abc"), 60), name: rng.integers(1, 4, 60)})
    frame["z"] = rng.normal(size=60)
    plain = frame.rename(columns={name: "plain"})
    for text in ("{}", "log({})", "C({})", "I({}**2) + {}", "C({}):z"):
        res = ml.mnlogit(f"y ~ {text.format(*[name] * 2)}", frame).fit()
        other = ml.mnlogit(f"y ~ {text.format('plain', 'plain')}", plain).fit()
        assert np.array_equal(res.params, other.params)
        assert list(res.params.index) == [
            label.replace("plain", name) for label in other.params.index
        ]
        assert np.array_equal(res.predict(frame.head(3)), other.predict(plain.head(3)))


def test_a_right_side_is_parsed_once(monkeypatch):
    """The check, the terms and their names share one parse."""
    asked = []
    parse = formulaic.Formula
    monkeypatch.setattr(formulaic, "Formula", lambda text: asked.append(text) or parse(text))
    formulas.split_terms.cache_clear()
    formulas._list_factors("age + C(region)")
    formulas.list_terms("age + C(region)")
    assert len(asked) == 1
