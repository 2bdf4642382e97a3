"""
Relative risk ratios
====================

By what factor a step of each variable multiplies the odds of a party against Independent. Left of
one the odds fall, right of it they rise; an interval that holds one leaves it open.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()
names = {"selfLR": "Right of centre", "educ": "Education", "age": "Age"}

res.plot.coefficients(exponentiate=True, names=names)
