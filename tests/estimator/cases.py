"""The estimators that scikit-learn's checks are run on, and the data of several tests."""

import numpy as np

import mlelogit as ml

FEATURES = ["logpopul", "selfLR", "age", "educ", "income"]
# Why a check cannot hold under the rule named; docs/guides/scikit_learn.md says the same.
UNDETERMINED = (
    "the rows without weight get classes that the limit of maximum likelihood does not determine"
)
EXPECTED = {
    "separated='limit'": {
        "check_sample_weight_equivalence_on_dense_data": UNDETERMINED,
        "check_sample_weight_equivalence_on_sparse_data": UNDETERMINED,
    },
}


def list_estimators():
    make = ml.MNLogitClassifier
    return [
        make(),
        make(bias_reduction="mean"),
        make(bias_reduction="median", method="lbfgs"),
        make(fit_intercept=False, weight_type="frequency", threads=1),
        make(separated="limit"),
    ]


def find_expected(estimator):
    """Return the checks that cannot pass, each with its reason."""
    return EXPECTED["separated='limit'"] if estimator.separated == "limit" else {}


def load_anes(outcome="PID"):
    anes = ml.datasets.load_anes96()
    return anes[FEATURES], np.asarray(anes[outcome], dtype=str)


def draw_overlapping(rng, rows=60, classes=3, columns=2):
    """Draw rows of classes that overlap."""
    X = rng.normal(size=(rows, columns))
    scores = np.column_stack([X[:, 0] * k / 2 for k in range(classes)])
    return X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


def draw_separated(rng, rows=30):
    """Draw rows of three classes that the first column tells apart."""
    X = rng.normal(size=(rows, 2))
    X[:, 0] = np.sort(X[:, 0]) + np.repeat([-3.0, 0.0, 3.0], rows // 3)
    return X, np.repeat([0, 1, 2], rows // 3)
