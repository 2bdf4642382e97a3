"""Ridge, lasso and elastic net: penalized log-likelihoods and their paths."""
