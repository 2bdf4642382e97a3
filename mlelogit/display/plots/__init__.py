"""Pictures of a fit, with matplotlib: one module per kind of question."""
