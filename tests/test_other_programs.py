"""The pages for people who come from other programs: what they print there, and that we agree."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml

PAGES = Path(__file__).parents[1] / "docs" / "tutorials"
# An R block, and the output that stands directly below it.
PAIR = re.compile(r"^```r\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
PACKAGES = ("nnet", "VGAM", "car", "emmeans", "sandwich", "glmnet")
MARK = "#### end of block"


def load_parties() -> pd.DataFrame:
    """Return the data of the page for people who come from R."""
    anes = ml.datasets.load_anes96(labels=False)
    parties = ["Democrat", "Independent", "Republican"]
    return anes.assign(party=pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties))


def run_blocks(text: str, folder: Path, extra: str = "") -> list[str]:
    """Run the R blocks of a page in one session, and return what each of them prints.

    What packages say when they are attached, in the first block, is not part of it.
    """
    load_parties().to_csv(folder / "anes96.csv", index=False)
    first, *others = (found[1] for found in PAIR.finditer(text))
    opened = f'{first}\noptions(warn = 1)\nsink(stdout(), type = "message")\n'
    mark = f'\ncat("{MARK}\\n")\n'
    script = folder / "page.R"
    script.write_text(opened + mark + mark.join(others) + mark + extra + mark, encoding="utf-8")
    command = ["Rscript", "--vanilla", script.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.split(f"{MARK}\n")[:-1][: len(others) + 1 + bool(extra)]


def read_versions() -> dict[str, str]:
    """Return the versions that the page names."""
    text = (PAGES / "from_r.md").read_text(encoding="utf-8")
    found = re.findall(rf"\b(R|{'|'.join(PACKAGES)})\s(\d[\d.-]*\d)", text)
    return {name: version.replace("-", ".") for name, version in found}


def find_reason() -> str:
    """Return why R cannot run the page here, or nothing."""
    if not shutil.which("Rscript"):
        return "Rscript is not installed"
    code = f"""
    for (name in c{PACKAGES}) if (nzchar(system.file(package = name)))
      cat(name, as.character(packageVersion(name)), "\\n")
    cat("R", as.character(getRversion()))
    """
    command = ["Rscript", "--vanilla", "-e", code]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    present = {line.split()[0]: line.split()[1] for line in said.splitlines()}
    wanted = {name: v for name, v in read_versions().items() if present.get(name) != v}
    return f"the page is of other versions than those here: {wanted}" if wanted else ""


@pytest.fixture(scope="module")
def said_by_r() -> list[str]:
    """Return what R prints, block by block; R is asked for nothing while tests are collected."""
    if reason := find_reason():
        pytest.skip(reason)
    text = (PAGES / "from_r.md").read_text(encoding="utf-8")
    with TemporaryDirectory() as folder:
        return run_blocks(text, Path(folder), EXTRA)


# What R has to say with all its digits: a name, then numbers row by row.
EXTRA = """
say <- function(name, value) cat(name, format(as.vector(value), digits = 17), "\\n")
say("coefficients", coef(exact)[order])
say("standard errors", sqrt(diag(vcov(exact)))[order])
say("log-likelihood", logLik(exact))
say("likelihood-ratio tests", Anova(update(fit, reltol = 1e-14))[["LR Chisq"]])
say("probabilities and their errors", unlist(as.data.frame(
  emmeans(second, ~ party | college))[c(2, 1, 3, 5, 4, 6), c("prob", "SE")]))
say("profile intervals", profiled[order, ])
say("robust errors", t(errors(scores)))
say("clustered errors", t(errors(rowsum(scores, anes$popul))))
say("counts", t(coef(grouped)))
say("lasso", sapply(coef(path, s = 0.05), as.matrix)[, c(2, 1, 3)])
"""


def measure_here() -> dict[str, np.ndarray]:
    """Return what EXTRA asks R for, in the same order, from this package."""
    anes = load_parties()
    anes["side"] = pd.cut(anes["selfLR"], [0, 3, 4, 7], labels=["left", "middle", "right"])
    anes["college"] = np.where(anes["educ"] >= 6, "yes", "no")

    def fit(formula):
        return ml.mnlogit(formula, anes, base="Independent").fit()

    main = fit("party ~ age + educ + selfLR")
    second = fit("party ~ age + side * college")
    means = second.margins("college", kind="balanced", effect="level").summary_frame()
    cells = pd.crosstab(anes["selfLR"], anes["party"]).astype(int).reset_index()
    counted = ml.mnlogit("counts(Independent, Democrat, Republican) ~ selfLR", cells).fit()
    lasso = ml.mnlogit("party ~ age + educ + selfLR", anes)
    path = lasso.fit_path(penalties=[0.1, 0.05, 0.02])
    return {
        "coefficients": main.params.to_numpy().ravel("F"),
        "standard errors": main.bse.to_numpy().ravel("F"),
        "log-likelihood": np.array([main.llf]),
        "likelihood-ratio tests": main.term_tests()["statistic"].to_numpy(),
        "probabilities and their errors": means[["estimate", "std_err"]].to_numpy().ravel("F"),
        "profile intervals": main.conf_int(method="profile").to_numpy().ravel("F"),
        "robust errors": main.with_cov("HC0").bse.to_numpy().ravel("F"),
        "clustered errors": main.with_cov("cluster", groups=anes["popul"], correction="CR0")
        .bse.to_numpy()
        .ravel("F"),
        "counts": counted.params.to_numpy().ravel("F"),
        "lasso": path.coefficients(0.05).to_numpy().ravel("F"),
    }


def read_bounds() -> dict[str, float]:
    """Return the figures of agreement that the page claims."""
    text = (PAGES / "from_r.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (\de-\d+) \|$", text, re.MULTILINE)
    return {name: float(bound) for name, bound in rows}


def read_numbers(said: str) -> dict[str, np.ndarray]:
    rows = [re.match(r"(\D+?) +(-?\d.*)", line) for line in said.strip().splitlines()]
    return {row[1]: np.array([float(number) for number in row[2].split()]) for row in rows}


def compare_words(one: str, other: str) -> bool:
    """Are two words the same, or numbers that differ by one in their last digit?"""
    if one == other:
        return True
    if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other)):
        return False
    return abs(float(one) - float(other)) <= 1.001 * max(find_unit(one), find_unit(other))


def find_unit(number: str) -> float:
    """Return what one in the last digit of a number is worth."""
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def find_difference(shown: str, said: str) -> str:
    """Return where two outputs first differ, spaces and rounding aside, or nothing."""
    one, other = shown.split(), said.split()
    pairs = zip(one, other, strict=False)
    place = next((k for k, pair in enumerate(pairs) if not compare_words(*pair)), None)
    if place is None and len(one) == len(other):
        return ""
    place = min(len(one), len(other)) if place is None else place
    return f"word {place}: {one[place : place + 3]} on the page, {other[place : place + 3]} in R"


def test_r_prints_what_the_page_says(said_by_r):
    pairs = PAIR.findall((PAGES / "from_r.md").read_text(encoding="utf-8"))
    assert len(pairs) > 8
    for (code, shown), said in zip(pairs, said_by_r, strict=False):
        assert not find_difference(shown, said), (code, find_difference(shown, said))


def test_we_agree_with_r_as_the_page_says(said_by_r):
    here, bounds, there = measure_here(), read_bounds(), read_numbers(said_by_r[-1])
    assert set(here) == set(there) == set(bounds)
    for name, values in here.items():
        assert values.shape == there[name].shape
        largest = np.max(np.abs(values - there[name]) / np.maximum(np.abs(there[name]), 1e-300))
        assert largest <= bounds[name], (name, largest)


def test_the_page_names_every_version():
    assert set(read_versions()) == {"R", *PACKAGES}


def test_another_output_is_seen():
    assert not find_difference("a 1.25  b\n", "a 1.26 b")
    assert not find_difference("2.2e-07", "2.3e-07")
    assert find_difference("a 1.25", "a 1.27")
    assert find_difference("2.2e-07", "2.2e-06")
    assert find_difference("1 2", "1 2 3")
    assert find_difference("Independent 1", "Democrat 1")


STATA = re.compile(r"^```stata\n.*?^```\n\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
USES = ["sterilization", "other method", "no method"]
GROUPS = ["15-19", "20-24", "25-29", "30-34", "35-39", "40-44", "45-49"]
CASES = [
    [3, 61, 232],
    [80, 137, 400],
    [216, 131, 301],
    [268, 76, 203],
    [197, 50, 188],
    [150, 24, 164],
    [91, 10, 183],
]


def fit_women(formula):
    women = pd.DataFrame(CASES, GROUPS, USES).rename_axis("ageg").reset_index()
    women = women.melt("ageg", var_name="cuse", value_name="cases")
    women["age"] = 17.5 + 5 * women["ageg"].map(GROUPS.index)
    options = {"base": "no method", "weights": "cases", "weight_type": "frequency"}
    return ml.mnlogit(formula, women, **options).fit()


def list_age_groups():
    fit = fit_women("cuse ~ C(ageg)")
    tidy = fit.tidy().set_index("category").loc["sterilization"]
    rows = tidy[["estimate", "std_err", "z"]].to_numpy()
    return [fit.nobs, fit.llr, fit.llf, fit.prsquared, *rows[1:].ravel(), *rows[0]]


def list_quadratic():
    fit = fit_women("cuse ~ age + I(age**2)")
    tidy = fit.tidy().set_index(["category", "name"])
    rows = tidy[["estimate", "std_err", "lower", "upper"]]
    first = rows.loc["sterilization"].to_numpy()
    other = rows.loc[("other method", "age")]
    return [fit.llr, fit.llf, fit.prsquared, *first[1:].ravel(), *first[0], *other]


def list_margins():
    anes = ml.datasets.load_anes96(labels=False)
    fit = ml.mnlogit("PID ~ logpopul + selfLR + age + educ + income", anes, base=0).fit()
    slopes = zip(range(1, 7), fit.params.loc["selfLR"], fit.bse.loc["selfLR"], strict=True)
    rows = [number for slope in slopes for number in slope]
    for kind in ("average", "at_means"):
        frame = fit.margins("selfLR", kind=kind).summary_frame()
        rows += frame[["category", "estimate", "std_err"]].to_numpy(float).ravel().tolist()
    return [fit.llf, *rows]


def read_printed(text):
    return [word for word in text.split() if NUMBER.fullmatch(word)]


@pytest.mark.parametrize(("place", "slack"), [(0, 5e-6), (1, 0.0), (2, 0.0)])
def test_we_print_what_stata_printed(place, slack):
    """Half a unit of the last digit, but for the saturated model, where Stata stopped early."""
    printed = read_printed(read_stata()[place])
    make = (list_age_groups, list_quadratic, list_margins)[place]
    for word, number in zip(printed, make(), strict=True):
        assert abs(float(word) - number) <= max(0.51 * find_unit(word), slack), (word, number)


def test_the_saturated_model_is_the_table():
    cases = np.array(CASES, float)
    odds = np.log(cases[:, :2] / cases[:, 2:])
    found = fit_women("cuse ~ C(ageg)").params[USES[:2]].to_numpy()
    np.testing.assert_allclose(found[1:], odds[1:] - odds[0], rtol=0, atol=1e-11)
    np.testing.assert_allclose(found[0], odds[0], rtol=0, atol=1e-11)


def read_stata():
    return STATA.findall((PAGES / "from_stata.md").read_text(encoding="utf-8"))


def test_every_output_of_stata_has_a_source_that_can_be_looked_up():
    text = (PAGES / "from_stata.md").read_text(encoding="utf-8")
    sections = [part for part in re.split(r"^## ", text, flags=re.MULTILINE) if STATA.search(part)]
    assert len(sections) == 3
    for section in sections:
        said = section.split("::::")[0] if "::::" in section else section
        assert re.search(r"https?://|`[\w/]+\.py`", said), said


def test_every_output_of_stata_is_tested_or_of_separated_data():
    """The last block is what Stata prints where there is no maximum."""
    blocks = read_stata()
    assert len(blocks) == 4
    assert "Foreign" in blocks[3]
