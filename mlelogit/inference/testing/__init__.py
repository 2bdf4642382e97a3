"""Tests: of hypotheses in words, terms, categories, assumptions and the fit."""
