"""What is kept in mind of a job: how it stands, whose it is, and what its templates read, without its document. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outrider.documents import Json, listed
from outrider.nomad.read.job import RunningJob, environment_of, running, spoken_by
from outrider.nomad.read.references import readings

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job in some hundred bytes, where its document has a hundred thousand.

    ``environment`` is None for a job that is not ours; ``version`` is Nomad's number. ``is_registered`` says whether its
    allocations appear in Consul, ``is_checked`` whether with checks. ``readings`` is what tasks may wait for.
    """

    id: str
    now: RunningJob
    environment: str | None
    spoken: str | None
    version: int
    modify_index: int
    is_registered: bool
    is_checked: bool
    readings: Json = field(default_factory=dict[str, Any])


def summary(job: Json) -> JobSummary:
    """Of the job's whole document."""
    services = list(_services(job))
    return JobSummary(
        id=str(job["ID"]),
        now=running(job),
        environment=environment_of(job),
        spoken=spoken_by(job),
        version=int(job.get("Version") or 0),
        modify_index=int(job.get("ModifyIndex") or 0),
        is_registered=bool(services),
        is_checked=any(listed(one, "Checks") for one in services),
        readings=readings(job),
    )


def _services(job: Json) -> Iterator[Json]:
    return (service for group in listed(job, "TaskGroups") for service in listed(group, "Services"))
