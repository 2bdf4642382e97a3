"""What results are asked, by kind: every method is a line that delegates."""
