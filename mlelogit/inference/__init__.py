"""Covariances, tests and fit statistics: functions of a fit record."""
