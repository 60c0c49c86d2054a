"""What a portal does by itself, one portal at a time: what nobody needs any more is forgotten."""
