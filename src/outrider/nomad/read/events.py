"""What Nomad's event stream says of jobs and allocations: pure reading of its batches (/v1/event/stream)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.documents import listed, nested
from outrider.nomad.read.summary import JobSummary, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.documents import Json

ENDING = frozenset({"JobDeregistered", "JobBatchDeregistered"})
TOPICS = ("Job:*", "Allocation:*", "Evaluation:*")


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A job was registered, stopped, or its status is another."""

    job: JobSummary


@dataclass(frozen=True, slots=True)
class JobGone:
    """Nomad has forgotten a job."""

    id: str


@dataclass(frozen=True, slots=True)
class AllocationChanged:
    """An allocation as its document is, which does not name the version of its job; ``is_planned``: by the scheduler."""

    document: Json
    is_planned: bool


Change = JobChanged | JobGone | AllocationChanged


def index_of(batch: Json) -> int:
    """The index that all events of the batch have; 0 of a heartbeat."""
    return int(batch.get("Index") or 0)


def changes(batch: Json) -> Iterator[Change]:
    """What the batch says of jobs and allocations, in its order."""
    told: set[object] = {event.get("Key") for event in listed(batch, "Events") if event.get("Topic") == "Job"}
    for event in listed(batch, "Events"):
        payload = nested(event, "Payload")
        if event.get("Topic") == "Job" and nested(payload, "Job"):
            yield _of_job(event, payload)
        elif event.get("Topic") == "Allocation" and nested(payload, "Allocation"):
            yield AllocationChanged(payload["Allocation"], is_planned=event.get("Type") == "PlanResult")
        elif _tells_of_the_end(event, told):
            yield JobGone(str(nested(payload, "Evaluation")["JobID"]))


def _of_job(event: Json, payload: Json) -> Change:
    """Versions between say that a job is gone by telling of it as it was: what was changed has the event's index."""
    job: Json = payload["Job"]
    is_ending = event.get("Type") in ENDING
    is_as_before = int(job.get("ModifyIndex") or 0) < int(event.get("Index") or 0)
    if payload.get("Deleted") or (is_ending and is_as_before):
        return JobGone(str(job["ID"]))
    return JobChanged(summary(job))


def _tells_of_the_end(event: Json, told: set[object]) -> bool:
    """Nomad 1.6 has no event for a job that is purged, but one for the evaluation of its end [S 1.6.5, state/events.go]."""
    evaluation = nested(nested(event, "Payload"), "Evaluation")
    return event.get("Type") in ENDING and bool(evaluation) and evaluation.get("JobID") not in told
