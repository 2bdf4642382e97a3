"""What a formula learns from all rows, learned in rounds over pieces."""
