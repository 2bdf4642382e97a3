"""Predicted probabilities with standard errors and intervals."""
