"""
Average marginal effects
========================

By how much a step of each variable changes the probability of each party, averaged over all
people. The effects of a variable add up to zero, since probabilities add up to one.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()

res.plot.margins(["educ", "selfLR"])
