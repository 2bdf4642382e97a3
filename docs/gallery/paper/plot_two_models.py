"""
Two models side by side
=======================

Coefficients of two models, each drawn into a part of one figure by ``ax=``, on one scale. Schooling
shows an effect on the odds of Democrat only where views are held the same.
"""

import matplotlib.pyplot as plt
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
names = {"educ": "Education", "income": "Income"}
figure = plt.figure(figsize=(9, 3.6), layout="constrained")
for part, views in zip(figure.subfigures(1, 2), ("", " + selfLR"), strict=True):
    model = ml.mnlogit("party ~ educ + income" + views, anes, base="Independent")
    ax = model.fit().plot.coefficients(names=names, ax=part)
    ax.set_xlim(-0.3, 0.3)
    part.suptitle("With views" if views else "Without views")
