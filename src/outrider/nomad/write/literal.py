"""What developers wrote, so that Nomad takes every sign of it for itself (reliability catalogue, E10).

Nomad has two languages in a job. Fields of the job (tags, meta, check arguments, paths) replace ``${name}`` once, by a
table of variables, and know no escape. A driver's configuration is read as HCL, where ``$${`` stands for ``${``.
Templates have a third language; text for them is quoted in template.py.
"""

from __future__ import annotations

DOLLAR_META = "dollar"
DOLLAR = f"${{NOMAD_META_{DOLLAR_META}}}"
NANOSECONDS = 1_000_000


def literal(text: str) -> str:
    """The text for a field of the job: a dollar before a brace comes out of the job's meta, and is not looked at again."""
    return text.replace("${", DOLLAR + "{")


def hcl_literal(text: str) -> str:
    """The text for a driver's configuration."""
    return text.replace("${", "$${").replace("%{", "%%{")


def nanoseconds(milliseconds: int) -> int:
    """A duration as Nomad's API has it."""
    return milliseconds * NANOSECONDS
