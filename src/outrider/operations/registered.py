"""What the services of an environment speak and call, by what is registered: a version that failed says nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import RemoteError

from outrider.nomad.read.job import environment_of, said
from outrider.operations.concurrency import in_turns
from outrider.spec.stored import Declared, UnreadableSpecError, stored_part
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.nomad.read.job import Spoken
    from outrider.operations.environment import Environment
    from outrider.operations.records import Declaration
    from outrider.spec.upstream import Upstream


REMEMBERED: Final = 8_192
"""Of how many services what they declare is kept read."""


@dataclass(frozen=True, slots=True)
class Registered:
    """Protocols by service (``none`` for a worker, ``redis-shards``), and what each service calls.

    ``hashes`` are the versions that their jobs name, of those that have one; ``live`` are those whose job is there and not
    stopped. ``problems`` says why what runs is not among it, and whose spec cannot be read.
    """

    protocols: Mapping[str, str]
    upstreams: Mapping[str, Mapping[str, Upstream]]
    live: frozenset[str]
    problems: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict[str, str])

    def callers(self, service: str) -> tuple[str, ...]:
        """The other services that call it, by name; whoever calls something outside Consul calls none of them."""
        others = ((name, calls.get(service)) for name, calls in self.upstreams.items() if name != service)
        return tuple(sorted(name for name, call in others if call is not None and not call.address))


async def registered(environment: Environment, *, within_s: float = 0) -> Registered:
    """What Nomad's jobs say of themselves, asked now; of services that Nomad does not have, what came up last.

    Where Nomad does not answer, the store alone is asked, and ``problem`` says so. Of those who ask while it is being asked
    all share the next answer; with ``within_s`` one that is no older is good enough.
    """
    found: Registered = await environment.listings.answer(lambda: _registered(environment), within_s=within_s)
    return found


async def _registered(environment: Environment) -> Registered:
    try:
        jobs = await _jobs(environment)
    except RemoteError as error:
        known = await declared(environment, {})
        return replace(known, problems=(error.message, *known.problems))
    return await declared(environment, jobs)


async def _jobs(environment: Environment) -> Mapping[str, Spoken]:
    """What our jobs say. The list of all is long: it is asked for where its index is another than at the last time."""
    index = await environment.nomad.jobs_index()
    if index not in environment.jobs_at:
        jobs = await environment.nomad.jobs()
        ours = {str(job["ID"]): said(job) for job in jobs if environment_of(job) == environment.name}
        environment.jobs_at.clear()
        environment.jobs_at[index] = ours
    return environment.jobs_at[index]


async def declared(environment: Environment, jobs: Mapping[str, Spoken]) -> Registered:
    """The same of these jobs."""
    stored = {one.service: one for one in await environment.store.versions.declarations(environment.name)}
    other = {one: jobs[one].hash for one in sorted(jobs) if one in stored and stored[one].hash != jobs[one].hash}
    found = await in_turns(
        lambda one: environment.store.versions.declaration(environment.name, one, str(other[one])), tuple(other)
    )
    all_of_them = {**stored, **{one: stored.get(one) for one in jobs}, **dict(zip(other, found, strict=True))}
    read = {name: _read(one, environment.name) for name, one in all_of_them.items()}
    spoken = {name: job.protocol for name, job in jobs.items()}
    return Registered(
        protocols={**{name: _protocol(one, read[name]) for name, one in stored.items()}, **spoken},
        upstreams={name: {} if isinstance(one, str) else one.upstreams for name, one in read.items()},
        live=frozenset(name for name, job in jobs.items() if job.is_live),
        problems=tuple(one for one in read.values() if isinstance(one, str)),
        hashes={name: job.hash for name, job in jobs.items() if job.hash},
    )


@lru_cache(maxsize=REMEMBERED)
def _read(stored: Declaration | None, environment: str) -> Declared | str:
    """What the stored spec says, or why it cannot be read: the others are known all the same.

    The same words mean the same: each plan looks at every service, and next to none has changed since the last one.
    """
    if stored is None:
        return Declared()
    try:
        return stored_part(Declared, json.loads(stored.said), stored.format, f"{stored.service} in {environment}")
    except UnreadableSpecError as error:
        return error.message


def _protocol(stored: Declaration, read: Declared | str) -> str:
    shares_keys = not isinstance(read, str) and read.shard
    return names.PROTOCOL_SHARDS if shares_keys else stored.protocol
