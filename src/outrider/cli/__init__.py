"""The command line: one module per group of verbs, each a thin face over the portal's API or over files."""
