"""What a developer or an operator writes: its shape, how it is read, and every error with its place in the file."""
