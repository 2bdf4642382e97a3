"""Run statsmodels' own tests of MNLogit against the class that takes its place.

    python -m tests.bridges.statsmodels_suite

The class goes where statsmodels' tests look for theirs before any of them is imported. Taken are
the test classes and functions whose source names MNLogit. Prints one line of outcomes.
"""

from __future__ import annotations

import ast
import collections
import re
import sys
from pathlib import Path

import pytest

FILES = ("discrete/tests/test_discrete.py", "discrete/tests/test_margins.py")
DERIVATIVES = "tools/tests/test_numdiff.py"
NAME = re.compile(r"(?<![a-z])mnlogit\b|mnlogit", re.IGNORECASE)
OTHER = re.compile(r"conditional_?mnlogit", re.IGNORECASE)


def find_names(path: Path) -> set[str]:
    """Return the tests of a file whose source, decorators included, names MNLogit."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            source = "\n".join(lines[first - 1 : node.end_lineno])
            if NAME.search(OTHER.sub("", source)):
                found.add(node.name)
    return found


class Chooser:
    """Keeps the tests of MNLogit, and counts how they end."""

    def __init__(self, names: dict[Path, set[str]]) -> None:
        self.names = names
        self.outcomes: collections.Counter[str] = collections.Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what names MNLogit; of parametrized tests its own cases, where they have names."""
        kept = [item for item in items if self._is_named(item)]
        cases = collections.defaultdict(list)
        for item in kept:
            cases[item.nodeid.partition("[")[0]].append(item)
        own = {key: [i for i in group if NAME.search(i.name)] for key, group in cases.items()}
        items[:] = [i for key, group in cases.items() for i in (own[key] or group)]

    def _is_named(self, item: pytest.Item) -> bool:
        top = item.nodeid.split("::")[1].partition("[")[0]
        return top in self.names.get(Path(item.path).resolve(), set())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count an outcome; what was expected to fail is told apart from what was skipped."""
        if report.when == "call" or report.outcome != "passed":
            expected = hasattr(report, "wasxfail")
            outcome = "expected failures" if expected and report.skipped else report.outcome
            self.outcomes[outcome] += 1
            if report.failed:
                print("FAILED", report.nodeid, str(report.longrepr)[-600:])


def main() -> int:
    """Put the class in place, run the tests and print the counts."""
    import statsmodels
    import statsmodels.api as sm
    import statsmodels.discrete.discrete_model as discrete_model
    import statsmodels.formula.api as smf

    from mlelogit.bridges.statsmodels import MNLogit

    discrete_model.MNLogit = sm.MNLogit = MNLogit
    smf.mnlogit = MNLogit.from_formula
    root = Path(statsmodels.__file__).parent.resolve()
    paths = [root / name for name in (*FILES, DERIVATIVES)]
    chooser = Chooser({path: find_names(path) for path in paths})
    options = ["-qq", "--no-header", "--no-summary", "--tb=no", "-p", "no:cacheprovider"]
    options += ["-W", "ignore", "--rootdir", str(root), "-o", "addopts="]
    status = pytest.main([*options, *map(str, paths)], plugins=[chooser])
    said = ", ".join(f"{count} {name}" for name, count in sorted(chooser.outcomes.items()))
    print(f"\nOUTCOMES: {said}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
