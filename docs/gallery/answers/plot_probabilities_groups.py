"""
Probabilities by group
======================

The same curves in two groups, here people without and with a college degree (a bachelor's or
more), each averaged over its own rows. Panels have one scale, so that heights can be compared.
"""

import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
college = (anes["educ"] >= 6).map({True: "degree", False: "no degree"})
anes["college"] = college
res = ml.mnlogit("party ~ age + selfLR * college", anes).fit()

res.plot.probabilities("selfLR", by="college")
