"""
Coefficients of many categories
===============================

Six equations beside each other, log-odds against Independent per standard deviation of each
variable. Leaners (third and fourth panel) stand beside the weak partisans of their side.
"""

import mlelogit as ml

anes = ml.datasets.load_anes96()
model = ml.mnlogit("PID ~ selfLR + ClinLR + educ + age", anes, base="Independent")
res = model.fit()

res.plot.coefficients(panels=True, per="sd")
