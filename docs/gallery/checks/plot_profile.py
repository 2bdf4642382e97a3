"""
Profile likelihood
==================

The log-likelihood over one coefficient, all others at their best, beside the parabola that Wald
intervals suppose. Where the two differ, as here with sixty people, take the profile.
"""

import mlelogit as ml

anes = ml.datasets.load_anes96().iloc[:60]
res = ml.mnlogit("vote ~ selfLR + DoleLR", anes).fit()

res.plot.profile("Dole: selfLR")
