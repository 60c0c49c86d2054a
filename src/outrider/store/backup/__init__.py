"""A copy of the whole store in one file, in a form of its own: from either database into either."""
