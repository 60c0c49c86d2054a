"""What settings mean, in words."""
