"""What runs in an environment: as its observer keeps it, or asked for now where none is running."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from outrider_ground.errors import RemoteError

from outrider.nomad.read.summary import summary
from outrider.operations.observe.contact import ContactState
from outrider.operations.observe.listing import listed, read, standing_now, wanted
from outrider.operations.observe.observation import Keeper, Observation
from outrider.operations.observe.registrations import Registrations
from outrider.operations.observe.scheduled import Scheduled, scheduled

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from outrider.operations.environment import Environment

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """An environment for those who look at it: ``observer`` keeps what runs; without one both servers are asked each time."""

    environment: Environment
    observer: Keeper | None = None

    async def seen(self, service: str | None = None, at_least: int = 0) -> Observation:
        """What is seen now, of all services or at least of one, as of that index of a job at least."""
        if self.observer is not None:
            return await self.observer.seen(at_least)
        return await (_everything(self.environment) if service is None else asked(self.environment, service))


async def _everything(environment: Environment) -> Observation:
    names = await environment.store.versions.services(environment.name)
    jobs, nomad = await _heard(environment.in_time(listed(environment.nomad, names), "Nomad"))
    registered, consul = await _heard(environment.in_time(_registered(environment, jobs, names), "Consul"))
    return Observation(jobs, registered, nomad, consul)


async def _registered(environment: Environment, jobs: Scheduled | None, names: tuple[str, ...]) -> Registrations:
    standing = await standing_now(environment.consul)
    watched = wanted(standing, jobs, names)
    return await read(environment.consul, Registrations(standing), watched)


async def asked(environment: Environment, service: str) -> Observation:
    """One service by three questions of its own, also where an observer runs."""
    (jobs, nomad), (registered, consul) = await asyncio.gather(
        _heard(environment.in_time(_scheduled(environment, service), "Nomad")),
        _heard(environment.in_time(read(environment.consul, Registrations(), {service}), "Consul")),
    )
    return Observation(jobs, registered, nomad, consul)


async def _scheduled(environment: Environment, service: str) -> Scheduled:
    nomad = environment.nomad
    document, stubs = await asyncio.gather(nomad.job(service), nomad.allocations(service))
    theirs = [stub | {"JobID": service} for stub in stubs]
    return scheduled([summary(document)] if document else [], theirs, names=frozenset({service}))


async def _heard(asked: Awaitable[Found]) -> tuple[Found | None, ContactState]:
    """The answer, or why there is none; both are as of now."""
    try:
        return await asked, ContactState(0.0)
    except RemoteError as error:
        return None, ContactState(None, error)
