"""What is known of the point where a network's climb ends."""
