"""GET /v1/health/…: instances with their checks, and checks by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from outrider_embedded.registry import indexes
from outrider_embedded.registry.blocking import headers, held, query
from outrider_embedded.registry.calls import JSON, Answer, Call, json_answer, json_bytes, truth
from outrider_embedded.registry.check import PASSING, Check, check_document
from outrider_embedded.registry.filters import filtered
from outrider_embedded.registry.instance import Instance, health_document
from outrider_embedded.registry.node import Node, node_document
from outrider_embedded.registry.readings import position, service_position
from outrider_embedded.registry.refusal import bad_request
from outrider_embedded.registry.rows import Row
from outrider_embedded.registry.selection import is_selected
from outrider_embedded.registry.state import Registry

_BODY_PARAMETERS = ("passing", "tag", "node-meta", "filter")


async def service(registry: Registry, call: Call) -> Answer:
    """The instances of a service, each with its node and checks."""
    asked = query(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing service name")
    wants_passing = call.has("passing") and truth(call.parameter("passing") or "1", "Invalid value for ?passing")
    index = await held(
        registry,
        call,
        asked,
        lambda: service_position(registry.indexes, call.name, with_checks=True),
    )
    key = (call.name, wants_passing, *(tuple(call.query.get(name, ())) for name in _BODY_PARAMETERS[1:]))
    body = registry.bodies.of(key, index, lambda: json_bytes(_entries(registry, call, wants_passing=wants_passing)))
    return Answer(200, body, {"Content-Type": JSON, **headers(asked, index)})


async def checks(registry: Registry, call: Call) -> Answer:
    """The checks of a service's instances, without those of their nodes."""
    asked = query(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing service name")
    index = await held(
        registry,
        call,
        asked,
        lambda: service_position(registry.indexes, call.name, with_checks=True),
    )
    rows = (row for row in registry.catalog.checks() if row.value.service_name == call.name)
    return json_answer(_documents(call, rows), headers(asked, index))


async def state(registry: Registry, call: Call) -> Answer:
    """All checks in one status, or in ``any``."""
    asked = query(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing check state")
    index = await held(registry, call, asked, lambda: position(registry.indexes, indexes.CHECKS))
    rows = (row for row in registry.catalog.checks() if call.name in {"any", row.value.status})
    return json_answer(_documents(call, rows), headers(asked, index))


async def node(registry: Registry, call: Call) -> Answer:
    """All checks on one node."""
    asked = query(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing node name")
    index = await held(registry, call, asked, lambda: position(registry.indexes, indexes.CHECKS))
    rows = (row for row in registry.catalog.checks() if row.value.node == call.name)
    return json_answer(_documents(call, rows), headers(asked, index))


def _entries(registry: Registry, call: Call, *, wants_passing: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for node_row, row in registry.catalog.instances(call.name):
        speaking = registry.catalog.checks_of(node_row.value.name, row.value.id)
        if is_selected(call, node_row.value, row.value.tags) and (not wants_passing or _is_passing(speaking)):
            found.append(_entry(registry, node_row, row, speaking))
    return filtered(call.parameter("filter"), found)


def _entry(
    registry: Registry,
    node_row: Row[Node],
    row: Row[Instance],
    speaking: list[Row[Check]],
) -> dict[str, Any]:
    return {
        "Node": node_document(node_row, registry.identity.datacenter),
        "Service": health_document(row),
        "Checks": [check_document(each.value, each.created, each.modified) for each in speaking],
    }


def _documents(call: Call, rows: Iterable[Row[Check]]) -> list[dict[str, Any]]:
    documents = [check_document(row.value, row.created, row.modified) for row in rows]
    return filtered(call.parameter("filter"), documents)


def _is_passing(rows: list[Row[Check]]) -> bool:
    return all(row.value.status == PASSING for row in rows)
