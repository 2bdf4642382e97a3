"""Rows that are not in memory: read in pieces, of which only sums are kept."""
