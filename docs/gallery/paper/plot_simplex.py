"""
Probabilities in a triangle
===========================

Three probabilities are a point in a triangle: a corner is certainty, the centre a third each.
Dots are people in the colour of their party; the line is the average person, moved from extremely
liberal to extremely conservative.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
res = ml.mnlogit("party ~ age + educ + selfLR", anes).fit()
average = anes[["age", "educ"]].mean()
moved = pd.DataFrame({**average, "selfLR": range(1, 8)}, index=range(7))

corners = np.array([[0, 0], [0.5, 0.866], [1, 0]])
people = res.fittedvalues.to_numpy() @ corners
path = res.predict(moved).to_numpy() @ corners
colors = anes["party"].map(dict(zip(parties, ["C0", "C2", "C3"], strict=True)))
figure, ax = plt.subplots(figsize=(5.5, 5), layout="constrained")
ax.fill(*corners.T, facecolor="none", edgecolor="0.5")
ax.scatter(*people.T, s=6, c=colors, alpha=0.6)
ax.plot(*path.T, "k-o", markersize=3)
for party, (x, y), side in zip(parties, corners, ["top", "bottom", "top"], strict=True):
    ax.text(x, y, f"\n{party}\n", ha="center", va=side, linespacing=0.6)
ax.set_aspect("equal")
ax.axis("off")
