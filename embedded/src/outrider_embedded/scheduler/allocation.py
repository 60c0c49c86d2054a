"""Nomad's allocation: the document as it is stored, its short form in lists, and questions about its state."""

from __future__ import annotations

import time

from outrider_embedded.scheduler.documents import Document, fields

_OMITTED_WHEN_EMPTY = (
    "DesiredDescription",
    "DesiredTransition",
    "DeploymentID",
    "DeploymentStatus",
    "FollowupEvalID",
    "NextAllocation",
    "PreviousAllocation",
    "ClientDescription",
    "RescheduleTracker",
    "PreemptedAllocations",
    "PreemptedByAllocation",
    "TaskStates",
    "AllocStates",
)

_STUB = (
    "ClientDescription",
    "ClientStatus",
    "CreateIndex",
    "CreateTime",
    "DeploymentStatus",
    "DesiredDescription",
    "DesiredStatus",
    "DesiredTransition",
    "EvalID",
    "FollowupEvalID",
    "ID",
    "JobID",
    "ModifyIndex",
    "ModifyTime",
    "Name",
    "Namespace",
    "NextAllocation",
    "NodeID",
    "NodeName",
    "PreemptedAllocations",
    "PreemptedByAllocation",
    "RescheduleTracker",
    "TaskGroup",
    "TaskStates",
)

NO_TRANSITION: Document = {
    "ForceReschedule": None,
    "Migrate": None,
    "MigrateDisablePlacement": None,
    "NoShutdownDelay": None,
    "Reschedule": None,
}


def new_allocation(identity: Document, job: Document, group: Document, resources: Document) -> Document:
    """A pending allocation; ``identity`` holds ID, Name, EvalID, NodeID, NodeName and what else is special to it."""
    now = time.time_ns()
    return {
        "AllocModifyIndex": 0,
        "ClientDescription": "",
        "ClientStatus": "pending",
        "CreateTime": now,
        "DeploymentID": "",
        "DeploymentStatus": None,
        "DesiredDescription": "",
        "DesiredStatus": "run",
        "DesiredTransition": NO_TRANSITION,
        "FollowupEvalID": "",
        "Job": job,
        "JobID": job["ID"],
        "ModifyTime": now,
        "Namespace": job["Namespace"],
        "NetworkStatus": {"Address": "", "AddressIPv6": "", "DNS": None, "InterfaceName": ""},
        "NextAllocation": "",
        "PreemptedAllocations": None,
        "PreemptedByAllocation": "",
        "PreviousAllocation": "",
        "RescheduleTracker": None,
        "SigningKeyID": "",
        "TaskGroup": group["Name"],
        "TaskStates": None,
        **resources,
        **identity,
    }


def allocation_answer(allocation: Document) -> Document:
    """The document of ``/v1/allocation/:id``: fields that say nothing are left out."""
    hidden = {name for name in _OMITTED_WHEN_EMPTY if not allocation.get(name)}
    if allocation["DesiredTransition"] == NO_TRANSITION:
        hidden.add("DesiredTransition")
    return {name: value for name, value in allocation.items() if name not in hidden}


def allocation_stub(allocation: Document) -> Document:
    """The document of a list."""
    job = allocation["Job"]
    return {name: allocation[name] for name in _STUB} | {"JobType": job["Type"], "JobVersion": job["Version"]}


def is_server_terminal(allocation: Document) -> bool:
    """Whether the scheduler has decided that it ends."""
    return allocation["DesiredStatus"] in {"stop", "evict"}


def is_client_terminal(allocation: Document) -> bool:
    """Whether its processes have ended."""
    return allocation["ClientStatus"] in {"complete", "failed", "lost"}


def is_terminal(allocation: Document) -> bool:
    return is_server_terminal(allocation) or is_client_terminal(allocation)


def is_healthy(allocation: Document) -> bool:
    return fields(allocation["DeploymentStatus"]).get("Healthy") is True


def is_unhealthy(allocation: Document) -> bool:
    return fields(allocation["DeploymentStatus"]).get("Healthy") is False


def is_canary(allocation: Document) -> bool:
    return bool(fields(allocation["DeploymentStatus"]).get("Canary"))


def alloc_index(allocation: Document) -> int:
    """The number in ``job.group[3]``."""
    name: str = allocation["Name"]
    return int(name[name.rindex("[") + 1 : -1])


def group_of(allocation: Document) -> Document:
    """The allocation's group in the job version that it runs."""
    return next(group for group in allocation["Job"]["TaskGroups"] if group["Name"] == allocation["TaskGroup"])


def client_status(states: dict[str, Document]) -> tuple[str, str]:
    """ClientStatus and ClientDescription that follow from the states of the tasks."""
    tasks = list(states.values())
    if any(task["State"] == "dead" and task["Failed"] for task in tasks):
        return "failed", "Failed tasks"
    if any(task["State"] == "running" for task in tasks):
        return "running", "Tasks are running"
    if any(task["State"] == "pending" for task in tasks):
        return "pending", "No tasks have started"
    if all(task["State"] == "dead" for task in tasks):
        return "complete", "All tasks have completed"
    return "pending", ""


def stopped(allocation: Document, description: str) -> Document:
    """The allocation with the scheduler's wish that it ends."""
    return {**allocation, "DesiredStatus": "stop", "DesiredDescription": description, "ModifyTime": time.time_ns()}
