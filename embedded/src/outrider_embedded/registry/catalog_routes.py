"""/v1/catalog/…: names, instances and nodes, and the registration of what has no agent."""

from __future__ import annotations

from typing import Any

from outrider_embedded.registry import external, indexes
from outrider_embedded.registry.blocking import headers, held, query
from outrider_embedded.registry.calls import Answer, Call, json_answer
from outrider_embedded.registry.filters import filtered
from outrider_embedded.registry.instance import catalog_document, health_document
from outrider_embedded.registry.node import node_document
from outrider_embedded.registry.readings import position, service_position
from outrider_embedded.registry.refusal import bad_request
from outrider_embedded.registry.selection import is_selected, is_selected_node
from outrider_embedded.registry.state import Registry


async def services(registry: Registry, call: Call) -> Answer:
    """Every name with the tags of all its instances."""
    asked = query(call, registry.identity.datacenter)
    index = await held(registry, call, asked, lambda: position(registry.indexes, indexes.SERVICES))
    found: dict[str, list[str]] = {}
    for name in registry.catalog.names():
        rows = registry.catalog.instances(name)
        chosen = [row.value for node, row in rows if is_selected_node(call, node.value)]
        if chosen:
            found[name] = sorted({tag for instance in chosen for tag in instance.tags})
    return json_answer(found, headers(asked, index))


async def service(registry: Registry, call: Call) -> Answer:
    """The instances of a service with their nodes, without checks."""
    asked = query(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing service name")
    index = await held(
        registry,
        call,
        asked,
        lambda: service_position(registry.indexes, call.name, with_checks=False),
    )
    found = [
        catalog_document(node.value, row, registry.identity.datacenter)
        for node, row in registry.catalog.instances(call.name)
        if is_selected(call, node.value, row.value.tags)
    ]
    return json_answer(filtered(call.parameter("filter"), found), headers(asked, index))


async def nodes(registry: Registry, call: Call) -> Answer:
    asked = query(call, registry.identity.datacenter)
    index = await held(registry, call, asked, lambda: position(registry.indexes, indexes.NODES))
    found = [
        node_document(row, registry.identity.datacenter)
        for row in registry.catalog.nodes()
        if is_selected_node(call, row.value)
    ]
    return json_answer(filtered(call.parameter("filter"), found), headers(asked, index))


async def node(registry: Registry, call: Call) -> Answer:
    """One node with the instances on it, null where it is unknown."""
    asked = query(call, registry.identity.datacenter)
    if not call.name:
        raise bad_request("Missing node name")
    tables = (indexes.NODES, indexes.SERVICES)
    index = await held(registry, call, asked, lambda: position(registry.indexes, *tables))
    row = registry.catalog.node(call.name)
    if row is None:
        return json_answer(None, headers(asked, 1))
    instances = registry.catalog.instances_on(call.name)
    found: dict[str, Any] = {
        "Node": node_document(row, registry.identity.datacenter),
        "Services": {each.value.id: health_document(each) for each in instances},
    }
    return json_answer(found, headers(asked, index))


async def datacenters(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer([registry.identity.datacenter])


async def register(registry: Registry, call: Call) -> Answer:
    external.register(registry.catalog, call.body)
    registry.publish()
    return json_answer(True)


async def deregister(registry: Registry, call: Call) -> Answer:
    external.deregister(registry.catalog, call.body)
    registry.publish()
    return json_answer(True)
