"""What the command line takes and gives: its options, and tables as they are named there."""
