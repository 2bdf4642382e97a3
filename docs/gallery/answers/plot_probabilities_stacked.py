"""
Probabilities that add up to one
================================

All seven grades of party identification from left to right; at every place they add up to one.
The height of an area is a probability, so read widths from below upwards, not heights of lines.
"""

import mlelogit as ml

anes = ml.datasets.load_anes96()
res = ml.mnlogit("PID ~ selfLR + educ + age", anes, base="Independent").fit()

res.plot.probabilities("selfLR", kind="stacked")
