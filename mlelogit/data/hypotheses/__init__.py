"""Hypotheses and constraints, read from words people write."""
