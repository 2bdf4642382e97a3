"""
Residuals over a variable
=========================

What was observed less what was predicted, in bins of a variable, for every party. Points that
leave the grey band in a row, or make a bow, say that the variable needs a curve.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()

res.plot.residuals("DoleLR")
