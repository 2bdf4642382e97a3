"""
A bootstrap distribution
========================

What a coefficient would have been in 500 samples drawn from these people with replacement, and
the normal law that the standard error supposes. That they agree is why the simple interval will
do.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

import mlelogit as ml

anes = ml.datasets.load_anes96()
res = ml.mnlogit("vote ~ selfLR + educ", anes).fit()
position = list(res.params.index).index("selfLR")
draws = res.bootstrap(500, seed=0).replicates[:, position]
estimate = res.params.loc["selfLR", "Dole"]
error = res.bse.loc["selfLR", "Dole"]

figure, ax = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
ax.hist(draws, bins=30, density=True, color="C0", alpha=0.35)
grid = np.linspace(draws.min(), draws.max(), 200)
ax.plot(grid, norm.pdf(grid, estimate, error), color="C1")
ax.set(xlabel="Coefficient of selfLR, Dole against Clinton", ylabel="Density")
