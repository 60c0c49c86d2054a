"""Reconciliation: a job, its allocations and its deployment in, decisions out; no clock, no process, no I/O."""

from __future__ import annotations

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.allocation import is_server_terminal, is_terminal, stopped
from outrider_embedded.scheduler.decision import NOT_NEEDED, Decisions, GroupDecisions, Updates
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.group import reconciled_group
from outrider_embedded.scheduler.world import World


def decisions(world: World) -> Decisions:
    """What has to happen so that the allocations become what the job says."""
    cancelled = _cancelled(world)
    current = None if cancelled or _is_over(world) else world.deployment
    if world.job["Stop"]:
        return _all_stopped(world, cancelled)
    old = None if current is not None else world.deployment
    groups = [reconciled_group(world, name, current, old) for name in _group_names(world)]
    return _combined(world, groups, current, cancelled)


def _cancelled(world: World) -> Document | None:
    """The deployment as cancelled, where the job was stopped or changed under it."""
    if world.deployment is None or not deployments.is_active(world.deployment):
        return None
    if world.job["Stop"]:
        return deployments.with_status(world.deployment, "cancelled", deployments.STOPPED_JOB)
    if _is_of_other_version(world):
        return deployments.with_status(world.deployment, "cancelled", deployments.NEWER_JOB)
    return None


def _is_of_other_version(world: World) -> bool:
    deployment, job = world.deployment, world.job
    if deployment is None:
        return False
    return (deployment["JobCreateIndex"], deployment["JobVersion"]) != (job["CreateIndex"], job["Version"])


def _is_over(world: World) -> bool:
    deployment = world.deployment
    return deployment is None or deployment["Status"] == "successful" or _is_of_other_version(world)


def _group_names(world: World) -> list[str]:
    names = {group["Name"] for group in world.job["TaskGroups"]}
    return sorted(names | {one["TaskGroup"] for one in world.allocations if not is_server_terminal(one)})


def _all_stopped(world: World, cancelled: Document | None) -> Decisions:
    running = [one for one in world.allocations if not is_terminal(one)]
    names = {one["TaskGroup"] for one in running}
    updates = {name: Updates(stop=sum(one["TaskGroup"] == name for one in running)) for name in names}
    return Decisions(stop=tuple(stopped(one, NOT_NEEDED) for one in running), cancelled=cancelled, updates=updates)


def _combined(
    world: World, groups: list[GroupDecisions], current: Document | None, cancelled: Document | None
) -> Decisions:
    created = _created(world, groups) if current is None else None
    changed = created if created is not None else _with_states(current, groups)
    is_complete = current is not None and all(group.is_complete for group in groups)
    if is_complete and changed is not None and deployments.is_active(changed):
        changed = _completed(changed)
    return Decisions(
        place=tuple(one for group in groups for one in group.place),
        stop=tuple(one for group in groups for one in group.stop),
        inplace=tuple(one for group in groups for one in group.inplace),
        later=tuple(one for group in groups for one in group.later),
        deployment=changed if changed is not current else None,
        cancelled=cancelled,
        updates={group.name: group.updates for group in groups},
    )


def _created(world: World, groups: list[GroupDecisions]) -> Document | None:
    """A new deployment where at least one group needs one."""
    states = {group.name: group.state for group in groups if group.needs_deployment and group.state is not None}
    if not states:
        return None
    deployment = {**deployments.new_deployment(world.new_id(), world.job), "TaskGroups": states}
    if not deployments.requires_promotion(deployment):
        return deployment
    promotes_itself = deployments.promotes_itself(deployment)
    description = deployments.AUTO_PROMOTION if promotes_itself else deployments.NEEDS_PROMOTION
    return {**deployment, "StatusDescription": description}


def _with_states(current: Document | None, groups: list[GroupDecisions]) -> Document | None:
    if current is None:
        return None
    changed = {g.name: g.state for g in groups if g.state is not None and g.name in current["TaskGroups"]}
    states = {**current["TaskGroups"], **changed}
    return current if states == current["TaskGroups"] else {**current, "TaskGroups": states}


def _completed(deployment: Document) -> Document:
    """Successful, unless a canary still waits for its promotion."""
    if deployments.requires_promotion(deployment):
        return deployment
    return deployments.with_status(deployment, "successful", deployments.SUCCESSFUL)
