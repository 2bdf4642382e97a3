"""Correct digits against fifty-digit answers, and that those answers are no blind copy."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from tests.benchmarks.rpeers import find_missing
from tests.digits import reference
from tests.digits.__main__ import main, run_case
from tests.digits.cases import Case, find_case, list_cases
from tests.digits.measure import MOST, NEAR_ZERO, count_digits, measure
from tests.digits.peers import OURS, PEERS, Answer, CannotFitError, Engine
from tests.digits.reference import DIGITS, Truth, find_truth, load_truths, solve_exactly
from tests.digits.tables import tell_row

PAGE = Path(__file__).parents[1] / "docs" / "comparison" / "accuracy.md"
CASES = list_cases()
WELL_CONDITIONED = 1000
PROMISED = 12
REFINED = 15
# Half of the error or twice the error of another engine is luck.
LUCK = float(np.log10(2))
IN_PYTHON = [
    pytest.param(
        peer, marks=pytest.mark.skipif(not find_spec(module), reason=f"{module} not installed")
    )
    for peer, module in zip(PEERS[:2], ("statsmodels", "sklearn"), strict=True)
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_case
def test_digits_are_what_the_page_says(case):
    truth = find_truth(case)
    answer = OURS.try_case(case)
    assert not isinstance(answer, str)
    digits = measure(answer, truth)
    assert digits.params >= REFINED
    assert digits.loglike >= REFINED
    well = truth.condition < WELL_CONDITIONED
    assert digits.errors >= (PROMISED if well else MOST - np.log10(truth.condition))


def test_cases_are_well_and_ill_conditioned():
    conditions = [find_truth(case).condition for case in CASES]
    assert sum(condition < WELL_CONDITIONED for condition in conditions) >= 6
    assert sum(condition >= 1e5 for condition in conditions) >= 6


@pytest.mark.parametrize("peer", IN_PYTHON, ids=lambda peer: peer.name)
@every_case
def test_never_fewer_digits_than_a_peer(case, peer):
    row = run_case(case, [peer])
    assert not row.lead < -LUCK, tell_row(row)


def test_stored_answers_are_those_of_the_cases():
    assert list(load_truths()) == [case.name for case in CASES]
    for case in CASES:
        truth = find_truth(case)
        assert len(truth.params) == len(truth.errors) == (case.categories - 1) * case.x.shape[1]
        numbers = [truth.loglike, *truth.params, *truth.errors]
        assert all(count_significant(number) > DIGITS - 6 for number in numbers)


def count_significant(number):
    mantissa = number.lower().split("e")[0].lstrip("-").replace(".", "")
    return len(mantissa.lstrip("0"))


@pytest.mark.parametrize("name", ["counts (school)", "offset"])
def test_stored_answers_can_be_made_again(name):
    assert solve_exactly(find_case(name)) == find_truth(find_case(name))


def test_the_reference_knows_a_closed_form():
    """With one indicator coefficients are log odds, and their variances sums of reciprocals."""
    counts = np.array([[7, 20, 3], [11, 5, 13]])
    truth = solve_exactly(Case("saturated", np.array([[1.0, 0.0], [1.0, 1.0]]), counts=counts))
    wanted = []
    with mp.workdps(DIGITS + 10):
        for j in (1, 2):
            low, high = (mp.log(mp.mpf(int(row[j])) / int(row[0])) for row in counts)
            spread = [mp.mpf(1) / int(row[j]) + mp.mpf(1) / int(row[0]) for row in counts]
            wanted += [(low, mp.sqrt(spread[0])), (high - low, mp.sqrt(sum(spread)))]
        found = zip(truth.params, truth.errors, strict=True)
        for (coefficient, error), (b, se) in zip(wanted, found, strict=True):
            assert abs(mp.mpf(b) / coefficient - 1) < mp.mpf(10) ** -(DIGITS - 1)
            assert abs(mp.mpf(se) / error - 1) < mp.mpf(10) ** -(DIGITS - 1)
        total = sum(n * mp.log(mp.mpf(int(n)) / int(row.sum())) for row in counts for n in row)
        assert abs(mp.mpf(truth.loglike) / total - 1) < mp.mpf(10) ** -(DIGITS - 1)


def test_the_reference_finds_no_maximum_where_there_is_none():
    apart = Case("separated", np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([0, 1]))
    with pytest.raises(ArithmeticError, match="separated"):
        solve_exactly(apart)


def test_an_answer_to_other_data_is_refused():
    case = find_case("offset")
    moved = case.x.copy()
    moved[7, 1] = np.nextafter(moved[7, 1], np.inf)
    with pytest.raises(ValueError, match="--regenerate"):
        find_truth(replace(case, x=moved))


@pytest.mark.parametrize(
    ("error", "size", "digits"),
    [(1e-3, 1.0, 3), (-2e-5, 20.0, 6), (0.0, 1.0, MOST), (1e-30, 1.0, MOST), (5.0, 1.0, 0)],
)
def test_digits_are_counted(error, size, digits):
    assert count_digits(mp.mpf(error), mp.mpf(size)) == pytest.approx(digits, abs=1e-9)


def test_what_is_not_a_number_has_no_digits():
    assert count_digits(mp.mpf("nan"), mp.mpf(1)) == 0
    assert count_digits(mp.mpf("inf"), mp.mpf(1)) == 0


@pytest.mark.parametrize(("coefficient", "size"), [(0.9, 1.0), (1.1, 1.1 * NEAR_ZERO)])
def test_coefficients_near_zero_are_judged_in_standard_errors(coefficient, size):
    exact = coefficient * NEAR_ZERO
    truth = Truth("", "-1", [str(exact)], ["1"], 1.0)
    digits = measure(Answer(np.array([exact + 1e-9]), np.array([1.0]), -1.0), truth)
    assert digits.params == pytest.approx(-np.log10(1e-9 / size), abs=1e-3)
    assert digits.fewest == digits.params


def test_the_worst_coefficient_counts():
    truth = Truth("", "-2", ["1", "2"], ["1", "1"], 1.0)
    digits = measure(Answer(np.array([1.0, 2.002]), np.array([1.0, 1.01])), truth)
    assert (round(digits.params, 6), round(digits.errors, 6)) == (3, 2)
    assert np.isnan(digits.loglike)


def test_a_row_tells_what_peers_did():
    def fail(case, tight):
        raise CannotFitError("no such thing")

    def miss(case, tight):
        answer = OURS.fit(case, tight)
        return replace(answer, errors=None, loglike=(0.99 if tight else 0.9) * answer.loglike)

    peers = [
        Engine("broken", fail),
        Engine("absent", fail, lambda: "not here"),
        Engine("off", miss),
    ]
    line = tell_row(run_case(find_case("counts (school)"), peers))
    assert "| no such thing | not here |" in line
    assert " / - / 2.0 | +0.0 |" in line
    alone = tell_row(run_case(find_case("counts (school)"), peers[:2]))
    assert alone.endswith("| - |")


@pytest.mark.parametrize(("name", "package"), [("nnet", "nnet"), ("VGAM", "VGAM")])
@pytest.mark.parametrize("case", ["counts (school)", "offset"])
def test_r_fits_the_same_model(name, package, case):
    if missing := find_missing(package):
        pytest.skip(missing)
    peer = next(peer for peer in PEERS if peer.name == name)
    digits = run_case(find_case(case), [peer]).peers[name]
    assert digits.fewest > 6


def test_command_prints_writes_and_regenerates(tmp_path, capsys, monkeypatch):
    path = tmp_path / "digits.md"
    main(["--only", "counts", "--alone", "--output", str(path)])
    printed = capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == printed
    assert len(printed.splitlines()) == 3
    stored = tmp_path / "truth.json"
    stored.write_text(reference.PATH.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(reference, "PATH", stored)
    main(["--regenerate", "--only", "counts"])
    assert (
        stored.read_bytes()
        == reference.Path(reference.__file__).with_name("truth.json").read_bytes()
    )


def test_the_page_has_a_line_for_every_case():
    table = PAGE.read_text(encoding="utf-8").split("<!-- digits:begin -->")[1]
    table = table.split("<!-- digits:end -->")[0]
    names = [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]
    assert names == [case.name for case in CASES]
