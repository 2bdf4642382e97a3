"""Correct digits of whole fits beside peers' fits: ``python -m tests.digits``."""
