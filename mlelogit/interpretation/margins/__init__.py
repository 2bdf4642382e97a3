"""Marginal effects: what probabilities do when a variable changes."""
