"""What Consul says, or cannot say, of an allocation that did not become healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.consul.instances import allocation_of, failing_checks
from outrider.documents import listed, nested

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.allocations import Allocation
    from outrider.operations.ports import Consul


async def unchecked(consul: Consul, service: str, one: Allocation, job: Json | None) -> str:
    """The checks that do not pass, that there are none, or that Consul is away; empty where all is well.

    Begins with a colon; ``job`` is the job as it was, None where that is not known.
    """
    if job is not None and not _is_registered(job):
        return ""
    try:
        entries, _ = await consul.health(service)
    except OutriderError as error:
        return f": Consul does not answer, and without it no check passes ({error.message})"
    own = [entry for entry in entries if allocation_of(str(nested(entry, "Service").get("ID", ""))) == one.id]
    failing = [check for entry in own for check in failing_checks(entry)]
    if failing:
        return f": {'; '.join([await _said(consul, check, one.node) for check in failing])}"
    is_awaited = job is not None and one.is_live and one.status == "running"
    return "" if own or not is_awaited else f": Consul has no registration of it: ask the Consul agent of {one.node}"


def _is_registered(job: Json) -> bool:
    return any(listed(group, "Services") for group in listed(job, "TaskGroups"))


async def _said(consul: Consul, check: Json, node: str) -> str:
    """Consul's catalog hears of an answer only with another status (or after minutes): the agent that asked knows more."""
    output = str(check.get("Output", "")).strip() or await _heard(consul, str(check.get("CheckID", "")))
    return (
        f"{check.get('Name')}: {output or f'Consul has no answer of it in its catalog: ask the Consul agent of {node}'}"
    )


async def _heard(consul: Consul, check: str) -> str:
    """What the check said last, where the Consul agent that we ask is the one that runs it."""
    try:
        known = await consul.agent_checks()
    except OutriderError:
        return ""  # the line then says whom to ask: the Consul agent of that node
    return str(nested(known, check).get("Output", "")).strip()
