"""The identity shown on a fitted network: minus log-likelihood is cross-entropy, whoever climbs."""
