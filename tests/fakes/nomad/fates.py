"""The client of the Nomad in memory: no process, no file; what becomes of an allocation is told, and happens in steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal

from outrider_embedded.scheduler import task_events
from outrider_embedded.scheduler.allocation import group_of, is_client_terminal, is_server_terminal
from outrider_embedded.scheduler.client import UPDATED
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.ports import PortBook
from outrider_embedded.scheduler.state import Commit, State
from outrider_embedded.scheduler.times import stamp

Outcome = Literal["healthy", "crash", "hang", "no room"]
EXIT_CODE = 3


class Fates:
    """What becomes of the allocations of one node, by what ``outcome`` says of their job.

    Nothing happens by itself: `step` lets one allocation of a deployment come to its outcome. Ends that the server
    wishes happen at once, for nothing has to be waited for.
    """

    def __init__(self, state: State, book: PortBook, outcome: Callable[[Document], Outcome]) -> None:
        self._state, self._book, self._outcome = state, book, outcome
        self._waiting: dict[str, None] = {}
        state.listeners.append(self._on_commit)

    def step(self, deployment: str = "") -> None:
        """The allocation that has waited longest, of one deployment or of any, comes to its outcome."""
        found = [self._state.allocations[name] for name in self._waiting if name in self._state.allocations]
        chosen = [one for one in found if not deployment or one["DeploymentID"] == deployment]
        if chosen:
            del self._waiting[chosen[0]["ID"]]
            self._come_to(chosen[0], self._outcome(chosen[0]["Job"]))

    def crash(self, allocation: Document) -> None:
        """Its app ends badly, and with it the allocation."""
        states = {name: _ended(one, is_failed=name == "app") for name, one in self._states(allocation).items()}
        self._report(allocation, ClientStatus="failed", ClientDescription="Failed tasks", TaskStates=states)

    def hold(self, allocation: Document, task: str) -> None:
        """A task of a running allocation has not started after all."""
        states = {**self._states(allocation), task: task_events.PENDING}
        self._report(allocation, TaskStates=states)

    def _on_commit(self, commit: Commit) -> None:
        for job in commit.jobs:
            self._outcome(job)  # who registers what cannot be told hears of it at once
        if commit.kind != UPDATED:
            for one in commit.allocations:
                asyncio.get_running_loop().call_soon(self._take_over, one["ID"])

    def _take_over(self, identifier: str) -> None:
        allocation = self._state.allocations.get(identifier)
        if allocation is None or is_client_terminal(allocation):
            self._forget(identifier)
        elif is_server_terminal(allocation):
            self._forget(identifier)
            self._end(allocation)
        elif not allocation["DeploymentID"]:
            self._run(allocation)
        elif fields(allocation["DeploymentStatus"]).get("Healthy") is None:
            self._waiting[identifier] = None

    def _forget(self, identifier: str) -> None:
        self._waiting.pop(identifier, None)
        self._book.release(identifier)

    def _come_to(self, allocation: Document, outcome: Outcome) -> None:
        if outcome == "crash":
            self.crash({**allocation, "DeploymentStatus": self._health(allocation, is_healthy=False)})
        elif outcome == "hang":
            self._run(allocation)
        else:
            self._run({**allocation, "DeploymentStatus": self._health(allocation, is_healthy=True)})

    def _run(self, allocation: Document) -> None:
        states = {name: _running(one) for name, one in self._states(allocation).items()}
        self._report(allocation, ClientStatus="running", ClientDescription="Tasks are running", TaskStates=states)

    def _end(self, allocation: Document) -> None:
        states = {name: _ended(one, is_failed=False) for name, one in self._states(allocation).items()}
        self._report(
            allocation, ClientStatus="complete", ClientDescription="All tasks have completed", TaskStates=states
        )

    def _states(self, allocation: Document) -> dict[str, Document]:
        """The states of its tasks so far."""
        known = fields(allocation["TaskStates"])
        names = [task["Name"] for task in group_of(allocation)["Tasks"]]
        return {name: known.get(name, task_events.PENDING) for name in names}

    def _health(self, allocation: Document, *, is_healthy: bool) -> Document:
        before = fields(allocation["DeploymentStatus"])
        index = self._state.index + 1
        return {
            "Canary": before.get("Canary", False),
            "Healthy": is_healthy,
            "ModifyIndex": index,
            "Timestamp": stamp(),
        }

    def _report(self, allocation: Document, **changes: Any) -> None:
        changed = {**allocation, **changes, "ModifyTime": time.time_ns()}
        self._state.commit(Commit(UPDATED, allocations=(changed,)))


def _running(state: Document) -> Document:
    if state["State"] == "running":
        return state
    return task_events.with_event(state, task_events.started(), State="running", StartedAt=stamp())


def _ended(state: Document, *, is_failed: bool) -> Document:
    event = task_events.terminated(EXIT_CODE, 0) if is_failed else task_events.killed()
    return task_events.with_event(state, event, State="dead", Failed=is_failed, FinishedAt=stamp())
