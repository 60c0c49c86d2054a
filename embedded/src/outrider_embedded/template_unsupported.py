"""Functions that consul-template has and the one-machine cluster has not: refused by name, never rendered otherwise."""

from __future__ import annotations

DENIED = frozenset({"executeTemplate", "plugin", "writeToFile"})
"""What Nomad denies as it comes (``template.function_denylist`` of a client)."""

_ELSEWHERE = frozenset(
    [
        "caLeaf",
        "caRoots",
        "connect",
        "datacenters",
        "exportedServices",
        "importedServices",
        "node",
        "nomadService",
        "nomadServices",
        "partitions",
        "peerings",
        "pkiCert",
        "sockaddr",
        "spew_dump",
        "spew_printf",
        "spew_sdump",
        "spew_sprintf",
        "toTOML",
        "call",
    ]
)


def why_unknown(name: str) -> str:
    """What is said of a function that is not there, as Nomad words what it does not know or allow either."""
    if name in _ELSEWHERE or name.startswith("sprig_"):
        return f'the one-machine cluster has no function "{name}"; Nomad has it'
    return f'function "{name}" not defined'
