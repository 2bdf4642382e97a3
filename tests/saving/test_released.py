"""Files of every released version are loaded, and hold the numbers of R and of the likelihood.

The files are written once per release, by ``python -m tests.saving.write_released``.
"""

import hashlib
import json
from dataclasses import fields

import numpy as np
import numpy.testing as npt
import pytest

import mlelogit as ml
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.rows import Audit
from mlelogit.exceptions import DamagedFitError
from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.constrained.constraints import Constraints
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import AdjustedScore, Status, Trace
from mlelogit.fitting.record import FitRequest, NullModel, RowFacts
from mlelogit.saving import conditions, covariances, estimates, files, held, kinds, records, values
from mlelogit.saving.document import VERSION, read_document, write_document
from tests.reference_cases import load_case
from tests.saving.fits import make
from tests.saving.write_released import FOLDER, KINDS, REFERENCE, write
from tests.test_reference import BIAS_KINDS, align

pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
RELEASED = sorted(path for path in FOLDER.iterdir() if path.is_dir())
# Version of the format -> the SHA-256 of its schema, as below. A change of the schema is a new
# version with a function in `mlelogit.saving.files.UPGRADES`, once the one here was released.
SCHEMAS = {1: "68a285bde5bb1a192b8a7d6ceb4fef2e1394355c0530422679fb6566efeb1c04"}
RECORDS = (Encoding, Audit, RowFacts, FitRequest, NullModel, Certificate, Trace, ColumnBasis)
RECORDS += (Restriction, Constraints, AdjustedScore)


def describe_schema():
    """Return every name that a file of this version has."""
    parts = {record.__name__: [field.name for field in fields(record)] for record in RECORDS}
    parts["document"] = sorted(records.PARTS)
    parts["estimates"] = sorted(estimates.MAXIMUM)
    parts["separation"] = sorted(conditions.SEPARATION)
    parts["covariance"] = sorted(covariances.FIELDS)
    parts["data"] = sorted(held.PARTS)
    parts["types"] = sorted([*kinds.LEAVES, *values.CONTAINERS])
    parts["status"] = sorted(Status.__members__)
    return json.dumps(parts, sort_keys=True)


def test_a_change_of_the_schema_is_a_new_version():
    found = hashlib.sha256(describe_schema().encode()).hexdigest()
    assert SCHEMAS[VERSION] == found, (
        "What a saved fit holds has changed. If this version of the format was released, raise "
        "VERSION, add a function to UPGRADES and keep the files of tests/saving/released; else "
        "write them anew and put the new hash here."
    )
    assert set(files.UPGRADES) == set(range(1, VERSION))


def test_this_version_has_its_files(tmp_path):
    folder = FOLDER / ml.__version__
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}.json" for name in REFERENCE} | {f"kind {name}.json" for name in KINDS}
    write(tmp_path)
    for name in names:
        old, new = (json.loads((one / name).read_text("utf-8")) for one in (folder, tmp_path))
        assert old["version"] == VERSION
        assert list_names(old) == list_names(new)


def list_names(node, place=""):
    """Return the places of all members of a document that are no data of a fit."""
    found = {place}
    for name, item in node.items() if isinstance(node, dict) else ():
        found |= list_names(item, f"{place}/{name}")
    return found


@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", REFERENCE)
def test_released_files_hold_what_r_found(folder, name):
    results = ml.load(folder / f"{name}.json")
    case = load_case(name.partition(" ")[0])
    if "mean" in name:
        truth = next(
            one for one in case.truth["bias_reduced"] if BIAS_KINDS.get(one["type"]) == "mean"
        )
        table = case.table("coef", truth)
        npt.assert_allclose(align(case, results.params, table), table, rtol=1e-6)
        return
    predicted = results.predict(case.data.dropna())
    assert ((predicted >= 0) & (predicted <= 1)).all(axis=None)
    if name == "iris":
        assert results.separation.verdict in ("quasi-complete", "complete")
        return
    bse = case.table("se")
    if "robust" in name:
        robust = case.truth["extra"]["robust"]["HC0_se"]
        bse = case.table("HC0_se", {"HC0_se": robust})
        npt.assert_allclose(align(case, results.bse, bse), bse, rtol=1e-6)
        return
    npt.assert_allclose(align(case, results.bse, bse), bse, rtol=1e-7)
    truth = case.table("coef")
    npt.assert_array_less(np.abs(align(case, results.params, truth) - truth) / bse, 1e-7)
    npt.assert_allclose(results.llf, case.truth["loglik"], rtol=1e-9)
    npt.assert_allclose(results.llnull, case.truth["loglik_null"], rtol=1e-9)
    npt.assert_allclose(results.aic, case.truth["aic"], rtol=1e-9)


@pytest.mark.parametrize("folder", RELEASED, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", KINDS)
def test_released_files_predict_with_the_likelihood_that_they_say(folder, name):
    """The outcomes' probabilities by the file's formula and encoding give the log-likelihood."""
    results, fit = ml.load(folder / f"kind {name}.json"), make(name)
    design = fit.results.record.blocks.design
    exog = fit.rows["exog"] if isinstance(fit.rows, dict) else fit.rows
    offset = fit.rows[["oA", "oB", "oC"]] if results.record.has_offset else None
    predicted = results.predict(exog, offset=offset).to_numpy()
    own = predicted[np.arange(len(predicted)), design.outcome.codes]
    npt.assert_allclose(np.log(own).sum(), results.llf, rtol=1e-9, atol=1e-7)
    assert results.categories == fit.results.categories
    assert list(map(type, results.categories)) == list(map(type, fit.results.categories))
    assert list(results.params.index) == list(fit.results.params.index)
    again = ml.load(folder / f"kind {name}.json", data=fit.rows)
    npt.assert_allclose(again.predict(), predicted, rtol=1e-9, atol=1e-12)


def test_an_older_version_is_made_the_next_and_the_next(monkeypatch, tmp_path):
    """Of an invented version -1 that called trace climb, by way of 0 that had no facts."""
    path = make("formula").results.save(tmp_path / "fit.json")
    members = read_document(path.read_bytes(), {})
    facts = members.pop("facts")
    older = {("climb" if name == "trace" else name): part for name, part in members.items()}

    def from_first(content):
        return {("trace" if name == "climb" else name): part for name, part in content.items()}

    def from_second(content):
        return {**content, "facts": facts}

    monkeypatch.setattr("mlelogit.saving.document.VERSION", 3)
    text = "".join(write_document(older, "0.0.1", version=1))
    upgrades = {1: from_first, 2: from_second}
    assert read_document(text.encode(), upgrades, version=3).keys() == members.keys() | {"facts"}
    text = "".join(write_document(older, "0.0.1", version=0))
    with pytest.raises(DamagedFitError, match="never was"):
        read_document(text.encode(), upgrades, version=3)


def test_a_new_field_with_a_default_does_not_break_old_files(tmp_path):
    path = make("formula").results.save(tmp_path / "fit.json")
    members = read_document(path.read_bytes(), {})
    del members["encoding"]["wide"]
    path.write_text("".join(write_document(members, "0.1.0")), encoding="utf-8")
    assert ml.load(path).record.encoding.wide is False
    members["encoding"]["later"] = 1
    path.write_text("".join(write_document(members, "0.1.0")), encoding="utf-8")
    with pytest.raises(DamagedFitError, match=r"encoding has a member 'later'"):
        ml.load(path)
