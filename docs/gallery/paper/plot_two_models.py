"""
Two models side by side
=======================

Coefficients of two models in one figure: every plot method draws where ``ax=`` says. Adding views takes
nothing from the effect of schooling.
"""

import matplotlib.pyplot as plt
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)

figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharex=True, layout="constrained")
for ax, views in zip(axes, ("", " + selfLR"), strict=True):
    res = ml.mnlogit("party ~ educ + income" + views, anes, base="Independent").fit()
    res.plot.coefficients(ax=ax)
    ax.set_title("With views" if views else "Without views", loc="left")
