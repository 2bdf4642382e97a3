"""Predictive performance: classification, calibration and scores."""
