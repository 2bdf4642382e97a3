"""
Changes from one value to another
=================================

Changes that were asked for, from one value to another, with a panel for every party. Effects that
are known already are drawn as they are, with any covariance.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
model = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent")
res = model.fit()
change = {"age": (30, 60), "educ": (3, 6), "selfLR": (2, 6)}
effects = res.with_cov("HC3").margins(list(change), change=change)

res.plot.margins(effects, panels=True)
