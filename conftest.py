"""What is collected for doctests: modules of extras only where these are installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("sklearn") else ["mlelogit/estimator.py"]
