"""What the services of an environment speak and call, by what is registered: a version that failed says nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.nomad.read.job import environment_of, spoken_by, version_hash
from outrider.spec.stored import Declared, UnreadableSpecError, stored_declaration
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Declaration
    from outrider.spec.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Registered:
    """Protocols by service (``none`` for a worker, ``redis-shards``), and what each service calls.

    ``live`` are those whose job is there and not stopped. ``problems`` says whose spec cannot be read.
    """

    protocols: Mapping[str, str]
    upstreams: Mapping[str, Mapping[str, Upstream]]
    live: frozenset[str]
    problems: tuple[str, ...] = ()


async def registered(environment: Environment) -> Registered:
    """What Nomad's jobs say of themselves; of services that Nomad does not have, what came up last.

    Where Nomad does not answer, the store alone is asked.
    """
    newest, jobs = await asyncio.gather(environment.store.declarations(environment.name), _jobs(environment))
    stored = {one.service: one for one in newest}
    running = {name: await _declared(environment, job, stored.get(name)) for name, job in jobs.items()}
    spoken = {name: spoken_by(job) or "" for name, job in jobs.items()}
    read = {name: _read(one, environment.name) for name, one in {**stored, **running}.items()}
    return Registered(
        protocols={**{name: _protocol(one, read[name]) for name, one in stored.items()}, **spoken},
        upstreams={name: {} if isinstance(one, str) else one.upstreams for name, one in read.items()},
        live=frozenset(name for name, job in jobs.items() if not job.get("Stop")),
        problems=tuple(one for one in read.values() if isinstance(one, str)),
    )


def _read(stored: Declaration | None, environment: str) -> Declared | str:
    """What the stored spec says, or why it cannot be read: the others are known all the same."""
    if stored is None:
        return Declared()
    try:
        return stored_declaration(stored.said, stored.format, f"{stored.service} in {environment}")
    except UnreadableSpecError as error:
        return error.message


def _protocol(stored: Declaration, read: Declared | str) -> str:
    shares_keys = not isinstance(read, str) and read.shard
    return names.PROTOCOL_SHARDS if shares_keys else stored.protocol


async def _jobs(environment: Environment) -> dict[str, Json]:
    """Nomad's jobs that are of this environment, by service."""
    try:
        jobs = await environment.nomad.jobs()
    except RemoteError:
        return {}
    return {str(job["ID"]): job for job in jobs if environment_of(job) == environment.name}


async def _declared(environment: Environment, job: Json, newest: Declaration | None) -> Declaration | None:
    """The declaration of the version that the job is; most often it is the newest."""
    wanted = version_hash(job)
    if newest is None or newest.hash == wanted:
        return newest
    return await environment.store.declaration(environment.name, newest.service, str(wanted))
