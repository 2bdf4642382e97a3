"""
Infinite coefficients
=====================

Nobody who is extremely liberal is a Republican of any kind, so some coefficients of the seven
places have no finite estimate. The picture says which, and in which direction they run.
"""

import warnings

import mlelogit as ml

anes = ml.datasets.load_anes96()
with warnings.catch_warnings():
    # It says in words what the picture shows.
    warnings.simplefilter("ignore", ml.exceptions.SeparationWarning)
    res = ml.mnlogit("PID ~ C(selfLR)", anes, base="Independent").fit()

res.plot.separation()
