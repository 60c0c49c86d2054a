"""Evaluations worked off one after the other: decide, plan, store, and look again when it is time."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

from outrider_embedded.scheduler import deployment as deployments
from outrider_embedded.scheduler import host_volumes
from outrider_embedded.scheduler.allocation import is_client_terminal
from outrider_embedded.scheduler.decision import Decisions, desired_updates
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.evaluation import blocked, completed, new_evaluation
from outrider_embedded.scheduler.planning import Ground, Plan, fits, plan
from outrider_embedded.scheduler.ports import PortBook
from outrider_embedded.scheduler.reconcile import decisions
from outrider_embedded.scheduler.state import Commit, State
from outrider_embedded.scheduler.world import World

_SECOND = 1_000_000_000


class Evaluator:
    """Turns pending evaluations into plans; each turn of the event loop takes one.

    ``volumes`` is where a directory is made for each host volume that a job asks for; None where none is made.
    """

    def __init__(self, state: State, node: Document, book: PortBook, volumes: Path | None = None) -> None:
        self._state, self._node, self._book, self._volumes = state, node, book, volumes
        self._timers: set[asyncio.TimerHandle] = set()
        self._ended: set[str] = set()
        state.listeners.append(self._on_commit)

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def ask(self, job: str, trigger: str, **more: Any) -> Document:
        """Store a new evaluation of the job; it is worked off in the next turn of the loop."""
        commit = self._state.commit(Commit("EvaluationUpdated", evaluations=(new_evaluation(job, trigger, **more),)))
        return commit.evaluations[0]

    def _on_commit(self, commit: Commit) -> None:
        loop = asyncio.get_running_loop()
        for evaluation in commit.evaluations:
            if evaluation["Status"] == "pending":
                loop.call_soon(self._work_off, evaluation["ID"])
        for allocation in commit.allocations:
            if is_client_terminal(allocation) and allocation["ID"] not in self._ended:
                self._ended.add(allocation["ID"])
                loop.call_soon(self._on_end, allocation)

    def _on_end(self, allocation: Document) -> None:
        """An allocation that ended by itself may need another; one that made room may help those that wait."""
        if self._state.is_closed:
            return
        if allocation["DesiredStatus"] == "run":
            self.ask(allocation["JobID"], "alloc-failure")
        self._retry_blocked()

    def _work_off(self, identifier: str) -> None:
        evaluation = self._state.evaluations.get(identifier)
        if evaluation is None or evaluation["Status"] != "pending" or self._state.is_closed:
            return
        world = self.world(evaluation["JobID"], identifier)
        if world is None:
            self._state.commit(Commit("EvaluationUpdated", evaluations=(completed(evaluation),)))
            return
        decided = decisions(world)
        ground = self.ground(world.job, evaluation)
        planned = plan(decided, ground, _current(world))
        self._store(world, decided, planned)
        self._finish(evaluation, decided, planned)
        for allocation, due in decided.later:
            self._look_again(allocation, due)
        if evaluation["JobID"] not in self._state.jobs:
            self._state.forget(evaluation["JobID"])

    def world(self, job: str, evaluation: str = "", candidate: Document | None = None) -> World | None:
        """What a decision on the job rests on; a purged job's allocations all have to end."""
        allocations = self._state.job_allocations(job)
        document = candidate or self._state.jobs.get(job)
        if document is None and allocations:
            document = {**allocations[-1]["Job"], "Stop": True}
        if document is None:
            return None
        host_volumes.make(document, self._node, self._volumes)
        return World(
            document,
            allocations,
            _counted(self._state.latest_deployment(job), allocations),
            time.time_ns(),
            fits(document, self._node),
            evaluation,
            lambda: str(uuid.uuid4()),
        )

    def ground(self, job: Document, evaluation: Document) -> Ground:
        """What placements of the job stand on here."""
        return Ground(job, evaluation, self._node, self._book)

    def _store(self, world: World, decided: Decisions, planned: Plan) -> None:
        changed = [] if planned.deployment is None else [self._with_placed(planned.deployment, planned)]
        cancelled = [decided.cancelled] if decided.cancelled else []
        is_new = changed and changed[0] != world.deployment
        if not (planned.allocations or is_new or cancelled):
            return
        done = bool(changed) and changed[0]["Status"] == "successful"
        jobs = [{**world.job, "Stable": True}] if done and world.job["ID"] in self._state.jobs else []
        commit = Commit(
            "PlanResult",
            jobs=tuple(jobs),
            deployments=(*cancelled, *(changed if is_new else ())),
            allocations=tuple(planned.allocations),
        )
        self._state.commit(commit)

    def _with_placed(self, deployment: Document, planned: Plan) -> Document:
        new = {one["ID"]: one for one in planned.allocations}
        known = {**self._state.allocations, **new}
        own = [one for one in known.values() if one["DeploymentID"] == deployment["ID"]]
        return deployments.counted(deployment, own)

    def _finish(self, evaluation: Document, decided: Decisions, planned: Plan) -> None:
        results: Document = {
            "PlanAnnotations": plan_numbers(decided),
            "QueuedAllocations": _queued(decided, planned),
            "SnapshotIndex": evaluation["ModifyIndex"],
        }
        if planned.deployment is not None:
            results["DeploymentID"] = planned.deployment["ID"]
        more: list[Document] = []
        if planned.failures:
            more = [blocked(evaluation, planned.failures, self._node)]
            results |= {"FailedTGAllocs": planned.failures, "BlockedEval": more[0]["ID"]}
        old = self._unblocked(evaluation)
        done = completed(evaluation, **results)
        self._state.commit(Commit("EvaluationUpdated", evaluations=(done, *old, *more)))

    def _unblocked(self, evaluation: Document) -> list[Document]:
        """Blocked evaluations of the same job that this one has made superfluous."""
        waiting = [one for one in self._state.job_evaluations(evaluation["JobID"]) if one["Status"] == "blocked"]
        note = f'evaluation "{evaluation["ID"]}" successful'
        return [
            {**one, "Status": "canceled", "StatusDescription": note, "ModifyTime": time.time_ns()} for one in waiting
        ]

    def _retry_blocked(self) -> None:
        """Something has ended: those that wait for room may try again."""
        blocked_ones = [one for one in self._state.evaluations.values() if one["Status"] == "blocked"]
        waiting = {one["JobID"] for one in blocked_ones if "WaitUntil" not in one}
        for job in waiting:
            self.ask(job, "queued-allocs")

    def _look_again(self, allocation: Document, due: int) -> None:
        """Mark a failed allocation as seen to, and evaluate its job when its replacement is due."""
        evaluation = new_evaluation(allocation["JobID"], "failed-follow-up", Status="blocked", WaitUntil=due)
        noted = {**self._state.allocations[allocation["ID"]], "FollowupEvalID": evaluation["ID"]}
        self._state.commit(Commit("PlanResult", allocations=(noted,)))
        delay = max(0.0, (due - time.time_ns()) / _SECOND)
        timer = asyncio.get_running_loop().call_later(delay, self._on_timer, allocation["JobID"])
        self._timers.add(timer)

    def _on_timer(self, job: str) -> None:
        if not self._state.is_closed:
            self.ask(job, "failed-follow-up")


def _counted(deployment: Document | None, allocations: list[Document]) -> Document | None:
    """The deployment with the numbers of this moment: what is decided on older ones would not be decided again.

    The plan stores the numbers as they are by then, and whoever watches the deployment asks for an evaluation only where
    they have changed. Nomad counts in the transaction that makes an allocation healthy (nomad/state/state_store.go).
    """
    if deployment is None or not deployments.is_active(deployment):
        return deployment
    return deployments.counted(deployment, [one for one in allocations if one["DeploymentID"] == deployment["ID"]])


def plan_numbers(decided: Decisions) -> Document:
    """A plan's numbers per group."""
    updates = {name: desired_updates(one) for name, one in decided.updates.items()}
    return {"DesiredTGUpdates": updates, "PreemptedAllocs": None}


def _queued(decided: Decisions, planned: Plan) -> dict[str, int]:
    return {
        name: planned.failures[name]["CoalescedFailures"] + 1 if name in planned.failures else 0
        for name in decided.updates
    }


def _current(world: World) -> Document | None:
    """The job's deployment where it is of this version and not over."""
    deployment, job = world.deployment, world.job
    if deployment is None or not deployments.is_active(deployment):
        return None
    same = (deployment["JobCreateIndex"], deployment["JobVersion"]) == (job["CreateIndex"], job["Version"])
    return deployment if same else None
