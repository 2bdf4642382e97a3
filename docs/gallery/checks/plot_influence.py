"""
Influence of single rows
========================

How far all coefficients move if one person is left out, against how unusual that person's
variables are. Named are the rows that move them most; high up and far right is where to look.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()

res.plot.influence()
