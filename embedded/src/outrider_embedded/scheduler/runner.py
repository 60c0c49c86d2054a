"""One allocation on this node: its directories, its services, its tasks in their order, its health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outrider_embedded.scheduler import task_events
from outrider_embedded.scheduler.allocation import group_of, is_canary, is_server_terminal
from outrider_embedded.scheduler.allocation_directories import make_directories
from outrider_embedded.scheduler.allocation_report import AllocationReport
from outrider_embedded.scheduler.allocation_services import AllocationServices, Place
from outrider_embedded.scheduler.allocation_tasks import AllocationTasks
from outrider_embedded.scheduler.catalog import Catalog
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.environment import Directories, task_environment
from outrider_embedded.scheduler.health_watch import HealthWatch
from outrider_embedded.scheduler.orphans import Ledger
from outrider_embedded.scheduler.readings import Readings
from outrider_embedded.scheduler.services import UnknownPortError
from outrider_embedded.scheduler.task import Task
from outrider_embedded.scheduler.task_setup import TaskContext

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class NodeServices:
    """What all allocations of the node share."""

    node: Document
    readings: Readings
    catalog: Catalog
    ledger: Ledger
    directory: Path
    host: Mapping[str, str]


class Runner:
    """An allocation's life; ``report`` is told of every change, ``done`` is set when nothing of it runs any more."""

    def __init__(self, allocation: Document, shared: NodeServices, report: Callable[[str, Document], None]) -> None:
        self.allocation, self._shared = allocation, shared
        self.directories = Directories(shared.directory / allocation["ID"])
        self.done = asyncio.Event()
        self._documents: list[Document] = group_of(allocation)["Tasks"]
        self._tasks = AllocationTasks(self._documents)
        self._report = AllocationReport(allocation["ID"], report)
        environments = {task["Name"]: self._environment(task) for task in self._documents}
        place = Place(shared.node, shared.catalog, self.directories)
        self._services = AllocationServices(allocation, place, environments)
        self._stopping: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[Any]] = set()
        self._health = HealthWatch(self._documents, lambda: self._report.states, self._services, self._on_health)
        self._is_settling = False
        self._with_delay = True

    @property
    def tasks(self) -> dict[str, Task]:
        """By name; none before the life begins."""
        return self._tasks.by_name

    async def run(self, previous: Runner | None) -> None:
        """The whole life; the allocation that this one replaces ends first, as with Nomad."""
        self._tasks.make(self._task)
        try:
            await self._live(previous)
        finally:
            await self._finish()

    def update(self, allocation: Document) -> None:
        """Take over what the scheduler says: an end, a promotion, a new version in place."""
        before, self.allocation = self.allocation, allocation
        if is_server_terminal(allocation):
            self.stop()
            return
        if before["Job"] is not allocation["Job"] or is_canary(before) != is_canary(allocation):
            self._start(self._services.renew(allocation))
        if allocation["DeploymentID"] != before["DeploymentID"]:
            self._health.begin(allocation)

    def stop(self, with_delay: bool = True) -> None:  # noqa: FBT001, FBT002
        """Begin the end: services, delay, tasks in order. Without the delay when the cluster itself ends."""
        self._with_delay = self._with_delay and with_delay and not self._wants_no_delay()
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())

    async def restart(self, task: str, reason: str) -> None:
        """Restart one running task, or all of them when ``task`` is empty."""
        await self._tasks.restart(task, reason)

    async def _live(self, previous: Runner | None) -> None:
        if previous is not None:
            await self._unless_stopping(previous.done.wait())
        if self._stopping is None:
            make_directories(self.directories, self._documents)
            await self._open()
            self._health.begin(self.allocation)
        self._settle()
        bugs = await self._tasks.run()
        if self._stopping is not None:
            await self._stopping
        await self._services.close()
        for bug in bugs:
            raise bug

    async def _open(self) -> None:
        """Register the group's services; where that is impossible, no task starts."""
        try:
            await self._services.open()
        except UnknownPortError as error:
            hook = 'pre-run hook "group_services" failed'
            self._tasks.refuse(f"failed to setup alloc: {hook}: unable to get address: {error}")

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, Any]) -> None:
        work = asyncio.ensure_future(waiting)
        while not work.done() and self._stopping is None:
            await asyncio.wait([work], timeout=0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    async def _finish(self) -> None:
        self._report.is_silent = False
        self._report.tell(self._tasks.states)
        await self._health.close(is_wanted=not is_server_terminal(self.allocation))
        for work in list(self._work):
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        self._report.tell(self._tasks.states)
        self.done.set()

    def _environment(self, task: Document) -> dict[str, str]:
        return task_environment(self.allocation, task, self._shared.node, self.directories, self._shared.host)

    def _task(self, task: Document) -> Task:
        shared = self._shared
        context = TaskContext(
            shared.node,
            shared.readings,
            shared.ledger,
            self.directories.task(task["Name"]),
            self.directories.logs,
            self.allocation["Job"]["Type"] == "service",
        )
        return Task(task, self._environment(task), context, self._changed, self._services)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _changed(self) -> None:
        """Look at the tasks once after however many changes this turn of the loop brings."""
        if not self._is_settling:
            self._is_settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        """Open the gates that may open, begin the end where there is a reason, and report."""
        self._is_settling = False
        if self._stopping is None and self._tasks.must_end():
            self._report.is_silent = True  # Nomad's client tells of an end that it began itself when it is over
            self.stop()
        self._tasks.open_gates()
        self._report.tell(self._tasks.states)

    def _wants_no_delay(self) -> bool:
        return bool(self.allocation["DesiredTransition"]["NoShutdownDelay"])

    async def _stop(self) -> None:
        """Nomad's order: services out of Consul, the group's delay, tasks in their order."""
        was_open = await self._services.close()
        delay = group_of(self.allocation)["ShutdownDelay"] or 0
        if was_open and self._with_delay and self._tasks.are_running:
            await asyncio.sleep(delay / _SECOND)
        for stage in self._tasks.stages:
            await self._tasks.end(stage, with_note=self._with_delay)

    def _on_health(self, is_healthy: bool, notes: dict[str, str]) -> None:  # noqa: FBT001
        for name, message in notes.items():
            self.tasks[name].status.emit(task_events.unhealthy(message))
        if not is_server_terminal(self.allocation):
            self._report.tell_health(is_healthy)
