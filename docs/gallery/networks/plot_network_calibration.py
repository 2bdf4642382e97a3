"""
Calibration of a network
========================

A network fitted to half of the people, judged on the other half: points should lie on the
diagonal, as far as their intervals tell. The means and spreads here are those of all rows; use
those of the fit's.
"""

import pandas as pd
import torch

import mlelogit as ml

anes = ml.datasets.load_anes96(labels=False)
parties = ["Democrat", "Independent", "Republican"]
y = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties).rename("party")
X = anes[["age", "educ", "selfLR"]]
X = (X - X.mean()) / X.std()
torch.manual_seed(0)
layers = torch.nn.Linear(3, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)
module = torch.nn.Sequential(*layers)
res = ml.networks.fit_network(module, X.iloc[::2], y.iloc[::2], l2=3.0)

res.plot.calibration(X.iloc[1::2], y.iloc[1::2], bins=8)
