"""maketables reads the views of a fit, and shows what R found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import CollinearityWarning
from mlelogit.inference.fit_measures import tabulate_fit_statistics
from tests.inference.samples import fitted, survey
from tests.reference_cases import fit_case, load_case

maketables = pytest.importorskip("maketables")
WORDS = {
    "N": "n_obs",
    "ll": "loglik",
    "llnull": "loglik_null",
    "pseudo_r2": "mcfadden_r2",
    "aic": "aic",
    "bic": "bic",
    "df_model": "df_model",
}
QUANTILES = {"95": 1.959963984540054, "90": 1.6448536269514722}


@pytest.fixture(scope="module")
def res():
    return fit_case("hsbdemo")


def split(cell):
    """Return the lines of a cell."""
    return [part.strip() for part in str(cell).split("\n")]


def test_every_equation_is_what_r_found(res):
    case = load_case("hsbdemo")
    views = res.equations()
    assert len(views) == 2
    for view, category in zip(views, ("general", "vocation"), strict=True):
        assert view.__maketables_depvar__ == f"{category} vs academic"
        table = view.__maketables_coef_table__
        coef, se = case.table("coef")[category], case.table("se")[category]
        assert sorted(table.index) == sorted(coef.index)
        table = table.loc[coef.index]
        assert table["b"].to_numpy() == pytest.approx(coef.to_numpy(), rel=1e-9)
        assert table["se"].to_numpy() == pytest.approx(se.to_numpy(), rel=1e-7)
        assert table["t"].to_numpy() == pytest.approx(case.table("z")[category], rel=1e-7)
        assert table["p"].to_numpy() == pytest.approx(case.table("pvalue")[category], rel=1e-6)
        for level, quantile in QUANTILES.items():
            lower, upper = table[f"ci{level}l"], table[f"ci{level}u"]
            assert lower.to_numpy() == pytest.approx((coef - quantile * se).to_numpy(), rel=1e-7)
            assert upper.to_numpy() == pytest.approx((coef + quantile * se).to_numpy(), rel=1e-7)
        assert table["rrr"].to_numpy() == pytest.approx(np.exp(coef).to_numpy(), rel=1e-8)


def test_statistics_stand_under_the_first_equation(res):
    truth = load_case("hsbdemo").truth
    first, second = res.equations()
    for key, ours in WORDS.items():
        assert first.__maketables_stat__(key) == pytest.approx(truth[ours], rel=1e-9)
        assert second.__maketables_stat__(key) == ""
    assert (
        first.__maketables_stat__("nagelkerke") == res.fit_statistics().loc["nagelkerke", "value"]
    )
    assert first.__maketables_stat__("r2_within") is None
    assert isinstance(first.__maketables_stat__("N"), int)


def test_etable_shows_the_equations_side_by_side(res):
    table = maketables.ETable(res.equations(), signif_code=[0.001, 0.01, 0.05])
    frame = table.df
    assert [head[0] for head in frame.columns] == ["general vs academic", "vocation vs academic"]
    case = load_case("hsbdemo")
    for name, label in (("write", "write"), ("Intercept", "Intercept")):
        for j, category in enumerate(("general", "vocation")):
            estimate, error = split(frame.loc[("coef", label)].iloc[j])
            assert estimate.rstrip("*") == f"{case.table('coef').loc[name, category]:.3f}"
            assert error == f"({case.table('se').loc[name, category]:.3f})"
    assert frame.loc[("stats", "Observations")].tolist() == ["200", ""]
    assert frame.loc[("stats", "Log-likelihood")].iloc[0] == f"{case.truth['loglik']:.3f}"
    assert frame.loc[("stats", "S.E. type")].tolist() == ["nonrobust", "nonrobust"]


def test_models_of_different_terms_are_lined_up_by_name(res):
    small = ml.mnlogit("prog ~ write", load_case("hsbdemo").data).fit()
    frame = maketables.ETable([*small.equations(), *res.equations()]).df
    assert frame.shape[1] == 4
    assert frame.loc[("coef", "ses=high")].tolist()[:2] == ["", ""]
    assert "" not in frame.loc[("coef", "write")].tolist()


def test_the_long_view_has_all_equations_in_one_column(res):
    robust = res.with_cov("robust")
    table = maketables.ETable(
        [res.flat(), robust.flat()], coef_fmt="b:.3f \n [ci95l:.2f, ci95u:.2f]"
    )
    frame = table.df
    assert [head[0] for head in frame.columns] == ["prog", "prog"]
    for category in ("general", "vocation"):
        row = frame.loc[("coef", f"write ({category} vs academic)")]
        for j, fit in enumerate((res, robust)):
            estimate, interval = split(row.iloc[j])
            lower, upper = fit.conf_int().loc[(category, "write")]
            assert estimate == f"{fit.params.loc['write', category]:.3f}"
            assert interval == f"[{lower:.2f}, {upper:.2f}]"
    assert frame.loc[("stats", "S.E. type")].tolist() == ["nonrobust", "robust"]


def test_it_writes_html_latex_and_word(res, tmp_path):
    import docx

    table = maketables.ETable(res.equations())
    estimate = f"{res.params.loc['write', 'vocation']:.3f}"
    assert estimate in str(table.make(type="html"))
    assert estimate in str(table.make(type="tex"))
    path = tmp_path / "table.docx"
    table.save(type="docx", file_name=str(path), show=False)
    text = "\n".join(cell.text for row in docx.Document(path).tables[0].rows for cell in row.cells)
    assert estimate in text


def test_views_have_nothing_that_other_readers_take(res):
    for view in (*res.equations(), res.flat()):
        public = [name for name in dir(view) if not name.startswith("_")]
        assert public == []
        assert type(maketables.extractors.get_extractor(view)).__name__ == "PluginExtractor"
    # Results themselves are taken for statsmodels', which is why there are views.
    assert type(maketables.extractors.get_extractor(res)).__name__ == "StatsmodelsExtractor"


def test_clusters_are_named():
    districts = pd.Series(np.arange(160) // 3, name="district")
    res = fitted("party ~ age").with_cov("cluster", groups=districts)
    view = res.equations()[0]
    assert view.__maketables_vcov_info__ == {"vcov_type": "cluster", "clustervar": "district"}
    assert view.__maketables_stat__("se_type") == "cluster (district)"
    assert view.__maketables_stat__("n_clusters") == 54


def test_columns_left_out_are_left_out_and_names_are_texts():
    frame = pd.DataFrame({0: survey()["age"], 1: 2 * survey()["age"], 2: survey()["educ"]})
    with pytest.warns(CollinearityWarning):
        res = ml.MNLogit(survey()["party"], frame).fit()
    for view in res.equations():
        assert view.__maketables_coef_table__.index.tolist() == ["0", "2"]
    table = view.__maketables_coef_table__
    table.loc[:, "b"] = 0
    assert view.__maketables_coef_table__["b"].all()
    assert maketables.ETable(res.equations()).df.loc["coef"].shape == (2, 2)


def test_criteria_that_do_not_apply_are_not_shown():
    res = fitted("party ~ age", weights="weight", weight_type="sampling")
    frame = maketables.ETable(res.equations()).df
    assert frame.loc[("stats", "AIC")].tolist() == ["-", ""]


def test_all_statistics_of_a_fit_take_one_pass_over_its_rows(res, monkeypatch):
    passes = []

    def count(record):
        passes.append(record)
        return tabulate_fit_statistics(record)

    monkeypatch.setattr("mlelogit.display.tables.statistics.tabulate_fit_statistics", count)
    view = res.equations()[0]
    found = {key: view.__maketables_stat__(key) for key in ("nagelkerke", "count", "efron", "ll")}
    assert len(passes) == 1
    for key in ("nagelkerke", "count", "efron"):
        assert found[key] == res.fit_statistics().loc[key, "value"]
    assert found["ll"] == res.llf
    assert view.__maketables_stat__("no such") is None


def test_names_that_look_alike_once_written_have_rows_of_their_own():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.normal(size=(90, 2)), columns=["a\nb", "a\\nb"])
    res = ml.MNLogit(np.array(["x\u200b", r"x\u200b", "z"])[rng.integers(3, size=90)], frame).fit()
    views = res.equations()
    assert len({view.__maketables_depvar__ for view in views}) == 2
    for view in views:
        assert view.__maketables_coef_table__.index.is_unique
    assert res.flat().__maketables_coef_table__.index.is_unique
