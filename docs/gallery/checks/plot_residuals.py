"""
Quantile residuals
==================

Randomized quantile residuals (Dunn and Smyth 1996) are standard normal if the model holds: then
the points lie along the line. Look at several seeds, since there is chance in them.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()

res.plot.residuals(seed=0)
