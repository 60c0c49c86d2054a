"""/v1/agent/…: what this machine's agent knows, and registering with it."""

from __future__ import annotations

import asyncio
from typing import Any

from outrider_embedded.registry import blocking
from outrider_embedded.registry.calls import Answer, Call, json_answer, truth
from outrider_embedded.registry.check import check_document
from outrider_embedded.registry.filters import predicate
from outrider_embedded.registry.indexes import of_service
from outrider_embedded.registry.instance import Instance, agent_document, content_hash
from outrider_embedded.registry.itself import members, self_document
from outrider_embedded.registry.refusal import Refused, bad_request, failed
from outrider_embedded.registry.registration import registration
from outrider_embedded.registry.state import Registry


async def itself(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer(self_document(registry.identity))


async def member_list(registry: Registry, call: Call) -> Answer:  # noqa: ARG001  # all routes share one shape
    return json_answer(members(registry.identity))


async def services(registry: Registry, call: Call) -> Answer:
    found = {each.id: agent_document(each) for _, each in sorted(registry.agent.instances.items())}
    return json_answer(_filtered(call, found))


async def checks(registry: Registry, call: Call) -> Answer:
    found = {each.id: check_document(each) for _, each in sorted(registry.agent.checks.items())}
    return json_answer(_filtered(call, found))


async def service(registry: Registry, call: Call) -> Answer:
    """One instance; with ``?hash=`` of what the caller knows, held until it changes."""
    known = call.parameter("hash")
    asked = blocking.query(call, registry.identity.datacenter)
    instance = await _other_than(registry, call, known, asked.wait_s)
    if instance is None:
        raise Refused(404, f"unknown service ID: {call.name}")
    found = content_hash(instance)
    return json_answer(agent_document(instance) | {"ContentHash": found}, {"X-Consul-Contenthash": found})


async def register(registry: Registry, call: Call) -> Answer:
    wanted = registration(call.body)
    replaces = call.has("replace-existing-checks") and truth(
        call.parameter("replace-existing-checks") or "1",
        "Invalid value for ?replace-existing-checks",
    )
    registry.agent.register(wanted, replace_existing=replaces)
    registry.publish()
    return Answer()


async def deregister(registry: Registry, call: Call) -> Answer:
    if not call.name:
        raise failed("ServiceID missing")
    registry.agent.deregister(call.name)
    registry.publish()
    return Answer()


async def service_maintenance(registry: Registry, call: Call) -> Answer:
    if not call.name:
        raise bad_request("Missing service ID")
    registry.agent.set_service_maintenance(call.name, is_on=_is_enabled(call), reason=call.parameter("reason"))
    registry.publish()
    return Answer()


async def node_maintenance(registry: Registry, call: Call) -> Answer:
    registry.agent.set_node_maintenance(is_on=_is_enabled(call), reason=call.parameter("reason"))
    registry.publish()
    return Answer()


def _is_enabled(call: Call) -> bool:
    if not call.has("enable"):
        raise bad_request("Missing value for enable")
    return truth(call.parameter("enable"), f'Invalid value for enable: "{call.parameter("enable")}"')


def _filtered(call: Call, found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    text = call.parameter("filter")
    if not text:
        return found
    is_wanted = predicate(text)
    return {key: item for key, item in found.items() if is_wanted(item)}


async def _other_than(registry: Registry, call: Call, known: str, wait_s: float) -> Instance | None:
    """The instance once it differs from the hash ``known``, or when the wait is over."""
    deadline = asyncio.get_running_loop().time() + wait_s
    instance = registry.agent.instances.get(call.name)
    while known and instance is not None and content_hash(instance) == known:
        keys = (of_service(instance.name),)
        if not await registry.watches.changed(keys, deadline, call.gone):
            break
        instance = registry.agent.instances.get(call.name)
    return instance
