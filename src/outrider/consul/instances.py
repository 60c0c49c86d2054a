"""Registered instances as Consul's health entries show them: where they are, how their checks stand, whose they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from outrider.documents import Json, listed, nested
from outrider.topology import names

# The id that Nomad gives a group's service: `_nomad-task-<allocation>-group-…` (command/agent/consul/service_client.go).
OF_NOMAD = re.compile(r"_nomad-task-(.+?)-group-")


@dataclass(frozen=True, slots=True)
class Instance:
    """One registration of the service in Consul; ``status`` is the worst of its checks, ``unknown`` without Consul."""

    id: str
    address: str
    status: str
    canary: bool


def instance(entry: Json) -> Instance:
    """The instance of an entry of ``/v1/health/service``."""
    service, node = nested(entry, "Service"), nested(entry, "Node")
    levels = [str(check.get("Status")) for check in listed(entry, "Checks")]
    worst = next((level for level in ("critical", "warning") if level in levels), "passing")
    return Instance(
        id=str(service.get("ID", "")),
        address=address_of(str(service.get("Address") or node.get("Address")), service.get("Port")),
        status=worst,
        canary=nested(service, "Meta").get(names.META_CANARY) == "true",
    )


def address_of(host: str, port: object) -> str:
    """``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def allocation_of(instance_id: str) -> str | None:
    """The id of the allocation that Nomad registered under this id; None for what somebody else registered."""
    found = OF_NOMAD.match(instance_id)
    return found[1] if found else None


def failing_checks(entry: Json) -> list[Json]:
    """The checks of an entry that do not pass."""
    return [check for check in listed(entry, "Checks") if check.get("Status") != "passing"]
