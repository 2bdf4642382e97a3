"""
Probabilities of a factor
=========================

The vote by party identification, a factor: points with 95 % intervals for every level. An
interval that is wide has few people, such as the 37 Independents.
"""

import mlelogit as ml

anes = ml.datasets.load_anes96()
res = ml.mnlogit("vote ~ PID", anes).fit()

res.plot.probabilities("PID")
