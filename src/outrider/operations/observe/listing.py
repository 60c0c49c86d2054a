"""Asking both servers for all that runs: lists first, then only the documents that have changed since they were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.consul.standing import Standing, standing
from outrider.nomad.read.job import environment_of
from outrider.nomad.read.summary import JobSummary, summary
from outrider.operations.concurrency import in_turns
from outrider.operations.observe.registrations import Registrations
from outrider.operations.observe.scheduled import Scheduled, scheduled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul


async def listed(nomad: Nomad, names: Iterable[str] = (), known: Scheduled | None = None) -> Scheduled:
    """What Nomad runs of ours and under these names; RemoteError as Nomad's.

    Lists do not say how many a job asks for: its document is read where it is another than the known one.
    """
    listing, kept, before = await nomad.listing(), frozenset(names), known or Scheduled()
    stubs = [stub for stub in listing.jobs if environment_of(stub) is not None or stub["ID"] in kept]
    found = [before.jobs.get(str(stub["ID"])) for stub in stubs]
    same = [job for job, stub in zip(found, stubs, strict=True) if job and _is_same(job, stub)]
    others = {str(stub["ID"]) for stub in stubs} - {job.id for job in same}
    documents = await in_turns(nomad.job, sorted(others))
    jobs = [*same, *(summary(document) for document in documents if document is not None)]
    return scheduled(jobs, listing.allocations, names=kept, at=(listing.jobs_at, listing.allocations_at))


async def standing_now(consul: Consul) -> Standing:
    """How all checks stand, at once."""
    rows, _ = await consul.checks()
    return standing(rows or ())


async def read(consul: Consul, known: Registrations, services: Collection[str]) -> Registrations:
    """The same with these services read anew; RemoteError as Consul's."""

    async def entries(service: str) -> list[Json]:
        return (await consul.health(service))[0]

    names = sorted(services)
    return known.reading(dict(zip(names, await in_turns(entries, names), strict=True)))


def wanted(standing: Standing | None, jobs: Scheduled | None, names: Iterable[str] = ()) -> frozenset[str]:
    """The services that are watched in Consul: those that our jobs register, and those that bear our tag there."""
    ours = (job.id for job in jobs.jobs.values() if job.is_registered) if jobs else names
    return frozenset((*ours, *(standing.ours() if standing else ())))


def unwatched(jobs: Scheduled | None) -> frozenset[str]:
    """The services that register without any check, so that no check tells of their instances."""
    found = jobs.jobs.values() if jobs else ()
    return frozenset(job.id for job in found if job.is_registered and not job.is_checked and job.now.is_live)


def _is_same(job: JobSummary, stub: Json) -> bool:
    return 0 < job.modify_index == int(stub.get("ModifyIndex") or 0)
