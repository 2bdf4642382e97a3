"""
Calibration on new people
=========================

The fit knows half of the people, the points are the other half: of those who were given 30 %, are
three in ten in the category? They should lie on the diagonal, as far as their intervals tell.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
known, new = anes.iloc[::2], anes.iloc[1::2]
res = ml.mnlogit("party ~ age + educ + selfLR", known).fit()

res.plot.calibration(new, bins=8)
