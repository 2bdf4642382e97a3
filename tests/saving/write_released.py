"""Write the saved fits of a release: ``python -m tests.saving.write_released`` before it is tagged.

They are kept as they are for good; a version of the package that cannot load them is no release.
"""

import warnings
from pathlib import Path

import mlelogit as ml
from tests.reference_cases import build_model
from tests.saving.fits import MAKERS, make

FOLDER = Path(__file__).parent / "released"
# Fits that R and Stata have made too, and what else is asked of them; see tests/reference.
REFERENCE = {
    "hsbdemo": {},
    "housing_main": {},
    "penguins": {},
    "pneumo": {},
    "hsbdemo robust": {"cov_type": "HC0"},
    "hsbdemo mean": {"bias_reduction": "mean"},
    "iris": {},
}
# Kinds of tests/saving/fits.py, which mean the same to whoever computes their likelihood.
KINDS = ("splines", "contrasts", "offset", "omitted", "constraints", "cluster", "named arrays")
KINDS += ("dates", "sparse", "quasi-complete")
HELD = ("cluster", "named arrays")


def write(folder):
    """Write all of them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, options in REFERENCE.items():
        results = build_model(name.partition(" ")[0]).fit(**options)
        results.save(folder / f"{name}.json")
    for name in KINDS:
        make(name).results.save(folder / f"kind {name}.json", data=name in HELD)


if __name__ == "__main__":
    assert set(KINDS) <= set(MAKERS)
    warnings.simplefilter("ignore")
    write(FOLDER / ml.__version__)
