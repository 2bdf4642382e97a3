"""The maximum of the log-likelihood under equations and bounds."""
