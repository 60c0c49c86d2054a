"""One allocation on this node: its directories, its services, its tasks in their order, its health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outrider_ground.private import DIRECTORY

from outrider_embedded.scheduler import lifecycle, task_events
from outrider_embedded.scheduler.allocation import client_status, group_of, is_canary, is_server_terminal
from outrider_embedded.scheduler.allocation_services import AllocationServices, Place
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
_OPEN = 0o777
"""As Nomad has them, where tasks of several users share them; what is above them is closed."""


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
        self.allocation, self._shared, self._report = allocation, shared, report
        self.directories = Directories(shared.directory / allocation["ID"])
        self.done = asyncio.Event()
        self.tasks: dict[str, Task] = {}
        self._documents: list[Document] = group_of(allocation)["Tasks"]
        environments = {task["Name"]: self._environment(task) for task in self._documents}
        place = Place(shared.node, shared.catalog, self.directories)
        self._services = AllocationServices(allocation, place, environments)
        self._stopping: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[Any]] = set()
        self._health = HealthWatch(self._documents, lambda: self._published, self._services, self._on_health)
        self._is_settling = False
        self._with_delay = True
        self._published: dict[str, Document] = {}
        self._is_silent = False

    async def run(self, previous: Runner | None) -> None:
        """The whole life; the allocation that this one replaces ends first, as with Nomad."""
        self.tasks = {task["Name"]: self._task(task) for task in self._documents}
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
        chosen = [one for name, one in self.tasks.items() if (name == task or not task) and one.process is not None]
        await asyncio.gather(*(one.restart(reason) for one in chosen))

    async def _live(self, previous: Runner | None) -> None:
        if previous is not None:
            await self._unless_stopping(previous.done.wait())
        if self._stopping is None:
            self._make_directories()
            await self._open()
            self._health.begin(self.allocation)
        self._settle()
        lives = [task.run() for task in self.tasks.values() if not task.is_dead]
        ends = await asyncio.gather(*lives, return_exceptions=True)
        if self._stopping is not None:
            await self._stopping
        await self._services.close()
        for bug in [one for one in ends if isinstance(one, BaseException)]:
            raise bug

    async def _open(self) -> None:
        """Register the group's services; where that is impossible, no task starts."""
        try:
            await self._services.open()
        except UnknownPortError as error:
            reason = f'failed to setup alloc: pre-run hook "group_services" failed: unable to get address: {error}'
            for task in self.tasks.values():
                task.refuse(reason)

    async def _unless_stopping(self, waiting: Coroutine[Any, Any, Any]) -> None:
        work = asyncio.ensure_future(waiting)
        while not work.done() and self._stopping is None:
            await asyncio.wait([work], timeout=0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    async def _finish(self) -> None:
        self._is_silent = False
        self._tell()
        await self._health.close(is_wanted=not is_server_terminal(self.allocation))
        for work in list(self._work):
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        self._tell()
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

    def _make_directories(self) -> None:
        shared = self.directories.shared
        places = [shared / name for name in ("data", "logs", "tmp")]
        for task in self.tasks:
            places += [self.directories.task(task) / name for name in ("local", "secrets", "tmp")]
        mode = _OPEN if any(task["User"] for task in self._documents) else DIRECTORY
        for place in (self.directories.root, *places):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(mode)

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
        states = self._states()
        if self._stopping is None:
            self._end_where_due(states)
        for name in lifecycle.startable(self._documents, states):
            self.tasks[name].gate.set()
        self._tell()

    def _end_where_due(self, states: dict[str, Document]) -> None:
        failed = lifecycle.failed_task(self._documents, states)
        if failed:
            self._emit_to_living(lambda: task_events.sibling_failed(failed))
        elif not lifecycle.has_main_ended(self._documents, states):
            return
        elif lifecycle.has_leader_ended(self._documents, states):
            self._emit_to_living(task_events.leader_dead)
        else:
            self._emit_to_living(task_events.main_dead)
        self._is_silent = True  # Nomad's client tells of an end that it began itself when it is over
        self.stop()

    def _emit_to_living(self, event: Callable[[], Document]) -> None:
        ended = [task for stage in lifecycle.stop_order(self._documents) for task in stage]
        for task in ended:
            if not self.tasks[task["Name"]].is_dead:
                self.tasks[task["Name"]].emit(event())

    def _states(self) -> dict[str, Document]:
        return {name: task.state for name, task in self.tasks.items()}

    def _tell(self) -> None:
        if self._is_silent:
            return
        states = self._published = self._states()
        status, description = client_status(states)
        changes = {"TaskStates": states, "ClientStatus": status, "ClientDescription": description}
        self._report(self.allocation["ID"], changes)

    def _wants_no_delay(self) -> bool:
        return bool(self.allocation["DesiredTransition"]["NoShutdownDelay"])

    async def _stop(self) -> None:
        """Nomad's order: services out of Consul, the group's delay, leader, main tasks, sidecars."""
        was_open = await self._services.close()
        delay = group_of(self.allocation)["ShutdownDelay"] or 0
        if was_open and self._with_delay and any(task.process for task in self.tasks.values()):
            await asyncio.sleep(delay / _SECOND)
        for stage in lifecycle.stop_order(self._documents):
            living = [task["Name"] for task in stage if not self.tasks[task["Name"]].is_dead]
            if lifecycle.is_sidecar(stage[0]) and self._with_delay:
                self._note_main_dead(living)
            await asyncio.gather(*(self._end_task(name) for name in living))

    def _note_main_dead(self, names: list[str]) -> None:
        for name in names:
            kinds = {event["Type"] for event in self.tasks[name].state["Events"]}
            if not kinds & {"Main Tasks Dead", "Sibling Task Failed", "Leader Task Dead"}:
                self.tasks[name].emit(task_events.main_dead())

    async def _end_task(self, name: str) -> None:
        task = self.tasks[name]
        await task.end()
        await task.dead.wait()

    def _on_health(self, is_healthy: bool, notes: dict[str, str]) -> None:  # noqa: FBT001
        for name, message in notes.items():
            self.tasks[name].emit(task_events.unhealthy(message))
        if not is_server_terminal(self.allocation):
            self._report(self.allocation["ID"], {"Healthy": is_healthy})
