"""One task of an allocation, from its setup through its restarts to its end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from outrider_embedded.scheduler import task_events
from outrider_embedded.scheduler.allocation_services import AllocationServices
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.lifecycle import hook, is_sidecar
from outrider_embedded.scheduler.process import Exit, Process, started
from outrider_embedded.scheduler.restarts import RestartCounter, RestartDecision
from outrider_embedded.scheduler.task_setup import TaskContext, TaskSetup

_SECOND = 1_000_000_000
_MAX_KILL_TIMEOUT_S = 30.0
"""Nomad's default ``max_kill_timeout`` of a client."""

_DONE = RestartDecision(None, "")
_AT_ONCE = RestartDecision(0, "")
_UNRECOVERABLE = RestartDecision(None, "Error was unrecoverable", is_failed=True)
"""A program that is not there will not be there in two seconds: Nomad tries no second time."""


class Task:
    """A task's life; ``on_change`` hears of every change of ``state``."""

    def __init__(
        self,
        task: Document,
        environment: Mapping[str, str],
        context: TaskContext,
        on_change: Callable[[], None],
        services: AllocationServices,
    ) -> None:
        self.task, self._ledger = task, context.ledger
        self.name: str = task["Name"]
        self.state: Document = task_events.PENDING
        self.process: Process | None = None
        self.gate = asyncio.Event()
        self.dead = asyncio.Event()
        self._setup = TaskSetup(task, environment, context)
        self._services, self._on_change = services, on_change
        self._ending = asyncio.Event()
        self._restart_asked = False
        ends_well = not context.is_service or (hook(task) != "main" and not is_sidecar(task))
        self._restarts = RestartCounter(task["RestartPolicy"], is_service=not ends_well)
        self.emit(task_events.received())

    @property
    def is_dead(self) -> bool:
        return self.state["State"] == "dead"

    def emit(self, event: Document, **changes: Any) -> None:
        """Add an event to the state, with other changes of it."""
        self.state = task_events.with_event(self.state, event, **changes)
        self._on_change()

    async def run(self) -> None:
        """The whole life, once the gate opens; returns when the task is dead."""
        try:
            await self.gate.wait()
            if not self._ending.is_set():
                self.emit(task_events.setup("Building Task Directory"))
                await self._rounds()
        except Exception as error:  # told where people look, and raised again
            self.emit(task_events.setup_failed(f"the scheduler itself failed: {error!r}"), Failed=True)
            raise
        finally:
            self._bury()

    async def end(self) -> None:
        """End the process and everything that could start another; returns when the signal had its time."""
        self._ending.set()
        self.gate.set()
        if self.process is None or self.is_dead:
            return
        await self._services.ending(self.name)
        await asyncio.sleep(self.task["ShutdownDelay"] / _SECOND)
        await self._end_process(with_event=True)

    def refuse(self, message: str) -> None:
        """Bury the task before it lived: something that it needs cannot be set up."""
        self.emit(task_events.setup_failed(message), Failed=True)
        self._bury()

    async def restart(self, reason: str) -> None:
        """End the process; the next one starts without a delay, and without counting as a failure."""
        if self.process is not None:
            self.emit(task_events.restart_signaled(reason))
            self._restart_asked = True
            await self._end_process(with_event=False)

    def signal(self, name: str, reason: str) -> None:
        """Send the process a signal by name."""
        if self.process is not None:
            self.emit(task_events.signaling(name, reason))
            self.process.send(task_events.signal_number(name))

    async def _rounds(self) -> None:
        """Start the process again and again until it is done, has failed, or is ended."""
        while True:
            decision = await self._round()
            if self._ending.is_set():
                return
            if decision.delay_ns is None:
                if decision.is_failed:
                    self.emit(task_events.not_restarting(decision.reason), Failed=True)
                return
            self._note_restart(decision, decision.delay_ns)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(decision.delay_ns / _SECOND):
                    await self._ending.wait()

    def _note_restart(self, decision: RestartDecision, delay_ns: int) -> None:
        event = task_events.restarting(delay_ns, decision.reason)
        restarts, stamp = self.state["Restarts"] + 1, task_events.now_stamp()
        self.emit(event, State="pending", Restarts=restarts, LastRestart=stamp)

    async def _round(self) -> RestartDecision:
        """One process, from its files to its exit."""
        problem = await self._prepared()
        if self._ending.is_set():
            return _DONE
        if problem is not None:
            return self._refused(problem)
        with self._setup.logs() as (stdout, stderr):
            try:
                self.process = await started(self._setup.command(), stdout.write, stderr.write, self._ledger)
            except (OSError, ValueError) as error:
                self.emit(task_events.driver_failure(f"failed to launch command: {error}"))
                return _UNRECOVERABLE
            return await self._lived(self.process)

    def _refused(self, problem: Document) -> RestartDecision:
        """A task that could not be prepared: for good where the event says so, else as its policy has it."""
        if problem["FailsTask"]:
            self.emit(problem, Failed=True)
            return _DONE
        self.emit(problem)
        return self._restarts.after_failure(time.time_ns())

    async def _prepared(self) -> Document | None:
        """Fetch artifacts and render templates; the event of a failure, or None."""
        problem = None
        if self._setup.needs_artifacts:
            self.emit(task_events.downloading())
            problem = await self._unless_ending(self._setup.fetch())
        return problem or await self._unless_ending(self._setup.render(self._note_missing))

    def _note_missing(self, what: list[str]) -> None:
        self.emit(task_events.missing(what))

    async def _unless_ending(self, work: Coroutine[Any, Any, Document | None]) -> Document | None:
        """Wait for the work, but not when the task is to end meanwhile."""
        job, stop = asyncio.create_task(work), asyncio.create_task(self._ending.wait())
        await asyncio.wait([job, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if job.done():
            return job.result()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        return None

    async def _lived(self, process: Process) -> RestartDecision:
        """Attend a process to its exit."""
        self.emit(task_events.started(), State="running", StartedAt=task_events.now_stamp())
        watch = asyncio.create_task(self._setup.templates.watch(self._on_templates))
        if self._ending.is_set():
            await self._end_process(with_event=True)
        await self._services.started(self.name, self._setup.environment())
        exit_ = await process.wait()
        self.process = None
        await self._services.exited(self.name)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        return self._after(exit_)

    def _after(self, exit_: Exit) -> RestartDecision:
        self.emit(task_events.terminated(exit_.code, exit_.signal))
        was_asked, self._restart_asked = self._restart_asked, False
        if self._ending.is_set():
            self.emit(task_events.killed())
            return _DONE
        return _AT_ONCE if was_asked else self._restarts.after_exit(exit_.code, time.time_ns())

    async def _end_process(self, *, with_event: bool) -> None:
        process, timeout_ns = self.process, self.task["KillTimeout"]
        if process is None:
            return
        if with_event:
            self.emit(task_events.killing(timeout_ns))
        number = task_events.signal_number(self.task["KillSignal"])
        await process.end(number, min(timeout_ns / _SECOND, _MAX_KILL_TIMEOUT_S))

    async def _on_templates(self, changed: list[Document]) -> None:
        """What the strongest change mode among the templates asks for."""
        if any(template["ChangeMode"] == "restart" for template in changed):
            await self.restart("Template with change_mode restart re-rendered")
            return
        for template in changed:
            if template["ChangeMode"] == "signal":
                self.signal(template["ChangeSignal"], "Template re-rendered")

    def _bury(self) -> None:
        self.state = {**self.state, "State": "dead", "FinishedAt": task_events.now_stamp()}
        self.dead.set()
        self._on_change()
