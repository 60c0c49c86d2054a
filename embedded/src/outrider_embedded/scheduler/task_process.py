"""The process that a task runs at this moment, and what others ask of it: to restart, to take a signal, to end."""

from __future__ import annotations

from outrider_embedded.logs import RotatingLog
from outrider_embedded.scheduler import task_events
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.orphans import Ledger
from outrider_embedded.scheduler.process import Command, Exit, Process, started
from outrider_embedded.scheduler.task_status import TaskStatus

_SECOND = 1_000_000_000
_MAX_KILL_TIMEOUT_S = 30.0
"""Nomad's default ``max_kill_timeout`` of a client."""


class TaskProcess:
    """One process after the other; where none runs, what is asked of it does nothing."""

    def __init__(self, task: Document, status: TaskStatus, ledger: Ledger) -> None:
        self.is_restarting = False
        """Whether the process ends, or has ended, for a restart that was asked for."""
        self._task, self._status, self.ledger = task, status, ledger
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """None while no process runs."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    async def start(self, command: Command, stdout: RotatingLog, stderr: RotatingLog) -> Process:
        """Raises OSError, ValueError."""
        self.is_restarting = False
        self._process = await started(command, stdout.write, stderr.write, self.ledger)
        return self._process

    async def exited(self, process: Process) -> Exit:
        """Wait for the process's end."""
        exit_ = await process.wait()
        self._process = None
        return exit_

    async def gone(self) -> None:
        """Wait until the process that runs now does no longer."""
        if self._process is not None:
            await self._process.gone()

    async def end(self) -> None:
        """Send the task's signal, and kill what does not end in the time that the task has for it."""
        if self._process is not None:
            self._status.emit(task_events.killing(self._task["KillTimeout"]))
            await self._end(self._process)

    async def restart(self, reason: str) -> None:
        """End the process; the next one starts without a delay, and without counting as a failure."""
        if self._process is not None:
            self._status.emit(task_events.restart_signaled(reason))
            self.is_restarting = True
            await self._end(self._process)

    def signal(self, name: str, reason: str) -> None:
        """Send the process a signal by name."""
        if self._process is not None:
            self._status.emit(task_events.signaling(name, reason))
            self._process.send(task_events.signal_number(name))

    async def follow_templates(self, changed: list[Document]) -> None:
        """What the strongest change mode among templates that were rendered anew asks for."""
        if any(template["ChangeMode"] == "restart" for template in changed):
            await self.restart("Template with change_mode restart re-rendered")
            return
        for template in changed:
            if template["ChangeMode"] == "signal":
                self.signal(template["ChangeSignal"], "Template re-rendered")

    async def _end(self, process: Process) -> None:
        number = task_events.signal_number(self._task["KillSignal"])
        await process.end(number, min(self._task["KillTimeout"] / _SECOND, _MAX_KILL_TIMEOUT_S))
