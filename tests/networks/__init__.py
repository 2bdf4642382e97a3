"""Softmax networks by maximum likelihood."""
