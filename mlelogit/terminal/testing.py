"""The command tests: tests of terms, categories, hypotheses and the model itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import OptionError
from mlelogit.inference.testing.hypothesis import TestResult
from mlelogit.results import MNLogitResults
from mlelogit.terminal.answers import Answer, choose_format, list_records, write_frame
from mlelogit.terminal.options import FRAME_FORMATS, name_option
from mlelogit.terminal.sources import find_results

TITLES = {
    "terms": "Tests of terms",
    "equality": "Tests that a term's coefficients are the same in all equations",
    "combine": "Tests that two categories are told apart by nothing but their frequency",
    "iia": "Tests of the independence of irrelevant alternatives",
    "gof": "Goodness of fit",
    "hauck-donner": "Coefficients whose Wald statistic misleads (the Hauck-Donner effect)",
    "constraints": "Tests of the constraints",
    "hypotheses": "Tests of hypotheses",
}
# Option -> the tests that it is for.
USES = {
    "kind": ("terms", "equality", "combine", "iia", "hypotheses"),
    "type": ("terms",),
    "adjust": ("terms", "equality", "combine"),
    "groups": ("gof",),
    "category": ("gof",),
    "seed": ("iia",),
}
_USUAL = {"terms": "lr", "equality": "wald", "combine": "wald", "iia": "score"}


def run_tests(arguments: argparse.Namespace) -> Answer:
    """Run the tests that are asked for."""
    form = choose_format(arguments.format, arguments.output, FRAME_FORMATS)
    asked = list(dict.fromkeys(arguments.test or ([] if arguments.hypothesis else ["terms"])))
    if arguments.hypothesis:
        asked.append("hypotheses")
    for option, tests in USES.items():
        if getattr(arguments, option) is not None and not set(tests) & set(asked):
            raise OptionError(f"{name_option(option)} is of {', '.join(tests)}; none is asked for.")
    if len(asked) > 1 and form not in ("text", "json"):
        raise OptionError(f"{form} holds one table, and {len(asked)} tests are asked for.")
    results = find_results(arguments)
    frames: dict[str, pd.DataFrame] = {}
    texts: dict[str, str] = {}
    for name in asked:
        frames[name], texts[name] = _ask(results, name, arguments)
    written: Any
    if form == "json":
        told = {name: _tell(name, frame) for name, frame in frames.items()}
        written = {"tests": told, "data": arguments.told}
    elif form == "text":
        written = "\n\n".join(texts[name] for name in asked)
    else:
        written = write_frame(frames[asked[0]], form)
    return Answer(written, results.converged)


def _tell(name: str, frame: pd.DataFrame) -> dict[str, Any]:
    attrs: dict[Any, Any] = frame.attrs
    return {"title": TITLES[name], **attrs, "rows": list_records(frame)}


def _ask(
    results: MNLogitResults, name: str, arguments: argparse.Namespace
) -> tuple[pd.DataFrame, str]:
    """Return a test as a frame and as text."""
    kind = arguments.kind or _USUAL.get(name, "wald")
    if name in ("gof", "iia", "constraints"):
        ways: dict[str, Callable[[], Any]] = {
            "gof": lambda: results.gof_tests(_or(arguments.groups, 10), arguments.category),
            "iia": lambda: results.iia_tests(kind, _or(arguments.seed, 0)),
            "constraints": results.constraint_tests,
        }
        found = ways[name]()
        return _flatten(_frame(found, name)), str(found)
    tests: dict[str, Callable[[], pd.DataFrame]] = {
        "terms": lambda: results.term_tests(kind, _or(arguments.type, 2), arguments.adjust),
        "equality": lambda: results.equality_tests(kind, arguments.adjust),
        "combine": lambda: results.combine_tests(kind, arguments.adjust),
        "hauck-donner": results.hauck_donner,
        "hypotheses": lambda: _test_hypotheses(results, arguments.hypothesis, kind),
    }
    frame = tests[name]()
    words = TITLES[name] + (f", {kind}" if name in _USUAL else "")
    flat = _flatten(frame)
    if name == "hypotheses":
        return flat, "\n\n".join(frame.attrs.pop("texts"))
    return flat, f"{words}\n{frame.to_string()}"


def _or(given: Any, usual: Any) -> Any:
    return usual if given is None else given


def _flatten(frame: pd.DataFrame) -> pd.DataFrame:
    flat = frame.reset_index()
    flat.attrs = {key: text for key, text in frame.attrs.items() if isinstance(text, str)}
    return flat


def _frame(found: Any, name: str) -> pd.DataFrame:
    if name != "constraints":
        frame: pd.DataFrame = found.frame.copy()
        if name == "iia":
            frame.attrs = {"test": found.name, "null": found.null, "note": found.note}
        return frame
    tests = {"lr": found.lr, "wald": found.wald, "score": found.score}
    return pd.DataFrame([{"test": key, **_list(one)} for key, one in tests.items()]).set_index(
        "test"
    )


def _list(found: TestResult) -> dict[str, Any]:
    names = ("name", "null", "statistic", "df", "df_denom", "p_value", "reason")
    return {name: getattr(found, name) for name in names}


def _test_hypotheses(results: MNLogitResults, given: list[str], kind: str) -> pd.DataFrame:
    ways = {"wald": results.wald_test, "lr": results.lr_test, "score": results.score_test}
    if kind not in ways:
        raise OptionError(
            f"--kind of a hypothesis is one of {', '.join(ways)}, not {write_value(kind)}."
        )
    found = [ways[kind](text) for text in given]
    rows = [{"hypothesis": text, **_list(one)} for text, one in zip(given, found, strict=True)]
    frame = pd.DataFrame(rows).set_index("hypothesis")
    frame.attrs["texts"] = [str(one) for one in found]
    return frame
