"""
Small multiples
===============

The same probabilities over four variables on one scale: views move them, age hardly does. Each
panel is drawn by ``ax=``, and one legend is moved out to serve them all.
"""

import matplotlib.pyplot as plt
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
names = {"selfLR": "Right", "educ": "Education", "age": "Age", "income": "Income"}
res = ml.mnlogit("party ~ selfLR + educ + age + income", anes).fit()

figure, axes = plt.subplots(2, 2, sharey=True, figsize=(7, 5.5), layout="constrained")
for ax, (variable, name) in zip(axes.flat, names.items(), strict=True):
    res.plot.probabilities(variable, ax=ax)
    ax.set(xlabel=name, ylabel="")
    ax.set_title("", loc="left")
    ax.texts[0].remove()
    legend = ax.get_legend()
    legend.remove()
    words = [text.get_text() for text in legend.get_texts()]
figure.supylabel("Probability")
look = {"loc": "outside lower center", "ncols": 3, "frameon": False}
figure.legend(legend.legend_handles, words, **look)
