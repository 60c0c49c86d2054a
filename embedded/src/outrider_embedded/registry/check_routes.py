"""/v1/agent/check/… and /v1/agent/health/…: registering checks, signs of life, and the local verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from outrider_embedded.registry.calls import Answer, Call, json_answer
from outrider_embedded.registry.check import (
    CRITICAL,
    MAINTENANCE,
    PASSING,
    STATUSES,
    WARNING,
    agent_health_document,
    aggregated,
)
from outrider_embedded.registry.decoding import ANY, TEXT, Fields, document, fields_of
from outrider_embedded.registry.definition import DEFINITION_FIELDS, GO_TYPE, definition, require_status
from outrider_embedded.registry.instance import Instance, agent_document
from outrider_embedded.registry.refusal import bad_request, failed
from outrider_embedded.registry.state import Registry

_REGISTER_FIELDS: Fields = DEFINITION_FIELDS | {"ID": TEXT, "Token": TEXT, "Namespace": TEXT}
_UPDATE_FIELDS: Fields = {"Status": TEXT, "Output": TEXT, "EnterpriseMeta": ANY}
_STATUS_CODES = {PASSING: 200, WARNING: 429, CRITICAL: 503, MAINTENANCE: 503}


async def register(registry: Registry, call: Call) -> Answer:
    found = fields_of(document(call.body), _REGISTER_FIELDS, GO_TYPE)
    if not found.get("Name"):
        raise bad_request("Missing check name")
    require_status(found.get("Status", ""), "Bad check status")
    wanted = definition(found)
    registry.agent.register_check(replace(wanted, id=found.get("ID") or wanted.id or wanted.name))
    registry.publish()
    return Answer()


async def deregister(registry: Registry, call: Call) -> Answer:
    registry.agent.deregister_check(call.name)
    registry.publish()
    return Answer()


async def passing(registry: Registry, call: Call) -> Answer:
    return _beaten(registry, call, PASSING)


async def warning(registry: Registry, call: Call) -> Answer:
    return _beaten(registry, call, WARNING)


async def failing(registry: Registry, call: Call) -> Answer:
    return _beaten(registry, call, CRITICAL)


async def update(registry: Registry, call: Call) -> Answer:
    found = fields_of(document(call.body), _UPDATE_FIELDS, "agent.checkUpdate")
    status = found.get("Status", "")
    if status not in STATUSES:
        raise bad_request(f"Invalid check status: '{status}'")
    registry.agent.beat(call.name, status, found.get("Output", ""))
    registry.publish()
    return Answer()


async def health_by_id(registry: Registry, call: Call) -> Answer:
    """One instance with its local checks; the status code says passing, warning or critical."""
    if not call.name:
        raise failed("Bad request: Missing serviceID")
    instance = registry.agent.instances.get(call.name)
    if instance is None:
        missing = {"AggregatedStatus": CRITICAL, "Service": None, "Checks": None}
        return _verdict(call, CRITICAL, missing, absent=f"ServiceId {call.name} not found")
    status, found = _health(registry, instance)
    return _verdict(call, status, found)


async def health_by_name(registry: Registry, call: Call) -> Answer:
    """All local instances of a service; the status code speaks for the worst."""
    if not call.name:
        raise failed("Bad request: Missing service Name")
    instances = [each for _, each in sorted(registry.agent.instances.items()) if each.name == call.name]
    if not instances:
        return _verdict(call, CRITICAL, [], absent=f"ServiceName {call.name} Not Found")
    judged = [_health(registry, each) for each in instances]
    statuses = {status for status, _ in judged}
    worst = next(status for status in (MAINTENANCE, CRITICAL, WARNING, PASSING) if status in statuses)
    return _verdict(call, worst, [found for _, found in judged])


def _beaten(registry: Registry, call: Call, status: str) -> Answer:
    registry.agent.beat(call.name, status, call.parameter("note"))
    registry.publish()
    return Answer()


def _health(registry: Registry, instance: Instance) -> tuple[str, dict[str, Any]]:
    own = list(registry.agent.checks_of(instance.id).values())
    status = aggregated([*own, *registry.agent.checks_of("").values()])
    found = {
        "AggregatedStatus": status,
        "Service": agent_document(instance),
        "Checks": [agent_health_document(check) for check in own],
    }
    return status, found


def _verdict(call: Call, status: str, found: Any, absent: str = "") -> Answer:
    code = 404 if absent else _STATUS_CODES[status]
    headers = {"X-Consul-Reason": absent or status}
    if call.parameter("format") == "text":
        return Answer(code, status.encode(), {"Content-Type": "text/plain", **headers})
    return json_answer(found, headers, code)
