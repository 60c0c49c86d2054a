"""What runs in an environment, kept by watching its servers instead of asking them each time."""
