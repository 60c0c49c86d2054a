"""From decisions to documents: which allocations a plan creates, changes and cannot place."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.allocation import new_allocation
from outrider_embedded.scheduler.decision import Decisions, Placement
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.node import node_address
from outrider_embedded.scheduler.placement import booked, collision, metrics, refusal, resources
from outrider_embedded.scheduler.ports import PortBook
from outrider_embedded.scheduler.reschedule import tracker_after


@dataclass(frozen=True, slots=True)
class Ground:
    """What placements stand on."""

    job: Document
    evaluation: Document
    node: Document
    book: PortBook


@dataclass(slots=True)
class Plan:
    """The outcome: allocations to store, the deployment as it becomes, and metrics of groups that found no place."""

    allocations: list[Document] = field(default_factory=list[Document])
    deployment: Document | None = None
    failures: dict[str, Document] = field(default_factory=dict[str, Document])


def plan(decided: Decisions, ground: Ground, current: Document | None) -> Plan:
    """Carry the decisions out on paper and in the port book; ``current`` is the active deployment, if any."""
    result = Plan(deployment=decided.deployment or current)
    for one in decided.stop:
        ground.book.leave(one["ID"])
    placed = [(one, _placed(one, ground, result)) for one in decided.place]
    kept = {one.previous["ID"] for one, new in placed if new is None and one.previous is not None}
    replaced = {one.previous["ID"]: new["ID"] for one, new in placed if new is not None and one.previous is not None}
    for one in decided.stop:
        if one["ID"] not in kept:
            result.allocations.append({**one, "NextAllocation": replaced.get(one["ID"], one["NextAllocation"])})
        else:
            ground.book.leaving.discard(one["ID"])
    result.allocations += [_in_place(one, ground, result.deployment) for one in decided.inplace]
    result.allocations += [new for _, new in placed if new is not None]
    result.deployment = _with_canaries(result.deployment, placed)
    return result


def failures(decided: Decisions, ground: Ground) -> dict[str, Document]:
    """The groups that a dry run could not place, without booking anything."""
    result: dict[str, Document] = {}
    leaving = {one["ID"] for one in decided.stop}
    for one in decided.place:
        reason = refusal(ground.job, one.group, ground.node) or collision(one.group, ground.book, leaving, ground.node)
        if reason is not None:
            result[one.group["Name"]] = reason
    return result


def _placed(placement: Placement, ground: Ground, result: Plan) -> Document | None:
    """The new allocation, or None with the reason in ``result.failures``."""
    group, identifier = placement.group, str(uuid.uuid4())
    reason = refusal(ground.job, group, ground.node)
    if reason is not None:
        _note_failure(result, group["Name"], reason)
        return None
    network, problem = booked(group, identifier, ground.book, node_address(ground.node))
    if network is None:
        _note_failure(result, group["Name"], metrics(ground.node, exhausted={problem: 1}))
        return None
    identity = _identity(placement, identifier, ground, result.deployment)
    return new_allocation(identity, ground.job, group, resources(group, network))


def _note_failure(result: Plan, group: str, reason: Document) -> None:
    before = result.failures.get(group)
    result.failures[group] = {**before, "CoalescedFailures": before["CoalescedFailures"] + 1} if before else reason


def _identity(placement: Placement, identifier: str, ground: Ground, deployment: Document | None) -> Document:
    previous, group = placement.previous, placement.group
    is_part = deployments.is_active(deployment) and deployment is not None
    identity: Document = {
        "ID": identifier,
        "Name": placement.name,
        "EvalID": ground.evaluation["ID"],
        "NodeID": ground.node["ID"],
        "NodeName": ground.node["Name"],
        "Metrics": metrics(ground.node),
        "PreviousAllocation": previous["ID"] if previous else "",
    }
    if is_part and deployment is not None and group["Name"] in deployment["TaskGroups"]:
        identity["DeploymentID"] = deployment["ID"]
    if placement.is_canary:
        identity["DeploymentStatus"] = {"Canary": True, "Healthy": None, "ModifyIndex": 0, "Timestamp": None}
    if placement.is_rescheduling and previous is not None:
        identity["RescheduleTracker"] = tracker_after(previous, group["ReschedulePolicy"], time.time_ns())
    return identity


def _in_place(allocation: Document, ground: Ground, deployment: Document | None) -> Document:
    """The same processes under the new version; in a deployment their health is asked for anew."""
    result = {
        **allocation,
        "Job": ground.job,
        "EvalID": ground.evaluation["ID"],
        "ModifyTime": time.time_ns(),
    }
    if deployment is not None and allocation["TaskGroup"] in deployment["TaskGroups"]:
        result |= {"DeploymentID": deployment["ID"], "DeploymentStatus": None}
    return result


def _with_canaries(deployment: Document | None, placed: list[tuple[Placement, Document | None]]) -> Document | None:
    result = deployment
    for placement, new in placed:
        name = placement.group["Name"]
        if placement.is_canary and new is not None and result is not None and name in result["TaskGroups"]:
            canaries = [*(result["TaskGroups"][name]["PlacedCanaries"] or ()), new["ID"]]
            result = deployments.with_group(result, name, PlacedCanaries=canaries)
    return result


def fits(job: Document, node: Document) -> Callable[[Document], bool]:
    """Whether the node suits a group of the job, as a question."""
    return lambda group: refusal(job, group, node) is None
