"""From the text of a file to models, or to every finding with its place and in words for a person."""
