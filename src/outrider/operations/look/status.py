"""What runs: one service of an environment as Nomad, Consul and the store see it together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outrider_ground.errors import RemoteError

from outrider.consul.instances import Instance
from outrider.documents import Json
from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.job import Running, environment_of, running
from outrider.operations.answers.status import ServiceState, Status
from outrider.operations.instances import instances
from outrider.operations.lookups import readable_spec, running_version, unknown_service
from outrider.operations.outside import changed_outside
from outrider.operations.records import Deployment, Version
from outrider.operations.soundness import passing_ids, sound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outrider.operations.environment import Environment

RECENT = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the servers and the store said; ``now`` is None where Nomad did not answer."""

    now: Running | None
    version: Version | None
    deployment: Deployment | None
    job: Json = field(default_factory=dict[str, Any])
    allocations: tuple[Allocation, ...] = ()
    instances: tuple[Instance, ...] = ()
    problem: str | None = None
    outside: tuple[str, ...] = ()


async def status(environment: Environment, service: str, silence: RemoteError | None = None) -> Status:
    """The service's status. UsageError where neither the store nor Nomad knows the service.

    RemoteError only where the store does not know it. With ``silence`` Nomad is known to be away, and not asked.
    """
    newest = (await environment.store.versions(environment.name, service))[:1]
    deployment = await _deployment(environment, service)
    try:
        document, stubs = await _asked(environment, service, silence)
    except RemoteError as error:
        if not newest:
            raise
        return _status(environment, service, _Seen(None, newest[0], deployment, problem=error.message))
    now = running(document)
    if not now.exists and not newest:
        raise await unknown_service(environment, service)
    base = await running_version(environment, service, now)
    jobs = [document] if document else []
    found = tuple(one for one in allocations(stubs, jobs) if one.is_current)
    (there, problem), outside = await asyncio.gather(
        instances(environment, service), changed_outside(environment, document or {}, base)
    )
    shown = base or (newest[0] if newest else None)
    return _status(environment, service, _Seen(now, shown, deployment, document or {}, found, there, problem, outside))


async def _asked(environment: Environment, service: str, silence: RemoteError | None) -> tuple[Json | None, list[Json]]:
    """The job and its allocations."""
    if silence is not None:
        raise silence
    both = asyncio.gather(environment.nomad.job(service), environment.nomad.allocations(service))
    return await environment.in_time(both, "Nomad")


async def _deployment(environment: Environment, service: str) -> Deployment | None:
    """The one under way, else the last: a scale that was refused meanwhile does not hide a canary that waits."""
    last = await environment.store.deployments(environment.name, service, limit=RECENT)
    return next((one for one in last if not one.is_final), last[0] if last else None)


async def statuses(environments: Iterable[Environment]) -> tuple[Status, ...]:
    """Every service that was ever deployed there, and those of ours that Nomad runs and the store does not know.

    RemoteError where none is known and a Nomad did not answer: nobody can say then that there is none.
    """
    found, silences = list[Status](), list[RemoteError]()
    for here in environments:
        known, (ours, silence) = await asyncio.gather(here.store.services(here.name), _running_names(here))
        silences += [silence] if silence else []
        wanted = sorted({*known, *ours})
        found += await asyncio.gather(*(status(here, service, silence) for service in wanted))
    if silences and not found:
        raise silences[0]
    return tuple(found)


async def _running_names(environment: Environment) -> tuple[tuple[str, ...], RemoteError | None]:
    """The jobs in Nomad that bear our meta, of this environment; none, and why, where Nomad does not answer."""
    try:
        jobs = await environment.in_time(environment.nomad.jobs(), "Nomad")
    except RemoteError as error:
        return (), error
    ours = [job for job in jobs if not job.get("Stop") and environment_of(job) == environment.name]
    return tuple(str(job["ID"]) for job in ours), None


def _status(environment: Environment, service: str, seen: _Seen) -> Status:
    now, version, found = seen.now, seen.version, seen.allocations
    stored, unread = readable_spec(version)
    spec = stored.service if stored else None
    runs = version is not None and now is not None and version.hash == now.hash
    return Status(
        environment=environment.name,
        service=service,
        team=spec.team if spec else None,
        description=spec.description if spec else None,
        protocol=version.protocol if version else now.protocol if now else None,
        state=_state(now, seen.deployment, sound(found, seen.job, seen.instances)),
        version=version.number if version and runs else None,
        hash=now.hash if now else None,
        count=now.count if now else None,
        healthy=None if now is None else _healthy(found, seen.instances),
        allocations=found,
        instances=seen.instances,
        deployment=seen.deployment,
        upstreams=spec.upstreams if spec else {},
        links=spec.links if spec else {},
        problem="; ".join(one for one in (seen.problem, unread) if one) or None,
        outside=seen.outside,
    )


def _healthy(found: tuple[Allocation, ...], there: tuple[Instance, ...]) -> int:
    """The allocations that pass in Consul; of a service that Consul does not know, those that Nomad found healthy.

    One whose app waits behind its gate is not among them, though its sidecar may answer checks already.
    """
    complete = [one for one in found if one.is_complete]
    if there:
        return len(passing_ids(complete, there))
    return sum(1 for one in complete if one.healthy)


def _state(now: Running | None, deployment: Deployment | None, good: tuple[Allocation, ...]) -> ServiceState:
    if now is None:
        return "unknown"
    if deployment and not deployment.is_final and deployment.kind != "stop":
        return "waiting" if deployment.state == "waiting" else "deploying"
    if not now.is_live:
        return "stopped"
    return "running" if len(good) >= (now.count or 0) else "degraded"
