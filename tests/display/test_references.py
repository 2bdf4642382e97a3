"""The level that others are compared with is told under every table, and is the right one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.encoding import encode_new
from mlelogit.display.references import tell_references

LEVELS = {
    "ses": ["high", "low", "middle"],
    "xses": ["high", "low", "middle"],
    "odd": ["H.z", "T.low", "a]:b[T.x", "low"],
    "code": [1, 2, 3],
    "half": [0.5, 1.5],
    "told": [False, True],
    "two words": ["no", "yes"],
}
TREATED = {
    "ses": {"ses": "high"},
    "C(ses, levels=['low', 'middle', 'high'])": {"C(ses, levels=['low', 'middle', 'high'])": "low"},
    "C(ses, Treatment('middle'))": {"C(ses, Treatment('middle'))": "middle"},
    "C(ses, contr.SAS())": {"C(ses, contr.SAS())": "middle"},
    "C(code, Treatment(2)) * x": {"C(code, Treatment(2))": "2"},
    "C(half) + C(told)": {"C(half)": "0.5", "C(told)": "False"},
    "`two words`": {"two words": "no"},
    "Q('two words') * x": {"Q('two words')": "no"},
    "odd": {"odd": "H.z"},
    "C(code):ses": {"C(code)": "1", "ses": "high"},
    "0 + ses + C(code)": {"C(code)": "1"},
    "0 + ses": {},
    "xses + ses:x": {"xses": "high"},
    "x + told": {},
}
CODED = {"Sum": "sum", "Helmert": "Helmert", "Poly": "polynomial", "contr.diff()": "difference"}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(20)
    columns = {name: rng.choice(np.array(levels), 400) for name, levels in LEVELS.items()}
    return pd.DataFrame({"y": rng.choice(["a", "b"], 400), "x": rng.normal(size=400), **columns})


@pytest.mark.parametrize("formula", TREATED)
def test_the_reference_is_the_level_with_all_columns_zero(formula, people):
    res = ml.mnlogit(f"y ~ {formula}", people).fit()
    told = {
        one.rpartition(" = ")[0]: one.rpartition(" = ")[2]
        for said in tell_references(res.record)
        for one in said.removeprefix("Reference levels: ").removesuffix(".").split("; ")
    }
    assert told == TREATED[formula]
    rows = people.drop_duplicates(list(LEVELS)).reset_index(drop=True)
    for factor, level in told.items():
        named = [name for name in LEVELS if name in factor and f"x{name}" not in factor][-1]
        new = rows[rows[named].astype(str) == level]
        columns = [i for i, name in enumerate(res.params.index) if f"{factor}[T." in name]
        assert columns
        assert not encode_new(res.record.encoding, new)[0][:, columns].any()


@pytest.mark.parametrize("contrast", CODED)
def test_other_contrasts_are_named(contrast, people):
    res = ml.mnlogit(f"y ~ C(ses, {contrast}) + C(told)", people).fit()
    assert list(tell_references(res.record)) == [
        "Reference levels: C(told) = False.",
        f"Contrasts in place of a reference level: C(ses, {contrast}) {CODED[contrast]}.",
    ]


def test_every_table_and_the_report_tell_it(people, tmp_path):
    res = ml.mnlogit("y ~ ses + x", people).fit()
    plain = ml.mnlogit("y ~ x", people).fit()
    said = "Reference levels: ses = high."
    ml.load(res.save(tmp_path / "fit.json"))
    for form in ("text", "html", "latex", "markdown"):
        assert said in getattr(res.summary(), f"as_{form}")()
        assert said in res.table(form)
        both = ml.compare_models({"without": plain, "with": res})
        assert f"with: {said}" in getattr(both, f"as_{form}")()
    assert said in str(ml.load(tmp_path / "fit.json", data=people).summary())
    assert "Reference levels" in res.report(sections=["data"]).html
    assert "eference level" not in str(plain.summary())
