"""From row blocks to sums to the maximum to the fit record."""
