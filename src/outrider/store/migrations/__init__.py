"""How the database came to its present form, one module per step; they travel inside the package."""
