"""From a DataFrame to a design to row blocks."""
