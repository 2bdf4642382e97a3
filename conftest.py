"""What is collected for doctests: modules of extras only where these are installed."""

from importlib.util import find_spec

# What runs there -> the package that it needs.
_NEEDS = {
    "mlelogit/estimator.py": "sklearn",
    "mlelogit/networks/*": "torch",
    "mlelogit/bridges/marginaleffects.py": "marginaleffects",
    "mlelogit/bridges/adapter.py": "marginaleffects",
}
collect_ignore_glob = [place for place, package in _NEEDS.items() if find_spec(package) is None]
