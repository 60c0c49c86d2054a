"""Text from outside as a terminal may show it: logs and servers must not move the cursor or colour the screen."""

from __future__ import annotations

KEPT = "\n\t"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: object) -> str:
    """The text with every control character replaced but line feeds and tabs."""
    return "".join(one if one.isprintable() or one in KEPT else REPLACEMENT for one in str(text))
