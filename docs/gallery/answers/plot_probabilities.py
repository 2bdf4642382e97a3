"""
Probabilities along a variable
==============================

How the probabilities of three parties move along the scale from left to right (1 to 7), all else
as it is in the data. Bands are 95 % intervals of each probability for itself, and stay between 0
and 1.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()

res.plot.probabilities("selfLR")
