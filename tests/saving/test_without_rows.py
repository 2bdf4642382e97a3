"""A loaded fit answers every question as before, or says how to give it its rows; none are kept."""

import dataclasses
import pickle

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import DataNotKeptError, MNLogitError
from mlelogit.results import MNLogitResults
from tests import test_streamed_results as streamed
from tests.saving.fits import FRAME, GAPS
from tests.ways import build

pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
ASKED = {
    **streamed.ASKED,
    "with_cov.own": lambda r: r.with_cov(r.cov_type).bse,
    "margins.new.sd": lambda r: r.margins(newdata=streamed.NEW, change="sd").summary_frame(),
    "lr_test.fits": lambda r: r.lr_test(r.rebase(r.categories[-1])).statistic,
}
# What no number about the rows can stand for.
NEED_ROWS = streamed.NEED_ROWS | {
    "combine_tests.lr",
    "conf_int.profile",
    "conf_int.score",
    "equality_tests.lr",
    "get_prediction.average",
    "get_prediction.by",
    "gof_tests",
    "hauck_donner",
    "iia_tests",
    "lr_test",
    "lr_test.fits",
    "margins",
    "margins.at",
    "margins.balanced",
    "margins.by",
    "margins.elasticity",
    "margins.means",
    "margins.moved",
    "margins.new.sd",
    "margins.range",
    "margins.sd",
    "plot.margins",
    "plot.probabilities",
    "profile",
    "score_test",
    "term_tests",
    "term_tests.score",
    "to_statsmodels",
    "with_cov",
    "with_cov.CR2",
    "with_cov.HC3",
    "with_cov.cluster",
    "with_cov.opg",
    "with_cov.ways",
}
# Beside a report, which has the sections that it can.
MANY = [(case, name) for case in ("plain", "pieces") for name in ASKED if name != "report"]


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    path = tmp_path_factory.mktemp("fits") / "fit.json"
    formula, frame, options = streamed.CASES["plain"]
    found = {}
    for case, rows in {"plain": frame, "pieces": streamed.cut(frame)}.items():
        results = build(formula, rows, **options).fit()
        found[case] = results, ml.load(results.save(path))
    return found


def test_every_public_name_is_asked():
    public = {name for name in dir(MNLogitResults) if not name.startswith("_")}
    public |= {field.name for field in dataclasses.fields(MNLogitResults)}
    assert {name.partition(".")[0] for name in ASKED} == public
    assert set(ASKED) > NEED_ROWS


@pytest.mark.parametrize(("case", "name"), MANY)
def test_every_answer_is_the_same_or_says_what_to_do(fits, case, name):
    results, again = fits[case]
    if name in NEED_ROWS:
        with pytest.raises(DataNotKeptError, match=r"ml\.load\(path, data=frame\)"):
            ASKED[name](again)
        return
    streamed.assert_alike(ASKED[name](results), ASKED[name](again))


def test_a_report_says_what_it_lacks(fits):
    results, again = fits["plain"]
    sections = ["overview", "coefficients", "certificate", "verification"]
    before, after = (r.report(disp=False, sections=sections) for r in (results, again))
    assert "not available" in after.html
    assert "not available" not in before.html
    assert streamed.count_headings(before) == streamed.count_headings(after)


def test_tables_tell_that_rows_were_not_compared(fits):
    results, again = fits["plain"]
    smaller = build("y ~ x", streamed.FRAME).fit()
    said = str(ml.compare_models({"one": again, "two": smaller}))
    assert "Not all rows of" in said
    assert "Not all rows of" not in str(ml.compare_models({"one": results, "two": smaller}))


SECRET = 271828.182845
WORDS = "tell-nobody"


def hide(frame, **columns):
    """Put secrets where no level, category or end of a spline shows them."""
    frame = frame.assign(note="n", **columns)
    frame.loc[7, "note"] = WORDS
    return frame.rename(index={7: WORDS})


def make_secret_fits():
    rng = np.random.default_rng(4)
    x = FRAME.x.copy()
    x[7] = SECRET
    w = FRAME.w.to_numpy() + 1.0
    w[7] = SECRET
    offset = FRAME[["oA", "oB", "oC"]].to_numpy()
    offset[7, 1] = SECRET / 1e6
    counts = FRAME[["cA", "cB", "cC"]].to_numpy()
    counts[7, 2] = 271828
    frame = hide(FRAME, x=x, w=w)
    gaps = hide(GAPS, w=w)
    separated = hide(FRAME, x=np.where(FRAME.y == "A", 1.0 + FRAME.x**2, -(FRAME.x**2)))
    weights = {"weights": "w", "weight_type": "importance"}
    groups = [WORDS if row == 7 else int(row) for row in rng.integers(0, 50, len(FRAME))]
    pieces = [frame.iloc[:50], frame.iloc[50:]]
    return {
        "formula": ml.mnlogit("y ~ x + z", frame).fit(),
        "splines": ml.mnlogit("y ~ poly(x, 2) + scale(x):z", frame).fit(),
        "weights": ml.mnlogit("y ~ z", frame, **weights).fit(),
        "offset": ml.mnlogit("y ~ z", frame, offset=offset).fit(),
        "missing": ml.mnlogit("y ~ x + z", gaps, missing="drop").fit(),
        "separated": ml.mnlogit("y ~ x + z", separated).fit(),
        "compressed": ml.mnlogit("y ~ x + z", frame, compress=True).fit(),
        "groups": ml.mnlogit("y ~ z", frame).fit(
            cov_type="cluster", cov_kwds={"groups": list(map(str, groups))}
        ),
        "pieces": ml.mnlogit("y ~ x + z", pieces, stream=True).fit(),
        "arrays": ml.MNLogit(FRAME.y, frame[["x", "z"]].to_numpy()).fit(),
        "counts": ml.MNLogit(counts, FRAME[["z"]].to_numpy()).fit(),
    }


def test_no_row_is_in_the_file(tmp_path):
    for name, results in make_secret_fits().items():
        text = results.save(tmp_path / "fit.json").read_text()
        found = [secret for secret in (str(SECRET), "271828", WORDS) if secret in text]
        # Of a total of few rows, or of a median, any number could be told.
        assert not found, name
        rows = len(results.record.index)
        lengths = {len(line) for line in list_lists(pd.io.json.ujson_loads(text))}
        assert rows not in lengths, name


def list_lists(node):
    if isinstance(node, list):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from list_lists(item)


def test_asked_for_rows_are_in_the_file(tmp_path):
    fits = make_secret_fits()
    text = fits["formula"].save(tmp_path / "fit.json", data=True).read_text()
    assert str(SECRET) in text
    assert "note" not in text
    again = ml.load(tmp_path / "fit.json")
    assert again.record.index[7] == WORDS
    assert again.predict().equals(fits["formula"].predict())
    assert WORDS in fits["groups"].save(tmp_path / "fit.json", data=True).read_text()
    copied = ml.load(tmp_path / "fit.json")
    assert copied.rebase("C").bse.equals(fits["groups"].rebase("C").bse)
    with pytest.raises(MNLogitError, match="no column"):
        copied.with_cov("cluster", groups="g")


def test_two_loaded_fits_are_compared_with_their_rows(tmp_path):
    larger, smaller = (ml.mnlogit(text, FRAME).fit() for text in ("y ~ x + z", "y ~ x"))
    paths = [one.save(tmp_path / f"{i}.json") for i, one in enumerate((larger, smaller))]
    loaded = [ml.load(path) for path in paths]
    with pytest.raises(DataNotKeptError, match=r"ml\.load\(path, data=frame\)"):
        loaded[0].lr_test(loaded[1])
    whole = [ml.load(path, data=FRAME) for path in paths]
    expected = larger.lr_test(smaller)
    assert whole[0].lr_test(whole[1]).statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert whole[0].lr_test(smaller).df == expected.df


def test_a_fit_that_has_lost_its_rows_is_saved(tmp_path):
    """What takes a pass over the rows is left out, and the reason stands where it would be."""
    pieces = [FRAME.iloc[:50], FRAME.iloc[50:]]
    results = ml.mnlogit("y ~ x + z", pieces, stream=True, compress=False).fit()
    lost = pickle.loads(pickle.dumps(results))
    again = ml.load(lost.save(tmp_path / "fit.json"))
    assert again.summary().as_text() == results.summary().as_text()
    table = again.fit_statistics()
    assert table.value.isna().any()
    assert table.reason[table.value.isna()].str.contains("no longer holds its rows").all()
    whole = ml.load(tmp_path / "fit.json", data=pieces)
    assert whole.summary().as_text() == results.summary().as_text()


def test_files_are_read_again(tmp_path):
    pytest.importorskip("pyarrow")
    rows = tmp_path / "rows.parquet"
    FRAME.to_parquet(rows)
    results = ml.mnlogit("y ~ x + z", str(rows), stream=True).fit()
    whole = ml.load(results.save(tmp_path / "fit.json"), data=str(rows))
    assert whole.summary().as_text() == results.summary().as_text()
    assert whole.with_cov("HC1").bse.equals(results.with_cov("HC1").bse)
