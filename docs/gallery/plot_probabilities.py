"""
Probabilities along a variable
==============================

How the probabilities of three parties move along the scale from left to right, all else as it is
in the data.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
res = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent").fit()

res.plot.probabilities("selfLR")
