"""One task of an allocation, from its setup through its restarts to its end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from outrider.embedded.logs import RotatingLog
from outrider.embedded.scheduler import artifacts, task_events
from outrider.embedded.scheduler.consul import ConsulAgent
from outrider.embedded.scheduler.environment import (
    UnknownVariableError,
    driver_config,
    interpolated_document,
)
from outrider.embedded.scheduler.lifecycle import hook, is_sidecar
from outrider.embedded.scheduler.orphans import Ledger
from outrider.embedded.scheduler.process import Command, Process, executable, started
from outrider.embedded.scheduler.restarts import RestartCounter, Verdict
from outrider.embedded.scheduler.task_templates import TaskTemplates, TemplateError

Document = dict[str, Any]

_SECOND = 1_000_000_000
_MAX_KILL_TIMEOUT_S = 30.0
"""Nomad's default ``max_kill_timeout`` of a client."""

_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a task finds on this node."""

    node: Document
    consul: ConsulAgent
    ledger: Ledger
    directory: Path
    logs: Path
    is_service: bool = True


class Attendant(Protocol):
    """Who serves a running task: its services and script checks come and go with its process."""

    async def started(self, task: str) -> None:
        """The process runs."""
        ...

    async def ending(self, task: str) -> None:
        """The process is about to be asked to end."""
        ...

    async def exited(self, task: str) -> None:
        """The process is gone."""
        ...


class Task:
    """A task's life; ``on_change`` hears of every change of ``state``."""

    def __init__(
        self,
        task: Document,
        environment: Mapping[str, str],
        surroundings: Surroundings,
        on_change: Callable[[], None],
        attendant: Attendant,
    ) -> None:
        self.task, self.environment, self._around = task, dict(environment), surroundings
        self.name: str = task["Name"]
        self.state: Document = task_events.PENDING
        self.process: Process | None = None
        self.gate = asyncio.Event()
        self._attendant = attendant
        self._on_change = on_change
        self._is_ending = False
        self._wake = asyncio.Event()
        self._restart_asked = False
        ends_well = not surroundings.is_service or (hook(task) != "main" and not is_sidecar(task))
        self._restarts = RestartCounter(task["RestartPolicy"], is_service=not ends_well)
        self._templates = TaskTemplates(
            interpolated_document(task["Templates"] or [], self.environment, surroundings.node),
            surroundings.directory,
            self.environment,
            surroundings.consul,
        )
        self.emit(task_events.received())

    @property
    def is_dead(self) -> bool:
        return self.state["State"] == "dead"

    def emit(self, event: Document, **changes: Any) -> None:
        """Add an event to the state, with other changes of it."""
        self.state = task_events.with_event(self.state, event, **changes)
        self._on_change()

    async def run(self) -> None:
        """The whole life; returns when the task is dead."""
        try:
            await self._until_allowed()
            if not self._is_ending:
                self.emit(task_events.setup("Building Task Directory"))
                await self._rounds()
        finally:
            self._bury()

    async def end(self) -> None:
        """End the process and everything that could start another; returns when the signal had its time."""
        self._is_ending = True
        self._wake.set()
        self.gate.set()
        if self.process is None or self.is_dead:
            return
        await self._attendant.ending(self.name)
        if self.task["ShutdownDelay"]:
            await asyncio.sleep(self.task["ShutdownDelay"] / _SECOND)
        await self._end_process()

    def refuse(self, message: str) -> None:
        """Bury the task before it lived: something that it needs cannot be set up."""
        self.emit(task_events.setup_failed(message), Failed=True)
        self._bury()

    async def restart(self, reason: str) -> None:
        """End the process; the next one starts without a delay, and without counting as a failure."""
        if self.process is None:
            return
        self.emit(task_events.restart_signaled(reason))
        self._restart_asked = True
        await self._end_process(with_event=False)

    def signal(self, name: str, reason: str) -> None:
        """Send the process a signal by name."""
        if self.process is not None:
            self.emit(task_events.signaling(name, reason))
            self.process.send(task_events.signal_number(name))

    async def _until_allowed(self) -> None:
        await self.gate.wait()

    async def _rounds(self) -> None:
        """Start the process again and again until it is done, has failed, or is ended."""
        while not self._is_ending:
            verdict = await self._round()
            if self._is_ending or verdict.delay_ns is None:
                if verdict.is_failed and not self._is_ending:
                    self.emit(task_events.not_restarting(verdict.reason), Failed=True)
                return
            event = task_events.restarting(verdict.delay_ns, verdict.reason)
            restarts = self.state["Restarts"] + 1
            stamp = task_events.now_stamp()
            self.emit(event, State="pending", Restarts=restarts, LastRestart=stamp)
            await self._pause(verdict.delay_ns)

    async def _pause(self, delay_ns: int) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), delay_ns / _SECOND)

    async def _round(self) -> Verdict:
        """One process, from its files to its exit."""
        problem = await self._prepared()
        if problem is not None:
            self.emit(problem)
            return self._restarts.after_failure(time.time_ns())
        with self._logs() as (stdout, stderr):
            try:
                self.process = await started(self._command(), stdout.write, stderr.write, self._around.ledger)
            except (OSError, UnknownVariableError, ValueError) as error:
                self.emit(task_events.driver_failure(f"failed to launch command: {error}"))
                return self._restarts.after_failure(time.time_ns())
            return await self._lived(self.process)

    async def _prepared(self) -> Document | None:
        """Fetch artifacts and render templates; the event of a failure, or None."""
        try:
            await self._fetch()
            await self._unless_ending(self._templates.render())
        except artifacts.ArtifactError as error:
            return task_events.download_failed(f"failed to download artifact: {error}")
        except (TemplateError, OSError) as error:
            return task_events.setup_failed(f"Template failed: {error}")
        return None

    async def _unless_ending(self, work: Awaitable[Any]) -> None:
        """Wait for the work, but not when the task is to end meanwhile."""
        job, stop = asyncio.ensure_future(work), asyncio.ensure_future(self._wake.wait())
        await asyncio.wait([job, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not job.done():
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
            return
        await job

    async def _fetch(self) -> None:
        if not self.task["Artifacts"] or self.state["Restarts"]:
            return
        self.emit(task_events.downloading())
        for artifact in self.task["Artifacts"]:
            said = interpolated_document(artifact, self.environment, self._around.node)
            await artifacts.fetch(said, self._around.directory)

    def _command(self) -> Command:
        environment = {**self.environment, **self._templates.variables()}
        config = driver_config(self.task["Config"] or {}, environment, self._around.node)
        directory = self._around.directory
        if not config.get("command"):
            raise ValueError("the task's config names no command")
        program = executable(config["command"], directory, environment.get("PATH", ""))
        where = directory / config["work_dir"] if config.get("work_dir") else directory
        arguments = (program, *map(str, config.get("args") or ()))
        return Command(arguments, where, environment, self.task["User"])

    @contextlib.contextmanager
    def _logs(self) -> Any:
        config = self.task["LogConfig"]
        limits = (config["MaxFiles"], config["MaxFileSizeMB"] * _MEGABYTE)
        logs = [RotatingLog(self._around.logs, f"{self.name}.{kind}", *limits) for kind in ("stdout", "stderr")]
        try:
            yield logs
        finally:
            for log in logs:
                log.close()

    async def _lived(self, process: Process) -> Verdict:
        if self._is_ending:
            await self._end_process()
        self.emit(task_events.started(), State="running", StartedAt=task_events.now_stamp())
        watch = asyncio.create_task(self._templates.watch(self._on_templates))
        await self._attendant.started(self.name)
        exit_ = await process.wait()
        await self._attendant.exited(self.name)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        self.process = None
        self.emit(task_events.terminated(exit_.code, exit_.signal))
        if self._is_ending:
            self.emit(task_events.killed())
            return Verdict(None, "")
        if self._restart_asked:
            self._restart_asked = False
            return Verdict(0, "")
        return self._restarts.after_exit(exit_.code, time.time_ns())

    async def _end_process(self, *, with_event: bool = True) -> None:
        process, timeout_ns = self.process, self.task["KillTimeout"]
        if process is None:
            return
        if with_event:
            self.emit(task_events.killing(timeout_ns))
        number = task_events.signal_number(self.task["KillSignal"])
        await process.end(number, min(timeout_ns / _SECOND, _MAX_KILL_TIMEOUT_S))

    async def _on_templates(self, changed: list[Document]) -> None:
        """What the strongest change mode among the templates asks for."""
        modes = {template["ChangeMode"] for template in changed}
        if "restart" in modes:
            await self.restart("Template with change_mode restart re-rendered")
            return
        for template in changed:
            if template["ChangeMode"] == "signal":
                self.signal(template["ChangeSignal"], "Template re-rendered")

    def _bury(self) -> None:
        changes = {"State": "dead", "FinishedAt": task_events.now_stamp()}
        self.state = {**self.state, **changes}
        self._on_change()
