"""An outcome of three categories and a design, in every type the tests need."""

import numpy as np

ROWS = 120
CODES = np.random.default_rng(11).integers(0, 3, ROWS)
DESIGN = np.column_stack([np.ones(ROWS), np.random.default_rng(12).normal(size=ROWS)])
ONE_HOT = np.eye(3)[CODES]
ENUM = ["c", "a", "b"]


def pick(*labels):
    return [labels[code] for code in CODES]


def check_same_fit(result, plain, permutation=(0, 1, 2)):
    """The labels changed their names and perhaps their order, the fit did not."""
    np.testing.assert_allclose(result.llf, plain.llf, rtol=1e-12)
    np.testing.assert_allclose(
        result.predict(frame="pandas"), plain.fittedvalues.to_numpy()[:, permutation], rtol=1e-7
    )
