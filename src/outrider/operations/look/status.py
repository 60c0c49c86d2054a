"""What runs: services of an environment as Nomad, Consul and the store see them together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outrider.nomad.read.allocations import allocations
from outrider.nomad.read.job import running
from outrider.operations.answers.status import Status
from outrider.operations.concurrency import in_turns
from outrider.operations.environment_view import asked
from outrider.operations.look.edited import Edited, edited
from outrider.operations.lookups import unknown_service
from outrider.operations.outside import evident_change, known_changes
from outrider.operations.soundness import passing_ids, sound
from outrider.operations.states import ENDING
from outrider.operations.stored_specs import readable_outline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from outrider_ground.errors import RemoteError

    from outrider.consul.instances import Instance
    from outrider.nomad.read.allocations import Allocation
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.answers.outside import OutsideChange
    from outrider.operations.answers.status import ServiceState
    from outrider.operations.environment import Environment
    from outrider.operations.environment_view import EnvironmentView
    from outrider.operations.observe.observation import Observation
    from outrider.operations.records import Deployment, Outline
    from outrider.operations.values.board import Board

RECENTLY = timedelta(minutes=2)
MOST_ENDED = 10


@dataclass(frozen=True, slots=True)
class _Told:
    """What the store says of the services of one environment, beside what is seen of them."""

    observation: Observation
    outlines: Mapping[str, Outline]
    deployments: Mapping[str, Deployment]
    edited: Mapping[str, Edited]
    values: Board


async def status(view: EnvironmentView, service: str) -> Status:
    """The service's status. UsageError where neither the store nor Nomad knows the service.

    RemoteError only where the store does not know it, and nobody can say whether it runs.
    """
    environment = view.environment
    deployments = await environment.store.deployments.last_deployments(environment.name, service)
    observation = await view.seen(service, _recent_index(deployments))
    told = await _told(environment, observation, deployments, {service})
    if service not in told.outlines and observation.job(service) is None:
        # No observer keeps what somebody else runs under a name that nobody has deployed here.
        observation = await asked(environment, service)
        if observation.job(service) is None:
            raise observation.nomad.silence or await unknown_service(environment, service)
        told = await _told(environment, observation, deployments, {service})
    found = _status(environment.name, service, told)
    return replace(found, changes=await _asked_changes(environment, found))


async def _asked_changes(environment: Environment, found: Status) -> tuple[OutsideChange, ...]:
    """With author and time, where Nomad tells them; it is asked only where something is another's work evidently."""
    is_touched = found.changes or found.outside
    return (await known_changes(environment, found.service, found.index) if is_touched else ()) or found.changes


async def ended_allocations(environment: Environment, service: str) -> tuple[Allocation, ...]:
    """The last allocations that no longer run, newest first, as long as Nomad has them. RemoteError as Nomad's."""
    found = allocations(await environment.in_time(environment.nomad.allocations(service), "Nomad"))
    gone = [one for one in found if one.is_gone]
    return tuple(sorted(gone, key=lambda one: -one.modify_index)[:MOST_ENDED])


async def statuses(views: Iterable[EnvironmentView]) -> tuple[Status, ...]:
    """Every service that was ever deployed there, and those of ours that Nomad runs and the store does not know.

    RemoteError where none is known and a Nomad did not answer: nobody can say then that there is none.
    """
    answers = await asyncio.gather(*(_statuses(one) for one in views))
    found = tuple(status for some, _ in answers for status in some)
    silences = [silence for _, silence in answers if silence]
    if silences and not found:
        raise silences[0]
    return found


async def service_names(view: EnvironmentView) -> frozenset[str]:
    """The names of the services that have a page: those of the store, and those of ours that Nomad runs."""
    environment = view.environment
    known = await environment.store.versions.services(environment.name)
    return _names(environment.name, known, await view.seen())


async def _statuses(view: EnvironmentView) -> tuple[list[Status], RemoteError | None]:
    """All of one environment, by a few questions however many there are; and why Nomad was never heard, where that is so."""
    environment = view.environment
    known, deployments = await asyncio.gather(
        environment.store.versions.services(environment.name),
        environment.store.deployments.last_deployments(environment.name),
    )
    observation = await view.seen(None, _recent_index(deployments))
    names = sorted(_names(environment.name, known, observation))
    told = await _told(environment, observation, deployments, names)
    silence = observation.nomad.silence if observation.scheduled is None else None
    found = [_status(environment.name, service, told) for service in names]
    return list(await _with_authors(environment, found)), silence


async def _with_authors(environment: Environment, found: list[Status]) -> Iterable[Status]:
    """Who has edited, replaced or ended what: seldom, unlike a count, which an autoscaler changes all the time."""
    touched = {one.service: one for one in found if one.outside or any(each.kind != "scaled" for each in one.changes)}

    async def authored(service: str) -> Status:
        one = touched[service]
        return replace(one, changes=await _asked_changes(environment, one))

    told = dict(zip(touched, await in_turns(authored, list(touched)), strict=True))
    return (told.get(one.service, one) for one in found)


def _names(environment: str, known: Iterable[str], observation: Observation) -> frozenset[str]:
    jobs = observation.scheduled.jobs.values() if observation.scheduled else ()
    return frozenset(known) | {job.id for job in jobs if job.now.is_live and job.environment == environment}


def _recent_index(deployments: Mapping[str, Deployment]) -> int:
    """The job index that was made last, where that was just now: what is shown is of then at least.

    An old one proves nothing: a Nomad that was set up anew counts from 1.
    """
    since = datetime.now(UTC) - RECENTLY
    return max((one.modify_index or 0 for one in deployments.values() if one.created_at > since), default=0)


async def _told(
    environment: Environment, observation: Observation, deployments: Mapping[str, Deployment], names: Collection[str]
) -> _Told:
    jobs = {service: observation.job(service) for service in names}
    hashes = {service: job.now.hash if job else None for service, job in jobs.items()}
    outlines = await environment.store.versions.outlines(environment.name, hashes)
    bases = {
        service: (job.now, outlines[service].number)
        for service, job in jobs.items()
        if job and service in outlines and outlines[service].hash == job.now.hash
    }
    is_there = observation.nomad.silence is None
    changed = await edited(environment, bases) if is_there else {}
    return _Told(observation, outlines, deployments, changed, environment.values)


def _status(environment: str, service: str, told: _Told) -> Status:
    observation, outline = told.observation, told.outlines.get(service)
    job, found, there = observation.job(service), observation.allocations(service), observation.instances(service)
    now = job.now if job else running(None) if observation.scheduled else None
    runs = outline is not None and now is not None and outline.hash == now.hash
    deployment, changed = told.deployments.get(service), told.edited.get(service, Edited())
    evident = evident_change(now, deployment, outline.number if outline and runs else None) if now else None
    shown, unread = readable_outline(environment, outline)
    good = sound(found, there, is_registered=job is not None and job.is_registered)
    return Status(
        environment=environment,
        service=service,
        team=shown.team,
        description=shown.description,
        protocol=outline.protocol if outline else now.protocol if now else None,
        state=_state(now, deployment, good),
        index=now.index if now else 0,
        version=outline.number if outline and runs else None,
        hash=now.hash if now else None,
        count=now.count if now else None,
        healthy=None if now is None else _healthy(found, there),
        allocations=found,
        instances=there,
        deployment=deployment,
        upstreams=shown.upstreams,
        links=shown.links,
        problem="; ".join(filter(None, (observation.problem, changed.problem, unread))) or None,
        outside=changed.places,
        changes=tuple(filter(None, (evident,))),
        age_s=observation.age_s,
        values=told.values.of(service),
    )


def _healthy(found: tuple[Allocation, ...], there: tuple[Instance, ...]) -> int:
    """The allocations that pass in Consul; of a service that Consul does not know, those that Nomad found healthy.

    One whose app waits behind its gate is not among them, though its sidecar may answer checks already.
    """
    complete = [one for one in found if one.is_complete]
    if there:
        return len(passing_ids(complete, there))
    return sum(1 for one in complete if one.healthy)


def _state(now: RunningJob | None, deployment: Deployment | None, good: tuple[Allocation, ...]) -> ServiceState:
    if now is None:
        return "unknown"
    if deployment and not deployment.is_final and deployment.kind not in ENDING:
        return "waiting" if deployment.state == "waiting" else "deploying"
    if not now.is_live or now.count == 0:
        return "stopped"
    if now.is_foreign:
        return "replaced"
    return "running" if len(good) >= (now.count or 0) else "degraded"
