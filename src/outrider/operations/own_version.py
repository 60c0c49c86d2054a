"""The version of Outrider itself, read once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def own_version() -> str:
    """As its package says it: that is a dozen files to look for, too many for each question whether a portal lives."""
    return version("outrider")
