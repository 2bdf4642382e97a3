"""Diagnostics: residuals, influence, and the rows predicted worst."""
