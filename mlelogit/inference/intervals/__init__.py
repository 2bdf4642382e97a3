"""Intervals that invert tests, and combinations and pairs to have them for."""
