"""
Likelihood up, cross-entropy down
=================================

The log-likelihood of a network with a hidden layer climbs from left to right, and the cross-
entropy falls. One is minus the other, so that the two curves are mirror images.
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
res = ml.networks.fit_network(module, X, y, l2=1.0)

res.plot.trace()
