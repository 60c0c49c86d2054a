"""Nomad's deployment: the document, the health of its allocations counted, and what has to happen next (pure)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from outrider_embedded.scheduler.allocation import is_healthy, is_unhealthy
from outrider_embedded.scheduler.documents import Document, fields, words
from outrider_embedded.scheduler.reschedule import is_reschedule_eligible
from outrider_embedded.scheduler.times import stamp, stamp_ns

RUNNING = "Deployment is running"
NEEDS_PROMOTION = "Deployment is running but requires manual promotion"
AUTO_PROMOTION = "Deployment is running pending automatic promotion"
PAUSED = "Deployment is paused"
SUCCESSFUL = "Deployment completed successfully"
STOPPED_JOB = "Cancelled because job is stopped"
NEWER_JOB = "Cancelled due to newer version of job"
UNHEALTHY = "Failed due to unhealthy allocations"
DEADLINE = "Failed due to progress deadline"
BY_USER = "Deployment marked as failed"

ACTIVE = frozenset({"running", "paused", "blocked", "unblocking", "initializing", "pending"})


def new_deployment(identifier: str, job: Document) -> Document:
    """A running deployment of the job's present version, without groups."""
    now = time.time_ns()
    return {
        "ID": identifier,
        "JobID": job["ID"],
        "JobVersion": job["Version"],
        "JobModifyIndex": job["ModifyIndex"],
        "JobSpecModifyIndex": job["JobModifyIndex"],
        "JobCreateIndex": job["CreateIndex"],
        "Namespace": job["Namespace"],
        "IsMultiregion": False,
        "EvalPriority": 50,
        "Status": "running",
        "StatusDescription": RUNNING,
        "TaskGroups": {},
        "CreateTime": now,
        "ModifyTime": now,
    }


def new_group_state(group: Document) -> Document:
    update: Document = fields(group["Update"])
    return {
        "AutoPromote": update.get("AutoPromote", False),
        "AutoRevert": update.get("AutoRevert", False),
        "DesiredCanaries": 0,
        "DesiredTotal": 0,
        "HealthyAllocs": 0,
        "PlacedAllocs": 0,
        "PlacedCanaries": None,
        "ProgressDeadline": update.get("ProgressDeadline", 0),
        "Promoted": False,
        "RequireProgressBy": None,
        "UnhealthyAllocs": 0,
    }


def is_active(deployment: Document | None) -> bool:
    return deployment is not None and deployment["Status"] in ACTIVE


def requires_promotion(deployment: Document) -> bool:
    """Whether a canary of a running deployment has not been promoted."""
    if deployment["Status"] != "running":
        return False
    return any(state["DesiredCanaries"] > 0 and not state["Promoted"] for state in deployment["TaskGroups"].values())


def promotes_itself(deployment: Document) -> bool:
    states = [state for state in deployment["TaskGroups"].values() if state["DesiredCanaries"] > 0]
    return bool(states) and all(state["AutoPromote"] for state in states)


def with_status(deployment: Document, status: str, description: str) -> Document:
    return {**deployment, "Status": status, "StatusDescription": description, "ModifyTime": time.time_ns()}


def with_group(deployment: Document, name: str, **changes: object) -> Document:
    """The deployment with some fields of one group's state replaced."""
    state = {**deployment["TaskGroups"][name], **changes}
    return {**deployment, "TaskGroups": {**deployment["TaskGroups"], name: state}, "ModifyTime": time.time_ns()}


def with_new_deadlines(deployment: Document, now: int) -> Document:
    """The deployment as it is paused or resumed: each group has its whole time again (nomad/state/state_store.go, from 2.0.1)."""
    result = deployment
    for name, state in deployment["TaskGroups"].items():
        if state["ProgressDeadline"]:
            result = with_group(result, name, RequireProgressBy=stamp(now + state["ProgressDeadline"]))
    return result


def promoted(deployment: Document, name: str, now: int) -> Document:
    """The deployment after one group's promotion, which is progress: its deadline begins anew."""
    state = deployment["TaskGroups"][name]
    due = stamp(now + state["ProgressDeadline"]) if state["RequireProgressBy"] else None
    return with_group(deployment, name, Promoted=True, RequireProgressBy=due)


def counted(deployment: Document, allocations: list[Document]) -> Document:
    """The deployment with placed, healthy and unhealthy allocations counted; ``allocations`` are those of its own.

    A group's deadline begins with the first placement and moves with each allocation that becomes healthy
    (nomad/state/state_store.go, updateDeploymentWithAlloc).
    """
    result = deployment
    for name, state in deployment["TaskGroups"].items():
        own = [one for one in allocations if one["TaskGroup"] == name]
        healthy = [one for one in own if is_healthy(one)]
        deadline = _deadline(state, own, healthy, deployment["CreateTime"])
        result = with_group(
            result,
            name,
            PlacedAllocs=len(own),
            HealthyAllocs=len(healthy),
            UnhealthyAllocs=sum(is_unhealthy(one) for one in own),
            RequireProgressBy=stamp(deadline) if deadline else None,
        )
    return result


def _deadline(state: Document, own: list[Document], healthy: list[Document], start: int) -> int:
    """Nanoseconds of the time by which the group has to make progress; 0 for none."""
    if not own or not state["ProgressDeadline"]:
        return 0
    first = stamp_ns(state["RequireProgressBy"]) if state["RequireProgressBy"] else 0
    if not first:
        first = max(start, min(one["CreateTime"] for one in own)) + state["ProgressDeadline"]
    progress = [stamp_ns(one["DeploymentStatus"]["Timestamp"]) + state["ProgressDeadline"] for one in healthy]
    return max([first, *progress])


@dataclass(frozen=True, slots=True)
class Step:
    """What a running deployment needs: ``promote`` itself, ``fail`` with a reason, ``replace`` allocations, ``go on``."""

    promote: bool = False
    failure: str = ""
    is_reverting: bool = False
    replace: tuple[str, ...] = ()


def next_step(deployment: Document, job: Document, allocations: list[Document], now: int) -> Step:
    """What to do with a running deployment, given its own allocations and the time in nanoseconds."""
    groups = {group["Name"]: group for group in job["TaskGroups"]}
    sick = [one for one in allocations if is_unhealthy(one) and one["TaskGroup"] in groups]
    lost = [one for one in sick if not _is_replaceable(one, groups[one["TaskGroup"]], now)]
    if lost:
        return Step(failure=UNHEALTHY, is_reverting=any(_reverts(deployment, one["TaskGroup"]) for one in lost))
    late = _late_groups(deployment, now)
    if late:
        return Step(failure=DEADLINE, is_reverting=any(_reverts(deployment, name) for name in late))
    replace = tuple(one["ID"] for one in sick if not one["DesiredTransition"]["Reschedule"])
    return Step(promote=_is_ripe(deployment, allocations), replace=replace)


def next_deadline(deployment: Document) -> int:
    """Nanoseconds of the next time at which the deployment has to be looked at; 0 for none."""
    groups = [state for state in deployment["TaskGroups"].values() if not _is_done(state)]
    times = [stamp_ns(state["RequireProgressBy"]) for state in groups if state["RequireProgressBy"]]
    return min(times, default=0)


def _is_replaceable(allocation: Document, group: Document, now: int) -> bool:
    if not group["Update"] or not group["Update"]["ProgressDeadline"]:
        return False
    return is_reschedule_eligible(allocation, group["ReschedulePolicy"], now)


def _reverts(deployment: Document, group: str) -> bool:
    return deployment["TaskGroups"].get(group, {}).get("AutoRevert", False)


def _late_groups(deployment: Document, now: int) -> list[str]:
    return [
        name
        for name, state in deployment["TaskGroups"].items()
        if state["RequireProgressBy"] and stamp_ns(state["RequireProgressBy"]) <= now and not _is_done(state)
    ]


def _is_done(state: Document) -> bool:
    """Whether the group waits for nothing but, perhaps, a promotion."""
    if state["DesiredCanaries"] > 0 and not state["Promoted"]:
        return state["HealthyAllocs"] >= state["DesiredCanaries"]
    return state["HealthyAllocs"] >= state["DesiredTotal"]


def _is_ripe(deployment: Document, allocations: list[Document]) -> bool:
    """Whether all canaries are healthy and every group wants them promoted without a person."""
    if not requires_promotion(deployment) or not promotes_itself(deployment):
        return False
    return all(has_healthy_canaries(state, allocations) for state in deployment["TaskGroups"].values())


def has_healthy_canaries(state: Document, allocations: list[Document]) -> bool:
    """Whether as many canaries are healthy as the group wants (0 included)."""
    placed = set(words(state["PlacedCanaries"]))
    return sum(one["ID"] in placed and is_healthy(one) for one in allocations) >= state["DesiredCanaries"]
