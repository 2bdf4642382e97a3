"""The reference cases of ``tests/reference``: their data, and what R found on them."""

import functools
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.ways import WAYS

FOLDER = Path(__file__).parent / "reference"
# Files are read again whenever their rows are needed; they go when the tests end.
FILES = tempfile.TemporaryDirectory()
SEPARATED = ("bankwages_full", "iris")
PENALIZED = tuple(sorted(path.stem for path in (FOLDER / "truth").glob("glmnet_*.json")))
PLAIN = tuple(
    sorted(
        path.stem
        for path in (FOLDER / "truth").glob("*.json")
        if path.stem not in (*SEPARATED, *PENALIZED)
    )
)


@dataclass(frozen=True)
class Case:
    """One case: its truth file, its data, and lookups by our own labels."""

    truth: dict
    data: pd.DataFrame

    @property
    def formula(self):
        return self.truth["patsy_formula"]

    @property
    def options(self):
        weights = self.truth["weights"]
        weighted = {"weights": weights, "weight_type": "frequency"} if weights else {}
        return {"base": self.label(self.truth["base"]), "missing": "drop", **weighted}

    def label(self, name):
        """Turn a category's name in the truth file into the label in the data."""
        if pd.api.types.is_numeric_dtype(self.data[self.truth["outcome"]]):
            return int(name)
        return name

    @property
    def categories(self):
        return [self.label(name) for name in self.truth["categories"]]

    def table(self, key, block=None):
        """Lay a truth's ``{category: {term: value}}`` out as ``results.params`` is."""
        values = (self.truth if block is None else block)[key]
        columns = {
            self.label(category): [row[term] for term in self.truth["terms"]]
            for category, row in values.items()
        }
        return pd.DataFrame(columns, index=self.truth["patsy_names"])

    @property
    def vcov(self):
        labels = pd.MultiIndex.from_product([self.categories[1:], self.truth["patsy_names"]])
        return pd.DataFrame(np.array(self.truth["vcov"]), index=labels, columns=labels)


@functools.cache
def load_case(name):
    truth = json.loads((FOLDER / "truth" / f"{name}.json").read_text(encoding="utf-8"))
    return Case(truth, pd.read_csv(FOLDER / truth["data"]))


@functools.cache
def build_model(name):
    """Build the model through the formula interface."""
    case = load_case(name)
    return ml.mnlogit(case.formula, case.data, **case.options)


@functools.cache
def build_array_model(name):
    """Build the same model from bare arrays: labels, matrix and weights of the rows used."""
    case, model = load_case(name), build_model(name)
    rows = model.design.index
    outcome = case.data.loc[rows, case.truth["outcome"]].to_numpy()
    matrix = model.design.source.block(0, len(rows)).T.copy()
    options = {"base": case.options["base"]}
    if case.truth["weights"]:
        weights = case.data.loc[rows, case.truth["weights"]].to_numpy()
        options |= {"weights": weights, "weight_type": "frequency"}
    return ml.MNLogit(outcome, matrix, **options)


@functools.cache
def fit_case(name, through="formula"):
    if through == "formula":
        return build_model(name).fit()
    if through not in WAYS:
        return build_array_model(name).fit()
    case = load_case(name)
    rows = WAYS[through](case.data, Path(tempfile.mkdtemp(dir=FILES.name)))
    return ml.mnlogit(case.formula, **rows, **case.options).fit()
