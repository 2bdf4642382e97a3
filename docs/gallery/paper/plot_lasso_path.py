"""
The path of the lasso
=====================

Coefficients of the Republican equation as the penalty gets weaker from left to right; a variable
enters where its line leaves zero. Dashed is the penalty that cross-validation takes by the rule
of one standard error.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
columns = anes[["selfLR", "ClinLR", "DoleLR", "educ", "age", "income"]]
standard = ((columns - columns.mean()) / columns.std()).assign(const=1.0)
path = ml.MNLogit(anes["party"], standard).fit_path()
chosen = path.cross_validate(seed=0).one_se

figure, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
each = [path.coefficients(one)["Republican"] for one in path.penalties]
for name in columns:
    lines = [coefficients[name] for coefficients in each]
    ax.plot(-np.log10(path.penalties), lines, label=name)
ax.axvline(-np.log10(chosen), color="0.4", linestyle="--")
ax.set_xlabel("Minus log10 of the penalty")
ax.set_ylabel("Score per standard deviation")
figure.legend(loc="outside right upper", frameon=False)
