"""The report: everything about a fit on one page that stands by itself."""
