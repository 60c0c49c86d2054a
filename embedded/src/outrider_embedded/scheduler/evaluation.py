"""Nomad's evaluation: the request to look at a job again, and its result."""

from __future__ import annotations

import time
import uuid
from typing import Any

from outrider_embedded.scheduler.documents import Document


def new_evaluation(job: str, trigger: str, **more: Any) -> Document:
    """A pending evaluation of the job; ``more`` holds what is special to it (DeploymentID, JobModifyIndex, ...)."""
    now = time.time_ns()
    return {
        "ID": str(uuid.uuid4()),
        "Namespace": "default",
        "Priority": 50,
        "Type": "service",
        "TriggeredBy": trigger,
        "JobID": job,
        "Status": "pending",
        "CreateTime": now,
        "ModifyTime": now,
        **more,
    }


def completed(evaluation: Document, **results: Any) -> Document:
    """The evaluation as done, with what came of it (PlanAnnotations, QueuedAllocations, FailedTGAllocs, ...)."""
    return {**evaluation, "Status": "complete", "ModifyTime": time.time_ns(), **results}


def blocked(evaluation: Document, failures: Document, node: Document) -> Document:
    """The evaluation that waits for room, after one that could not place everything."""
    return new_evaluation(
        evaluation["JobID"],
        "queued-allocs",
        Status="blocked",
        StatusDescription="created to place remaining allocations",
        PreviousEval=evaluation["ID"],
        FailedTGAllocs=failures,
        ClassEligibility={node["ComputedClass"]: False},
        **({"JobModifyIndex": evaluation["JobModifyIndex"]} if "JobModifyIndex" in evaluation else {}),
        **({"SnapshotIndex": evaluation["ModifyIndex"]} if "ModifyIndex" in evaluation else {}),
    )
