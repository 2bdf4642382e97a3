"""Estimates again from resamples, and from all folds but one."""
