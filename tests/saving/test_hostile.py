"""Files that are damaged, foreign, newer or hostile: each has its error, and nothing runs."""

import ast
import contextlib
import copy
import dataclasses
import gzip
import hashlib
import itertools
import json
import os
import pickle
import random
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.data.encoding import Encoding
from mlelogit.data.outward import give_out
from mlelogit.display.report.calls import write_call
from mlelogit.display.report.scope import Scope
from mlelogit.exceptions import (
    DamagedFitError,
    FitSizeError,
    ForeignFitError,
    MNLogitError,
    NewerFitError,
    SavedFitError,
    UnsafeFitError,
)
from mlelogit.inference.sandwich.requests import TAKES
from mlelogit.saving import document, is_saved
from mlelogit.saving.covariances import OPTIONS
from mlelogit.saving.document import read_document, write_document
from mlelogit.saving.encoding import READERS
from tests.saving.fits import make

pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
HEAD = ("format", "version", "written_by", "checksum")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return {
        name: make(name).results.save(folder / f"{name}.json", data=name == "cluster").read_bytes()
        for name in ("formula", "splines", "quasi-complete", "constraints", "cluster")
    }


def read_members(data):
    made = json.loads(data)
    return {name: value for name, value in made.items() if name not in HEAD}


def sign(path, members, **head):
    """Write members with a checksum that is right."""
    path.write_text("".join(write_document(members, "0.1.0", **head)), encoding="utf-8")
    return path


def sign_text(path, text):
    """Write a text with the head of a saved fit and a checksum that is right."""
    start = '{\n "format": "mlelogit fit",\n "version": 1,\n "written_by": "0.1.0",\n ' + text
    digest = hashlib.sha256(start.encode("utf-8", "surrogatepass")).hexdigest()
    tail = f',\n "checksum": "sha256:{digest}"\n}}\n'
    path.write_bytes((start + tail).encode("utf-8", "surrogatepass"))
    return path


def test_every_truncation_is_told(files, tmp_path):
    data = files["formula"]
    for end in range(len(data)):
        with pytest.raises((DamagedFitError, ForeignFitError)):
            read_document(data[:end], {})
    path = tmp_path / "cut.json"
    path.write_bytes(data[:5000])
    with pytest.raises(DamagedFitError, match=r"cut\.json.*cut off after 5,000 bytes"):
        ml.load(path)


def test_every_changed_byte_is_told(files):
    data, rng = files["formula"], random.Random(0)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        with pytest.raises((DamagedFitError, ForeignFitError, NewerFitError)):
            read_document(bytes(changed), {})


@pytest.mark.parametrize("added", [b" ", b"\n", b"\x00", b"{}"])
def test_what_is_added_is_told(files, added):
    for data in (files["formula"] + added, added + files["formula"]):
        with pytest.raises((DamagedFitError, ForeignFitError)):
            read_document(data, {})


def test_other_line_ends_are_no_damage(files, tmp_path):
    path = tmp_path / "windows.json"
    path.write_bytes(files["formula"].replace(b"\n", b"\r\n"))
    assert ml.load(path).params.equals(make("formula").results.params)


FOREIGN = {
    "empty": b"",
    "brace": b"{",
    "object": b"{}",
    "other json": b'{"format": "another fit", "version": 1}',
    "array": b"[1, 2]",
    "csv": b"y,x\n1,2\n",
    "pickle": pickle.dumps({"format": "mlelogit fit"}),
    "binary": bytes(range(256)) * 10,
    "utf-16": '{"format": "mlelogit fit"'.encode("utf-16"),
    "bom": b'\xef\xbb\xbf{\n "format": "mlelogit fit",\n "version": 1,\n "written_by": "0.1.0",',
    "no version": b'{\n "format": "mlelogit fit",\n "written_by": "0.1.0"}',
    "text version": b'{\n "format": "mlelogit fit",\n "version": "1",\n "written_by": "0.1.0",',
    "huge version": b'{"format": "mlelogit fit", "version": ' + b"9" * 5000,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_told(name, tmp_path):
    path = tmp_path / "other"
    path.write_bytes(FOREIGN[name])
    assert not is_saved(path)
    with pytest.raises(ForeignFitError, match=r"other.*no saved fit"):
        ml.load(path)


def test_what_is_no_file_is_told(files, tmp_path):
    packed = tmp_path / "fit.json.gz"
    packed.write_bytes(gzip.compress(files["formula"]))
    os.mkfifo(tmp_path / "pipe")
    for path in (packed, tmp_path, tmp_path / "pipe", "/dev/zero", "/dev/urandom", "/dev/null"):
        assert not is_saved(path)
        with pytest.raises(ForeignFitError):
            ml.load(path)
    for path in (tmp_path / "absent", "a\0b", 5, None, b"\xff"):
        assert not is_saved(path)
        with pytest.raises(SavedFitError):
            ml.load(path)


def test_a_newer_file_says_who_wrote_it(files, tmp_path):
    path = sign(tmp_path / "new.json", read_members(files["formula"]) | {"more": 1}, version=2)
    data = path.read_bytes().replace(b'"0.1.0"', b'"7.5.0"', 1)
    path.write_bytes(data)
    assert is_saved(path)
    with pytest.raises(NewerFitError, match=r"version 7\.5\.0 .*version 2 of the format"):
        ml.load(path)


def test_a_huge_file_is_not_read(files, tmp_path, monkeypatch):
    path = tmp_path / "huge.json"
    path.write_bytes(files["formula"][:1000])
    os.truncate(path, 1 << 40)
    monkeypatch.setattr("mlelogit.saving.files.LARGEST_BYTES", 1 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FitSizeError, match="1,048,576 bytes"):
        ml.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    monkeypatch.setattr(document, "LARGEST_BYTES", 1000)
    target = tmp_path / "large.json"
    with pytest.raises(FitSizeError, match="1,000 bytes"):
        make("formula").results.save(target)
    assert not target.exists()


TEXTS = {
    "deep": ('"encoding": ' + "[" * 100_000 + "]" * 100_000, "nested"),
    "deep objects": ('"encoding": ' + '{"a":' * 100_000 + "1" + "}" * 100_000, "nested"),
    "long number": ('"nobs": ' + "9" * 100_000, "digits"),
    "nan": ('"nobs": NaN', "NaN"),
    "infinity": ('"nobs": -Infinity', "Infinity"),
    "twice": ('"nobs": 1, "nobs": 2', "twice"),
    "twice inside": ('"audit": {"rows_in": 1, "rows_in": 1}', "twice"),
    "surrogate": (r'"nobs": "\ud800"', "surrogate"),
    "raw surrogate": ('"nobs": "\ud800"', "UTF-8"),
    "not json": ('"nobs": ,', "line 5"),
    "nothing": ('"nobs": 1', "'audit'"),
    "more": ('"' + '": 1, "'.join(map(str, range(3))) + '": 1', "has no"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_json_with_a_right_checksum_is_refused(name, tmp_path):
    text, said = TEXTS[name]
    start = time.perf_counter()
    with pytest.raises((DamagedFitError, UnsafeFitError), match=said):
        ml.load(sign_text(tmp_path / "fit.json", text))
    assert time.perf_counter() - start < 5


def put(members, place, value):
    """Return members with another value at a place such as "estimates.params.0"."""
    changed = copy.deepcopy(members)
    *above, last = place.split("/")
    node = changed
    for name in above:
        node = node[int(name) if isinstance(node, list) else name]
    node[int(last) if isinstance(node, list) else last] = value
    return changed


CODE = "__import__('os').system('touch /tmp/mlelogit-was-here')"
CHANGES = [
    ("splines", "encoding/formula", f"y ~ {CODE}", UnsafeFitError, "formula"),
    ("splines", "encoding/rhs", CODE, UnsafeFitError, "formula"),
    ("formula", "encoding/rhs", "x + z + {x.__class__}", UnsafeFitError, "Braces"),
    ("formula", "encoding/rhs", "x + z + x.__class__()", UnsafeFitError, "formula"),
    ("formula", "encoding/rhs", "z + x", DamagedFitError, "encoding"),
    ("formula", "encoding/rhs", "x + x:z", DamagedFitError, "formula"),
    ("formula", "encoding/formula", "y ~ x * z", DamagedFitError, "formula"),
    ("formula", "encoding/formula", "other ~ x + z", DamagedFitError, "formula"),
    ("formula", "encoding/formula", None, DamagedFitError, "formula"),
    ("formula", "encoding/transform_state", {CODE: {"a": 1}}, UnsafeFitError, "refused"),
    ("formula", "encoding/levels", {CODE: ["a"]}, UnsafeFitError, "refused"),
    ("formula", "encoding/names", ["Intercept", "z", "x"], DamagedFitError, "names"),
    ("formula", "encoding/names", ["Intercept", "x", "x"], DamagedFitError, "twice"),
    ("formula", "encoding/names", ["Intercept", "x"], DamagedFitError, "terms"),
    ("formula", "encoding/base", 3, DamagedFitError, "base 3 of 3"),
    ("formula", "encoding/base", -1, DamagedFitError, "encoding.base"),
    ("formula", "encoding/base", 1, None, ""),
    ("formula", "encoding/base", 2, DamagedFitError, "equations"),
    ("formula", "encoding/categories", ["A", "A", "C"], DamagedFitError, "twice"),
    ("formula", "encoding/categories", [["A"], "B", "C"], DamagedFitError, "label"),
    ("formula", "encoding/more", 1, DamagedFitError, "'more'"),
    ("formula", "estimates/params/0", [1.0, 2.0], DamagedFitError, "estimates.params"),
    ("formula", "estimates/params/0/0", "NaN", DamagedFitError, "not finite"),
    ("formula", "estimates/params", [[0.0] * 3] * 100_000, DamagedFitError, "100000 rows"),
    ("formula", "estimates/params/0/0", 1e308, DamagedFitError, "no fit finds"),
    ("formula", "estimates/loglike", 3.0, DamagedFitError, "no log-likelihood"),
    ("formula", "estimates/score", None, DamagedFitError, "estimates.score"),
    ("formula", "null/loglike", 1e-9, DamagedFitError, "no log-likelihood"),
    ("formula", "covariance/kind", "nonrobustnonrobust", DamagedFitError, "covariance.kind"),
    ("cluster", "covariance/kind", "HC1", DamagedFitError, "another covariance"),
    ("formula", "facts/hits/0", -1.0, DamagedFitError, "below zero"),
    ("formula", "facts/probabilities/0/1", -1e308, DamagedFitError, "below zero"),
    ("formula", "facts/imprint", [[1.0, 2.0]], DamagedFitError, "facts.imprint"),
    ("cluster", "covariance/request/settings/options", {"evil": "g"}, DamagedFitError, "options"),
    ("formula", "estimates/status", "__class__", DamagedFitError, "status"),
    ("formula", "estimates/inverse/1/1", -1.0, DamagedFitError, "negative variance"),
    ("formula", "covariance/matrix/1/1", -1.0, DamagedFitError, "negative variance"),
    ("formula", "covariance/matrix/2", [0.5, 0.5], DamagedFitError, "lower triangle"),
    ("formula", "covariance/matrix", None, DamagedFitError, "covariance.matrix"),
    ("formula", "covariance/inner", "estimates.params", DamagedFitError, "covariance.inner"),
    ("formula", "basis/scale/0", 0.0, DamagedFitError, "basis"),
    ("formula", "basis/r/0", [0.0, 0.0, 0.0], DamagedFitError, "pivot"),
    ("formula", "basis/intercept", 7, DamagedFitError, "basis.intercept"),
    ("formula", "nobs", 12, DamagedFitError, "categories have"),
    ("formula", "audit/rows_used", 10**6, DamagedFitError, "audit"),
    ("formula", "audit/categories/0/1", -5, DamagedFitError, "negative"),
    ("formula", "weight_type", "heavy", DamagedFitError, "weight_type"),
    ("formula", "request/method", "eval", DamagedFitError, "request"),
    ("formula", "trace/stage", [], DamagedFitError, "trace"),
    ("formula", "separation/verdict", "complete", DamagedFitError, "verdict"),
    ("quasi-complete", "separation/verdict", "none", DamagedFitError, "verdict"),
    ("quasi-complete", "separation/free", None, DamagedFitError, "only some"),
    ("quasi-complete", "separation/examples/0/0", 9, DamagedFitError, "examples"),
    ("constraints", "restriction", None, DamagedFitError, "in force"),
    ("constraints", "constraints/held/0", 1, DamagedFitError, "held"),
    ("constraints", "constraints/given/relations/0", "==", DamagedFitError, "relations"),
    ("cluster", "data/codes/0", 3, DamagedFitError, "no category"),
    ("cluster", "data/codes/0", 1, DamagedFitError, "rows do not belong"),
    ("cluster", "data/rows", 10**9, DamagedFitError, "data.rows"),
    ("cluster", "data/columns/0/values/0", 100.0, DamagedFitError, "rows do not belong"),
    ("cluster", "data/columns/0/name", "other", DamagedFitError, "lacks"),
    ("cluster", "data/weights", [1.0] * 160, DamagedFitError, "weights"),
    ("cluster", "data/index/values", [0, 10**12, 1], DamagedFitError, "index"),
]


@pytest.mark.parametrize(("name", "place", "value", "error", "said"), CHANGES)
def test_contradictions_with_a_right_checksum_are_told(
    name, place, value, error, said, files, tmp_path
):
    members = read_members(files[name])
    path = sign(tmp_path / "fit.json", put(members, place, value))
    if error is None:
        assert ml.load(path).base == "B"
        return
    with pytest.raises(error, match=said) as told:
        ml.load(path)
    assert "fit.json" in str(told.value)
    assert not Path("/tmp/mlelogit-was-here").exists()


VALUES = [None, "x", "NaN", -1, 1, 2**53, 1e308, -0.5, True, [], [[]], {}, [0.5], ["a"], CODE]
VALUES += [{"type": "tuple", "value": [1]}, {"a": 1}]


def list_places(node, at=()):
    if at:
        yield at
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for name, item in items:
            yield from list_places(item, (*at, name))


def change_at_random(members, rng):
    place = rng.choice(list(list_places(members)))
    place = place[: rng.randint(1, len(place))]
    changed = copy.deepcopy(members)
    node = changed
    for name in place[:-1]:
        node = node[name]
    node[place[-1]] = rng.choice(VALUES)
    return changed


@pytest.mark.parametrize("name", ["formula", "splines", "quasi-complete", "constraints", "cluster"])
def test_random_changes_are_told_or_harmless(name, files, tmp_path):
    rng, new = random.Random(3), make(name).new
    members = read_members(files[name])
    for _ in range(30):
        path = sign(tmp_path / "fit.json", change_at_random(members, rng))
        try:
            results = ml.load(path)
        except SavedFitError:
            continue
        # Numbers as large as a double can be overflow, with numpy's own warning.
        with contextlib.suppress(MNLogitError), np.errstate(all="ignore"):
            assert results.summary().as_text()
            assert len(results.predict(new)) == len(new)


def list_leaves(node, at=()):
    """Return the places of leaves; of items that are alike those of the first and the last."""
    if isinstance(node, dict):
        for name, item in node.items():
            yield from list_leaves(item, (*at, name))
    elif isinstance(node, list) and node:
        for i in sorted({0, len(node) - 1}):
            yield from list_leaves(node[i], (*at, i))
    else:
        yield at


QUESTIONS = {
    "summary": lambda r, fit: r.summary().as_text(),
    "tidy": lambda r, fit: r.tidy(),
    "predict": lambda r, fit: r.predict(fit.new, offset=fit.offset),
    "rebase": lambda r, fit: r.rebase(r.categories[-1]).tidy(),
    "fit_statistics": lambda r, fit: r.fit_statistics(),
    "score_test": lambda r, fit: r.score_test(r.params.index[-1]),
    "calls": lambda r, fit: ast.parse(write_call(Scope(r.record, r.covariance, print))),
    "str": lambda r, fit: f"{r.separation}{r.certificate}{r.audit}{r.trace}",
}
LEAVES = ["formula", "splines", "quasi-complete", "constraints", "cluster", "HAC", "mean"]


@pytest.fixture(scope="module")
def changed():
    """Return the places that were changed in a fit before."""
    return set()


@pytest.mark.parametrize("name", LEAVES)
def test_no_leaf_of_another_type_is_taken(name, changed, tmp_path):
    """With a right checksum it is refused when it is loaded, or every answer is one."""
    fit, path = make(name), tmp_path / "fit.json"
    members = read_members(fit.results.save(path).read_bytes())
    places = [place for place in list_leaves(members) if place not in changed]
    changed |= set(places)
    taken = 0
    for place, value in itertools.product(places, ("evil", 2.5, [1], None)):
        sign(path, put(members, "/".join(map(str, place)), value))
        try:
            results = ml.load(path)
        except SavedFitError:
            continue
        taken += 1
        for ask in QUESTIONS.values():
            with contextlib.suppress(MNLogitError), np.errstate(all="ignore"):
                ask(results, fit)
    assert 0 < taken < len(places) * 4


def test_a_module_is_not_imported_by_its_name(files, tmp_path, monkeypatch):
    """Neither by loading nor by asking for a frame: the kind is one of three words."""
    (tmp_path / "evil.py").write_text("raise AssertionError('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    members = read_members(files["formula"])
    for kind in ("evil", "os", "polars.io", "", 3, None, ["polars"], {"type": "bytes"}):
        path = sign(tmp_path / "fit.json", put(members, "encoding/frame_kind", kind))
        with pytest.raises(DamagedFitError, match=r"encoding\.frame_kind"):
            ml.load(path)
        with pytest.raises(ml.exceptions.OptionError):
            give_out(make("formula").results.params, kind)
    assert "evil" not in sys.modules


def test_every_field_has_a_reader_of_its_own():
    assert READERS.keys() == {field.name for field in dataclasses.fields(Encoding)}
    assert OPTIONS.keys() == {option for options in TAKES.values() for option in options}


def test_a_file_that_was_formatted_anew_says_so(files, tmp_path):
    made, path = json.loads(files["formula"]), tmp_path / "fit.json"
    for indent in (2, 4):
        path.write_text(json.dumps(made, indent=indent))
        with pytest.raises(DamagedFitError, match="formatted anew"):
            ml.load(path)
    path.write_text(json.dumps(made, separators=(",", ":")))
    with pytest.raises(ForeignFitError, match="formatted anew"):
        ml.load(path)
    for old, new in (
        (b'"version": 1', b'"version": -1'),
        (b'"written_by": "', b'"written_by": 3, "'),
    ):
        path.write_bytes(files["formula"].replace(old, new, 1))
        with pytest.raises(ForeignFitError, match=r'"version": a whole number'):
            ml.load(path)


def test_the_checksum_is_of_what_the_page_says(files):
    data = files["formula"]
    before = data[: data.rindex(b',\n "checksum"')]
    assert json.loads(data)["checksum"] == f"sha256:{hashlib.sha256(before).hexdigest()}"


def test_saving_over_a_file_is_all_or_nothing(files, tmp_path, monkeypatch):
    path = tmp_path / "fit.json"
    path.write_bytes(files["formula"])

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr("mlelogit.saving.document._write", fail)
    with pytest.raises(MemoryError):
        make("splines").results.save(path)
    assert path.read_bytes() == files["formula"]
    assert [one.name for one in tmp_path.iterdir()] == ["fit.json"]


def test_flags_are_flags(tmp_path):
    results = make("formula").results
    with pytest.raises(ml.exceptions.OptionError):
        results.save(tmp_path / "fit.json", data="yes")
    with pytest.raises(ml.exceptions.OutputFileError):
        results.save(tmp_path)
    path = results.save(tmp_path / "fit.json")
    with pytest.raises(MNLogitError):
        ml.load(path, data=np.ones((3, 2)))
