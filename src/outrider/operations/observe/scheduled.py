"""What Nomad runs, as listed once and kept by its events: frozen, and pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.events import AllocationChanged, JobChanged, JobGone, changes, index_of

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.summary import JobSummary

Kept = Mapping[str, Mapping[str, Allocation]]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Jobs by id and their current allocations by job and id, as of the indexes of both tables.

    Of jobs that are not ours those in ``names`` are kept, which bear the name of a service; of allocations those that count
    for what runs now.
    """

    jobs: Mapping[str, JobSummary] = field(default_factory=dict[str, "JobSummary"])
    allocations: Kept = field(default_factory=dict[str, "Mapping[str, Allocation]"])
    jobs_at: int = 0
    allocations_at: int = 0
    names: frozenset[str] = frozenset()

    def after(self, batch: Json) -> Scheduled:
        """The same after a batch of the event stream; what it tells from before the listing is known already."""
        index, now = index_of(batch), self
        for change in changes(batch):
            if isinstance(change, AllocationChanged):
                now = _placed(now, change) if index > self.allocations_at else now
            elif index > self.jobs_at:
                now = _registered(now, change)
        return replace(now, jobs_at=max(index, self.jobs_at), allocations_at=max(index, self.allocations_at))

    def of(self, service: str) -> tuple[Allocation, ...]:
        """The service's current allocations, by their index and then newest first."""
        found = self.allocations.get(service, {}).values()
        return tuple(sorted(found, key=lambda one: (one.index, -one.modify_index)))

    def keeps(self, job_id: str, environment: str | None) -> bool:
        """Whether a job of that name and environment is worth its place."""
        return environment is not None or job_id in self.names or job_id in self.jobs


def scheduled(
    jobs: Iterable[JobSummary],
    stubs: Iterable[Json],
    *,
    names: frozenset[str] = frozenset(),
    at: tuple[int, int] = (0, 0),
) -> Scheduled:
    """What was listed: jobs, the stubs of allocations, and the indexes of both lists."""
    kept = {job.id: job for job in jobs}
    by_job: dict[str, list[Json]] = {}
    for stub in stubs:
        by_job.setdefault(str(stub.get("JobID")), []).append(stub)
    found = {
        name: {one.id: one for one in allocations(some, [kept[name].readings]) if one.is_current}
        for name, some in by_job.items()
        if name in kept
    }
    return Scheduled(kept, {name: some for name, some in found.items() if some}, *at, names)


def _allocation(change: AllocationChanged, job: JobSummary, known: Allocation | None) -> Allocation:
    """What the scheduler has just placed or changed in place is of the job's present version, as is what nobody knew."""
    is_fresh = change.is_planned and change.document.get("DesiredStatus") == "run"
    version = job.version if known is None or is_fresh else known.job_version
    (one,) = allocations([change.document | {"JobVersion": version}], [job.readings])
    return one


def _with(kept: Kept, job_id: str, some: Mapping[str, Allocation]) -> Kept:
    """Nothing is kept of a job without a current allocation."""
    rest = {name: others for name, others in kept.items() if name != job_id}
    return rest | ({job_id: some} if some else {})


def _registered(now: Scheduled, change: JobChanged | JobGone) -> Scheduled:
    if isinstance(change, JobGone):
        # Nomad forgets its allocations with it, and tells nothing of them any more [seen on 2.0.5 and 1.6.5].
        jobs = {name: job for name, job in now.jobs.items() if name != change.id}
        return replace(now, jobs=jobs, allocations=_with(now.allocations, change.id, {}))
    job, known = change.job, now.jobs.get(change.job.id)
    if not now.keeps(job.id, job.environment) or (known and known.modify_index > job.modify_index):
        return now
    return replace(now, jobs={**now.jobs, job.id: job})


def _placed(now: Scheduled, change: AllocationChanged) -> Scheduled:
    job_id = str(change.document.get("JobID"))
    job, others = now.jobs.get(job_id), now.allocations.get(job_id, {})
    known = others.get(str(change.document["ID"]))
    if job is None or (known and known.modify_index > int(change.document.get("ModifyIndex") or 0)):
        return now
    one = _allocation(change, job, known)
    rest = {key: other for key, other in others.items() if key != one.id}
    return replace(now, allocations=_with(now.allocations, job_id, rest | ({one.id: one} if one.is_current else {})))
