"""Shortened and combined documents: a job's line in a list, its numbers, its state for a dashboard (pure)."""

from __future__ import annotations

import itertools

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.allocation import is_healthy, is_server_terminal, is_terminal, is_unhealthy
from outrider_embedded.scheduler.difference import job_diff
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.state import State

_STUB = (
    "CreateIndex",
    "Datacenters",
    "ID",
    "JobModifyIndex",
    "Meta",
    "ModifyIndex",
    "Multiregion",
    "Name",
    "Namespace",
    "NodePool",
    "ParentID",
    "Priority",
    "Status",
    "StatusDescription",
    "Stop",
    "SubmitTime",
    "Type",
)

_COLUMNS = {
    "pending": "Starting",
    "running": "Running",
    "complete": "Complete",
    "failed": "Failed",
    "lost": "Lost",
    "unknown": "Unknown",
}


def job_stub(job: Document, summary: Document, *, with_meta: bool = False) -> Document:
    """A job in the list of jobs; its meta only where that is asked for (``meta=true``), and only where it has some."""
    shown = {name: job[name] for name in _STUB if name != "Meta" or (with_meta and job.get("Meta"))}
    return shown | {"JobSummary": summary, "ParameterizedJob": False, "Periodic": False}


def job_summary(state: State, job: Document) -> Document:
    """How many allocations of each group are in which state."""
    own = state.job_allocations(job["ID"])
    return {
        "Children": {"Dead": 0, "Pending": 0, "Running": 0},
        "CreateIndex": job["CreateIndex"],
        "JobID": job["ID"],
        "ModifyIndex": max([job["CreateIndex"], *(one["ModifyIndex"] for one in own)]),
        "Namespace": job["Namespace"],
        "Summary": {group["Name"]: _columns(state, job, group["Name"]) for group in job["TaskGroups"]},
    }


def _columns(state: State, job: Document, group: str) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(
        ("Complete", "Failed", "Lost", "Queued", "Running", "Starting", "Unknown"), 0
    )
    for one in state.job_allocations(job["ID"]):
        if one["TaskGroup"] == group:
            counts[_COLUMNS[one["ClientStatus"]]] += 1
    evaluations = state.job_evaluations(job["ID"])
    latest = max(evaluations, key=lambda one: int(one["ModifyIndex"]), default=Document())
    counts["Queued"] = fields(latest.get("QueuedAllocations")).get(group, 0)
    return counts


def job_status(state: State, job: Document) -> Document:
    """A job's line in ``/v1/jobs/statuses``: allocations and the latest deployment in short."""
    own = [one for one in state.job_allocations(job["ID"]) if not is_server_terminal(one)]
    shown = ("Datacenters", "ID", "ModifyIndex", "Name", "Namespace", "NodePool", "ParentID", "Priority")
    more = ("Status", "Stop", "SubmitTime", "Type", "Version")
    return {name: job[name] for name in (*shown, *more)} | {
        "Allocs": [_allocation_status(one) for one in own] or None,
        "ChildStatuses": None,
        "GroupCountSum": sum(group["Count"] for group in job["TaskGroups"]),
        "IsPack": False,
        "LatestDeployment": _deployment_status(state.latest_deployment(job["ID"])),
    }


def _allocation_status(allocation: Document) -> Document:
    status = allocation["DeploymentStatus"]
    short = {"Canary": status["Canary"], "Healthy": status["Healthy"]} if status else None
    return {
        "ClientStatus": allocation["ClientStatus"],
        "DeploymentStatus": short or {"Canary": False, "Healthy": None},
        "FollowupEvalID": allocation["FollowupEvalID"],
        "Group": allocation["TaskGroup"],
        "HasPausedTask": False,
        "ID": allocation["ID"],
        "JobVersion": allocation["Job"]["Version"],
        "NodeID": allocation["NodeID"],
    }


def _deployment_status(deployment: Document | None) -> Document | None:
    if deployment is None:
        return None
    return {
        "AllAutoPromote": deployments.promotes_itself(deployment),
        "ID": deployment["ID"],
        "IsActive": deployments.is_active(deployment),
        "JobVersion": deployment["JobVersion"],
        "RequiresPromotion": deployments.requires_promotion(deployment),
        "Status": deployment["Status"],
        "StatusDescription": deployment["StatusDescription"],
    }


def scale_status(state: State, job: Document) -> Document:
    """``GET /v1/job/:id/scale``: wanted and present numbers, and the last scaling events."""
    return {
        "JobCreateIndex": job["CreateIndex"],
        "JobID": job["ID"],
        "JobModifyIndex": job["ModifyIndex"],
        "JobStopped": job["Stop"],
        "Namespace": job["Namespace"],
        "TaskGroups": {group["Name"]: _group_scale(state, job, group) for group in job["TaskGroups"]},
    }


def _group_scale(state: State, job: Document, group: Document) -> Document:
    """Canaries that are not promoted do not count."""
    own = [one for one in state.job_allocations(job["ID"]) if one["TaskGroup"] == group["Name"]]
    live = [one for one in own if not is_terminal(one) and not fields(one["DeploymentStatus"]).get("Canary")]
    return {
        "Desired": group["Count"],
        "Events": state.scalings.get(job["ID"], {}).get(group["Name"]),
        "Healthy": sum(is_healthy(one) for one in live),
        "Placed": len(live),
        "Running": sum(one["ClientStatus"] == "running" for one in live),
        "Unhealthy": sum(is_unhealthy(one) for one in live),
    }


def version_list(versions: list[Document], index: int, with_diffs: bool) -> Document:  # noqa: FBT001
    """``/v1/job/:id/versions``; with diffs, each version is compared with the one before it."""
    pairs = itertools.pairwise(versions)
    return {
        "Diffs": [job_diff(old, new, is_contextual=False) for new, old in pairs] if with_diffs else None,
        "Index": index,
        "KnownLeader": True,
        "LastContact": 0,
        "NextToken": "",
        "Versions": versions,
    }
