"""Consul that is away, or blind for the service: callers would not hear of what a change brings up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import RemoteError

from outrider.nomad.read.allocations import allocations
from outrider.operations.answers.blockers import Blocker
from outrider.operations.outages import blindness, needs_consul, outage

if TYPE_CHECKING:
    from outrider.operations.blockers.change import Change
    from outrider.operations.environment import Environment

NO_PORT: Final = "none"
LIFTED_BY: Final = "Consul, as soon as it is back"


async def consul_blockers(environment: Environment, change: Change) -> tuple[Blocker, ...]:
    """Why callers would not hear of new allocations now; a moment without a leader stops nothing."""
    reason = await consul_outage(environment, change.service) if _concerns(change) else ""
    return (Blocker("consul", reason, LIFTED_BY),) if reason else ()


async def consul_outage(environment: Environment, service: str) -> str:
    """What is wrong with Consul for the service, seen at two looks; empty where nothing is."""
    if not await _wrong(environment, service):
        return ""
    await asyncio.sleep(environment.limits.look)
    return await _wrong(environment, service)


def _concerns(change: Change) -> bool:
    """What neither has a sidecar nor a port is found by nobody and looks for nobody."""
    return change.spec is None or change.spec.service.mesh or change.spec.service.port != NO_PORT


async def _wrong(environment: Environment, service: str) -> str:
    return await outage(environment) or await _blindness(environment, service)


async def _blindness(environment: Environment, service: str) -> str:
    """Whether Consul shows none of what runs healthy and registers itself; where Nomad does not tell, that is for others."""
    try:
        job = await environment.nomad.job(service)
        if job is None or not needs_consul(job):
            return ""
        found = allocations(await environment.nomad.allocations(service))
    except RemoteError:
        return ""
    settled = time.time() - environment.limits.outage
    healthy = [one.id for one in found if one.is_complete and one.healthy and one.judged_at < settled]
    return await blindness(environment, service, healthy)
