"""The client side of the scheduler: runs what the state says, and tells the state what became of it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import deque

from outrider_embedded.scheduler.allocation import is_server_terminal
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.ports import PortBook
from outrider_embedded.scheduler.runner import NodeServices, Runner
from outrider_embedded.scheduler.state import Commit, State
from outrider_embedded.scheduler.times import stamp

_KEPT = 50
"""Nomad's default ``gc_max_allocs`` of a client."""

UPDATED = "AllocationUpdated"
"""The kind of commits that come from here."""


class Client:
    """All allocations of the node, by ID."""

    def __init__(self, state: State, shared: NodeServices, book: PortBook) -> None:
        self.runners: dict[str, Runner] = {}
        self._state, self._shared, self._book = state, shared, book
        self._lives: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, Document] = {}
        self._ended: deque[str] = deque()
        state.listeners.append(self._on_commit)

    async def close(self) -> None:
        """End everything at once: services out of Consul, no shutdown delay, the tasks' own time to end."""
        for runner in self.runners.values():
            if not runner.done.is_set():
                runner.stop(with_delay=False)
        if self._lives:
            await asyncio.wait(set(self._lives), timeout=None)

    def _on_commit(self, commit: Commit) -> None:
        if commit.kind != UPDATED:
            for allocation in commit.allocations:
                self._waiting[allocation["ID"]] = allocation
            asyncio.get_running_loop().call_soon(self._take_over)

    def _take_over(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for identifier, allocation in waiting.items():
            runner = self.runners.get(identifier)
            if runner is not None:
                runner.update(self._state.allocations.get(identifier, allocation))
            elif identifier in self._state.allocations and not is_server_terminal(allocation):
                self._begin(allocation)

    def _begin(self, allocation: Document) -> None:
        runner = Runner(allocation, self._shared, self._report)
        self.runners[allocation["ID"]] = runner
        life = asyncio.create_task(self._live(runner, self.runners.get(allocation["PreviousAllocation"])))
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)

    async def _live(self, runner: Runner, previous: Runner | None) -> None:
        try:
            await runner.run(previous)
        finally:
            self._book.release(runner.allocation["ID"])
            await self._collect(runner.allocation["ID"])

    async def _collect(self, ended: str) -> None:
        """Remove the directories of all but the last ended allocations, as Nomad's client does."""
        self._ended.append(ended)
        while len(self._ended) > _KEPT:
            oldest = self._ended.popleft()
            self.runners.pop(oldest, None)
            await asyncio.to_thread(shutil.rmtree, self._shared.directory / oldest, ignore_errors=True)

    def _report(self, identifier: str, changes: Document) -> None:
        """Store what a runner says of its allocation; ``Healthy`` becomes part of the deployment's status."""
        allocation = self._state.allocations.get(identifier)
        if allocation is None:
            return
        if "Healthy" in changes:
            changes = {"DeploymentStatus": self._health(allocation, changes["Healthy"])}
        if any(allocation[name] != value for name, value in changes.items()):
            changed = {**allocation, **changes, "ModifyTime": time.time_ns()}
            self._state.commit(Commit(UPDATED, allocations=(changed,)))

    def _health(self, allocation: Document, is_healthy: bool) -> Document:  # noqa: FBT001
        before = fields(allocation["DeploymentStatus"])
        return {
            "Canary": before.get("Canary", False),
            "Healthy": is_healthy,
            "ModifyIndex": self._state.index + 1,
            "Timestamp": stamp(),
        }
