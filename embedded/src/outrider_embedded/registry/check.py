"""A check's state: what it says of a service or a node, and the documents that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PASSING = "passing"
WARNING = "warning"
CRITICAL = "critical"
MAINTENANCE = "maintenance"
STATUSES = (PASSING, WARNING, CRITICAL)
NODE_MAINTENANCE = "_node_maintenance"
_SERVICE_MAINTENANCE = "_service_maintenance:"
_EMPTY_DEFINITION: dict[str, Any] = {
    "Interval": "0s",
    "Timeout": "0s",
    "DeregisterCriticalServiceAfter": "0s",
    "HTTP": "",
    "Header": None,
    "Method": "",
    "Body": "",
    "TLSSkipVerify": False,
    "TCP": "",
}


@dataclass(frozen=True, slots=True)
class Check:
    """``service_id`` is empty for a check of the node, which then speaks for every service on it."""

    node: str
    id: str
    name: str
    status: str = CRITICAL
    notes: str = ""
    output: str = ""
    service_id: str = ""
    service_name: str = ""
    service_tags: tuple[str, ...] = ()
    type: str = ""


def service_maintenance(service_id: str) -> str:
    """The id of the check that stands while a service is in maintenance."""
    return _SERVICE_MAINTENANCE + service_id


def is_maintenance(check: Check) -> bool:
    return check.id == NODE_MAINTENANCE or check.id.startswith(_SERVICE_MAINTENANCE)


def aggregated(checks: Iterable[Check]) -> str:
    """The worst of them: maintenance, critical, warning, passing."""
    statuses: set[str] = set()
    for check in checks:
        statuses.add(MAINTENANCE if is_maintenance(check) else check.status)
    return next((status for status in (MAINTENANCE, CRITICAL, WARNING) if status in statuses), PASSING)


def check_document(check: Check, created: int = 0, modified: int = 0) -> dict[str, Any]:
    """As in /v1/health/checks; the agent's own list has the indexes 0."""
    return {
        "Node": check.node,
        "CheckID": check.id,
        "Name": check.name,
        "Status": check.status,
        "Notes": check.notes,
        "Output": check.output,
        "ServiceID": check.service_id,
        "ServiceName": check.service_name,
        "ServiceTags": list(check.service_tags),
        "Type": check.type,
        "Definition": {},
        "CreateIndex": created,
        "ModifyIndex": modified,
    }


def agent_health_document(check: Check) -> dict[str, Any]:
    """As in /v1/agent/health, which alone shows an unset type and the zeroes of a definition."""
    return check_document(check) | {"Type": "", "Definition": _EMPTY_DEFINITION}
