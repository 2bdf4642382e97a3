"""
Probabilities in a triangle
===========================

Three probabilities are a point in a triangle: a corner is certainty, the centre a third each. Dots are
people; the line is the average person, moved from extremely liberal to extremely conservative.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
res = ml.mnlogit("party ~ age + educ + selfLR", anes).fit()
moved = pd.DataFrame(
    {"age": anes["age"].mean(), "educ": anes["educ"].mean(), "selfLR": range(1, 8)}
)

corners = np.array([[0, 0], [0.5, 3**0.5 / 2], [1, 0]])
people, path = res.fittedvalues.to_numpy() @ corners, res.predict(moved).to_numpy() @ corners
figure, ax = plt.subplots(figsize=(5.5, 4.8), layout="constrained")
ax.fill(*corners.T, facecolor="none", edgecolor="0.5")
for code, (color, party) in enumerate(zip(("C0", "0.4", "C3"), parties, strict=True)):
    own = (anes["party"] == party).to_numpy()
    ax.scatter(*people[own].T, s=6, color=color, alpha=0.5)
    side = {"ha": ("left", "center", "right")[code], "va": ("top", "bottom", "top")[code]}
    ax.annotate(
        party, corners[code], (0, 6 if code == 1 else -6), textcoords="offset points", **side
    )
ax.plot(*path.T, "k-o", markersize=3)
ax.set_aspect("equal")
ax.axis("off")
