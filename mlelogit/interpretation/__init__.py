"""Predictions and residuals: functions of a fit record."""
