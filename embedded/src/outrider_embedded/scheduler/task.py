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
from outrider_embedded.scheduler.process import Command, Exit, Process
from outrider_embedded.scheduler.restarts import RestartCounter, RestartDecision
from outrider_embedded.scheduler.task_process import TaskProcess
from outrider_embedded.scheduler.task_setup import TaskContext, TaskSetup
from outrider_embedded.scheduler.task_status import TaskStatus

_SECOND = 1_000_000_000
_DONE = RestartDecision(None, "")
_AT_ONCE = RestartDecision(0, "")
_UNRECOVERABLE = RestartDecision(None, "Error was unrecoverable", is_failed=True)
"""A program that is not there will not be there in two seconds: Nomad tries no second time."""


class Task:
    """A task's life; ``status`` tells of it, and ``process`` is what runs."""

    def __init__(
        self,
        task: Document,
        environment: Mapping[str, str],
        context: TaskContext,
        on_change: Callable[[], None],
        services: AllocationServices,
    ) -> None:
        self.name: str = task["Name"]
        self.status = TaskStatus(on_change)
        self.process = TaskProcess(task, self.status, context.ledger)
        self.gate = asyncio.Event()
        self._task, self._services = task, services
        self._setup = TaskSetup(task, environment, context)
        self._ending = asyncio.Event()
        ends_well = not context.is_service or (hook(task) != "main" and not is_sidecar(task))
        self._restarts = RestartCounter(task["RestartPolicy"], is_service=not ends_well)
        self.status.emit(task_events.received())

    async def run(self) -> None:
        """The whole life, once the gate opens; returns when the task is dead."""
        try:
            await self.gate.wait()
            if not self._ending.is_set():
                self.status.emit(task_events.setup("Building Task Directory"))
                await self._rounds()
        except Exception as error:  # told where people look, and raised again
            self.status.fail(task_events.setup_failed(f"the scheduler itself failed: {error!r}"))
            raise
        finally:
            self.status.bury()

    def beside(self, words: tuple[str, ...]) -> Command:
        """Another command where this task's own runs. Raises FileNotFoundError."""
        return self._setup.beside(words)

    async def end(self) -> None:
        """End the process and everything that could start another; returns when the signal had its time."""
        self._ending.set()
        self.gate.set()
        if not self.process.is_running or self.status.is_dead:
            return
        await self._services.ending(self.name)
        await asyncio.sleep(self._task["ShutdownDelay"] / _SECOND)
        await self.process.end()

    def refuse(self, message: str) -> None:
        """Bury the task before it lived: something that it needs cannot be set up."""
        self.status.fail(task_events.setup_failed(message))
        self.status.bury()

    async def _rounds(self) -> None:
        """Start the process again and again until it is done, has failed, or is ended."""
        while True:
            decision = await self._round()
            if self._ending.is_set():
                return
            if decision.delay_ns is None:
                if decision.is_failed:
                    self.status.fail(task_events.not_restarting(decision.reason))
                return
            self.status.restart(decision.delay_ns, decision.reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(decision.delay_ns / _SECOND):
                    await self._ending.wait()

    async def _round(self) -> RestartDecision:
        """One process, from its files to its exit."""
        problem = await self._prepared()
        if self._ending.is_set():
            return _DONE
        if problem is not None:
            return self._refused(problem)
        with self._setup.logs() as (stdout, stderr):
            try:
                process = await self.process.start(self._setup.command(), stdout, stderr)
            except (OSError, ValueError) as error:
                self.status.emit(task_events.driver_failure(f"failed to launch command: {error}"))
                return _UNRECOVERABLE
            return await self._lived(process)

    def _refused(self, problem: Document) -> RestartDecision:
        """A task that could not be prepared: for good where the event says so, else as its policy has it."""
        if problem["FailsTask"]:
            self.status.fail(problem)
            return _DONE
        self.status.emit(problem)
        return self._restarts.after_failure(time.time_ns())

    async def _prepared(self) -> Document | None:
        """Fetch artifacts and render templates; the event of a failure, or None."""
        problem = self._setup.refusal()
        if problem is not None:
            return problem
        if self._setup.needs_artifacts:
            self.status.emit(task_events.downloading())
            problem = await self._unless_ending(self._setup.fetch())
        return problem or await self._unless_ending(self._setup.render(self._note_missing))

    def _note_missing(self, what: list[str]) -> None:
        self.status.emit(task_events.missing(what))

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
        self.status.start()
        watch = asyncio.create_task(self._setup.templates.watch(self.process.follow_templates))
        if self._ending.is_set():
            await self.process.end()
        await self._services.started(self.name, self._setup.environment())
        exit_ = await self.process.exited(process)
        await self._services.exited(self.name)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        return self._after(exit_)

    def _after(self, exit_: Exit) -> RestartDecision:
        self.status.emit(task_events.terminated(exit_.code, exit_.signal))
        if self._ending.is_set():
            self.status.emit(task_events.killed())
            return _DONE
        return _AT_ONCE if self.process.is_restarting else self._restarts.after_exit(exit_.code, time.time_ns())
