"""What stops a change before it begins: one module per kind of blocker, gathered in one list."""
