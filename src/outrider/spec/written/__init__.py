"""A person's file changed by a program: only what changes is touched, every other byte stays."""
