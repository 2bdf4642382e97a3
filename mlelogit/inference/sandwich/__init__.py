"""Meats: what the scores of rows, clusters, periods and sampling units add up to."""
