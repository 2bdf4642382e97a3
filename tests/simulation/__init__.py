"""Coverage of intervals and size of tests by simulation: ``python -m tests.simulation``."""
