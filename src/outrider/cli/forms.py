"""The forms in which results and errors are printed, and which of them a command line asks for."""

from __future__ import annotations

from collections.abc import Sequence

FORMATS = ("table", "json", "yaml")
MARKDOWN = "markdown"
"""For what somebody reviews: plans and comparisons."""


def asked_form(arguments: Sequence[str]) -> str:
    """The form that `-o` asks for, read before the command line is: also a wrong one is told of in that form."""
    found = "table"
    for place, argument in enumerate(arguments):
        following = arguments[place + 1] if place + 1 < len(arguments) else ""
        if argument == "--":
            break
        if argument in {"-o", "--output"}:
            found = following
        elif argument.startswith("--output="):
            found = argument.removeprefix("--output=")
        elif argument.startswith("-o"):
            found = argument.removeprefix("-o").removeprefix("=")
    return found if found in FORMATS else "table"
