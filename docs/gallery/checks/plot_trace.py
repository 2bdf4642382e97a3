"""
The climb to the maximum
========================

What log-likelihood was left to gain at every step, on a log scale, down to the rounding of the
numbers. The certificate above it is the proof of how far the maximum can be.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()

res.plot.trace()
