"""
Small multiples
===============

The same probabilities over four variables on one scale: views move them, age and income hardly do. One
legend serves all panels.
"""

import matplotlib.pyplot as plt
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
names = {"selfLR": "Right of centre", "educ": "Education", "age": "Age", "income": "Income"}
res = ml.mnlogit("party ~ selfLR + educ + age + income", anes).fit()

figure, axes = plt.subplots(2, 2, figsize=(7, 5.5), sharey=True, layout="constrained")
for ax, (variable, name) in zip(axes.flat, names.items(), strict=True):
    res.plot.probabilities(variable, ax=ax)
    ax.set(title="", xlabel=name, ylabel="Probability" if ax in axes[:, 0] else "")
    ax.set_title("", loc="left")
    legend = ax.get_legend()
    legend.remove()
figure.legend(legend.legend_handles, parties, loc="outside lower center", ncols=3, frameon=False)
