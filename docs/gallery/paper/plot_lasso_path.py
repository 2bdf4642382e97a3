"""
The path of the lasso
=====================

Coefficients of the Republican equation as the penalty gets weaker from left to right; a variable enters
where its line leaves zero. Dashed is the penalty that cross-validation takes by the rule of one error.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
columns = ["selfLR", "ClinLR", "DoleLR", "educ", "age", "income"]
standard = (anes[columns] - anes[columns].mean()) / anes[columns].std()
path = ml.MNLogit(anes["party"], standard.assign(const=1.0)).fit_path()
chosen = path.cross_validate(seed=0).one_se

figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for name in columns:
    lines = [path.coefficients(penalty).loc[name, "Republican"] for penalty in path.penalties]
    ax.plot(-np.log10(path.penalties), lines, label=name)
ax.axvline(-np.log10(chosen), color="0.4", linestyle="--")
ax.set(xlabel="Minus log10 of the penalty", ylabel="Log-odds per standard deviation")
ax.legend(loc="upper left", frameon=False)
