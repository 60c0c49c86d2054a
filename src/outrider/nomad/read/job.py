"""What a job in Nomad says about itself: pure reading of its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.documents import listed, nested
from outrider.nomad.read.times import longest_s
from outrider.topology import names
from outrider.topology.parts import Parts

if TYPE_CHECKING:
    from outrider.documents import Json

HEALTHY_DEADLINE_S = 300.0


@dataclass(frozen=True, slots=True)
class RunningJob:
    """The job under a service's name: ``index`` is 0 where there is none, ``hash`` None where it is not ours.

    ``parts`` are the hashes of the service's and the sidecar's part. ``count`` is what runs now, None where nothing
    does; ``asked`` is what the job asks for, stopped or not; ``attempt`` counts how often this version was tried again; ``protocol`` is what its callers speak to it.
    """

    index: int
    exists: bool
    is_stopped: bool
    hash: str | None
    count: int | None
    parts: Parts | None = None
    asked: int | None = None
    attempt: int = 0
    protocol: str | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else than Outrider has put a job under this name."""
        return self.exists and not self.is_stopped and self.hash is None

    @property
    def is_live(self) -> bool:
        """Whether Nomad is asked to run it."""
        return self.exists and not self.is_stopped


def running(job: Json | None) -> RunningJob:
    """What the job's document says; None is no job."""
    if job is None:
        return RunningJob(index=0, exists=False, is_stopped=False, hash=None, count=None)
    stopped = bool(job.get("Stop"))
    groups = listed(job, "TaskGroups")
    asked = int(groups[0].get("Count") or 0) if groups else None
    return RunningJob(
        index=int(job.get("JobModifyIndex", 0)),
        exists=True,
        is_stopped=stopped,
        hash=version_hash(job),
        count=None if stopped else asked,
        parts=parts_in(job),
        asked=asked,
        attempt=_attempt(job),
        protocol=nested(job, "Meta").get(names.JOB_META_PROTOCOL),
    )


def version_hash(job: Json) -> str | None:
    """The version that the job's meta names (also in Nomad's list of jobs), or None where it is not ours."""
    return nested(job, "Meta").get(names.JOB_META_VERSION)


def parts_in(job: Json) -> Parts | None:
    """The hashes of both parts that the job's meta names, or None where it is not ours."""
    meta = nested(job, "Meta")
    service, sidecar = meta.get(names.JOB_META_SERVICE), meta.get(names.JOB_META_SIDECAR)
    return Parts(service, sidecar) if service and sidecar else None


def healthy_deadline_s(job: Json) -> float:
    """How long an allocation may take to get healthy, by the job's own update rules; Nomad's default without any."""
    deadlines = [int(nested(group, "Update").get("HealthyDeadline") or 0) for group in listed(job, "TaskGroups")]
    return longest_s(deadlines) or HEALTHY_DEADLINE_S


def spoken_by(job: Json) -> str | None:
    """What the service speaks as its callers need to know it, by the job's meta; None where it is not ours."""
    meta = nested(job, "Meta")
    return names.PROTOCOL_SHARDS if meta.get(names.JOB_META_SHARD) else meta.get(names.JOB_META_PROTOCOL)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a job says of itself: its version's hash, what the service speaks, and whether it is meant to run."""

    hash: str | None
    protocol: str
    is_live: bool


def said(job: Json) -> Spoken:
    """What a job says of itself, by its document or its line in Nomad's list of jobs."""
    return Spoken(version_hash(job), spoken_by(job) or "", not job.get("Stop"))


def environment_of(job: Json) -> str | None:
    """The environment that the job's meta names (also in Nomad's list of jobs), or None where it is not ours."""
    return nested(job, "Meta").get(names.JOB_META_ENVIRONMENT)


def _attempt(job: Json) -> int:
    written = str(nested(job, "Meta").get(names.JOB_META_ATTEMPT, ""))
    return int(written) if written.isdecimal() else 0


def templates(job: Json, *, but_of: str = "") -> tuple[str, ...]:
    """The texts that its tasks' files and variables are rendered from; not those of the task of that name."""
    tasks = (task for group in listed(job, "TaskGroups") for task in listed(group, "Tasks"))
    read = (one for task in tasks if not but_of or task.get("Name") != but_of for one in listed(task, "Templates"))
    return tuple(str(one.get("EmbeddedTmpl") or "") for one in read)
