"""Deployments watched: health counted, canaries promoted, failures and missed deadlines turned into ends and reverts."""

from __future__ import annotations

import asyncio
import time

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler.allocation import NO_TRANSITION, is_healthy
from outrider_embedded.scheduler.change import is_changed
from outrider_embedded.scheduler.deployment import Step
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.evaluation import new_evaluation
from outrider_embedded.scheduler.state import Commit, State

_SECOND = 1_000_000_000


class DeploymentWatcher:
    """Looks at active deployments whenever one of their allocations changes, and at their deadlines."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._timers: dict[str, asyncio.TimerHandle] = {}
        state.listeners.append(self._on_commit)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _on_commit(self, commit: Commit) -> None:
        touched = {one["DeploymentID"] for one in commit.allocations} | {one["ID"] for one in commit.deployments}
        for identifier in touched - {""}:
            asyncio.get_running_loop().call_soon(self._look, identifier)

    def _look(self, identifier: str) -> None:
        deployment = self._state.deployments.get(identifier)
        if deployment is None or deployment["Status"] != "running" or self._state.is_closed:
            return
        own = [one for one in self._state.allocations.values() if one["DeploymentID"] == identifier]
        counted = deployments.counted(deployment, own)
        if counted["TaskGroups"] != deployment["TaskGroups"]:
            self._go_on(deployment, counted)
            return
        self._set_timer(deployment)
        version = self._state.version(deployment["JobID"], deployment["JobVersion"])
        if version is not None:
            self._act(deployment, deployments.next_step(deployment, version, own, time.time_ns()))

    def _go_on(self, before: Document, counted: Document) -> None:
        """Store the numbers, and evaluate the job where something has become healthy."""
        healthy = [sum(state["HealthyAllocs"] for state in one["TaskGroups"].values()) for one in (before, counted)]
        more = (self._evaluation(before),) if healthy[1] > healthy[0] else ()
        self._state.commit(Commit("DeploymentAllocHealth", deployments=(counted,), evaluations=more))

    def _evaluation(self, deployment: Document) -> Document:
        return new_evaluation(deployment["JobID"], "deployment-watcher", DeploymentID=deployment["ID"])

    def _set_timer(self, deployment: Document) -> None:
        timer = self._timers.pop(deployment["ID"], None)
        if timer is not None:
            timer.cancel()
        due = deployments.next_deadline(deployment)
        if due:
            delay = max(0.0, (due - time.time_ns()) / _SECOND) + 0.001
            loop = asyncio.get_running_loop()
            self._timers[deployment["ID"]] = loop.call_later(delay, self._look, deployment["ID"])

    def _act(self, deployment: Document, step: Step) -> None:
        if step.failure:
            fail(self._state, deployment, step.failure, is_reverting=step.is_reverting)
        elif step.replace:
            self._allow_replacements(deployment, step.replace)
        elif step.promote:
            promote(self._state, deployment, None)

    def _allow_replacements(self, deployment: Document, identifiers: tuple[str, ...]) -> None:
        transition = {**NO_TRANSITION, "Reschedule": True}
        changed = [{**self._state.allocations[one], "DesiredTransition": transition} for one in identifiers]
        commit = Commit(
            "AllocationUpdateDesiredStatus",
            allocations=tuple(changed),
            evaluations=(self._evaluation(deployment),),
        )
        self._state.commit(commit)


def promote(state: State, deployment: Document, groups: list[str] | None) -> Commit:
    """Promote the canaries of some groups, or of all; their allocations stop being canaries."""
    chosen = [name for name in deployment["TaskGroups"] if groups is None or name in groups]
    result = {**deployment, "StatusDescription": deployments.RUNNING}
    for name in chosen:
        result = deployments.promoted(result, name, time.time_ns())
    canaries = {one for name in chosen for one in deployment["TaskGroups"][name]["PlacedCanaries"] or ()}
    promoted = [_promoted(state.allocations[one]) for one in canaries if one in state.allocations]
    evaluation = new_evaluation(deployment["JobID"], "deployment-watcher", DeploymentID=deployment["ID"])
    commit = Commit(
        "DeploymentPromotion",
        deployments=(result,),
        allocations=tuple(promoted),
        evaluations=(evaluation,),
    )
    return state.commit(commit)


def _promoted(allocation: Document) -> Document:
    status = {**fields(allocation["DeploymentStatus"]), "Canary": False}
    return {**allocation, "DeploymentStatus": status}


def healthy_canaries(state: State, deployment: Document, group: str) -> int:
    """How many of a group's canaries are healthy."""
    canaries = deployment["TaskGroups"][group]["PlacedCanaries"] or ()
    return sum(one in state.allocations and is_healthy(state.allocations[one]) for one in canaries)


def fail(state: State, deployment: Document, reason: str, *, is_reverting: bool) -> tuple[Commit, int | None]:
    """End a deployment badly, with a revert to the latest stable version where its groups ask for it.

    Returns the commit and the version that is reverted to, if any.
    """
    job = state.jobs.get(deployment["JobID"])
    stable = _latest_stable(state, deployment["JobID"]) if is_reverting else None
    jobs: tuple[Document, ...] = ()
    if is_reverting:
        reason, jobs = _reverted(job, stable, reason)
    failed = deployments.with_status(deployment, "failed", reason)
    evaluation = new_evaluation(deployment["JobID"], "deployment-watcher", DeploymentID=deployment["ID"])
    commit = Commit("DeploymentStatusUpdate", jobs=jobs, deployments=(failed,), evaluations=(evaluation,))
    return state.commit(commit), stable["Version"] if stable is not None and jobs else None


def _latest_stable(state: State, job: str) -> Document | None:
    return next((one for one in state.versions.get(job, []) if one["Stable"]), None)


def _reverted(job: Document | None, stable: Document | None, reason: str) -> tuple[str, tuple[Document, ...]]:
    """The reason with what is done about it, and the stable version as the next one."""
    if stable is None or job is None:
        return f"{reason} - no stable job version to auto revert to", ()
    number = stable["Version"]
    if not is_changed(stable, job):
        note = f"not rolling back to stable job version {number} as current job has same specification"
        return f"{reason} - {note}", ()
    return f"{reason} - rolling back to job version {number}", (next_version(job, stable),)


def next_version(job: Document, content: Document) -> Document:
    """A job's content as the version after its present one; the index of the next commit becomes its own."""
    return {
        **content,
        "Version": job["Version"] + 1,
        "CreateIndex": job["CreateIndex"],
        "JobModifyIndex": 0,
        "Status": job["Status"],
    }
