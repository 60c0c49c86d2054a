"""One process of a task: started in a group of its own, its output handed on, ended whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from outrider_embedded.scheduler.orphans import Ledger

INHERITED_IF_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_READ_S = 0.5
"""How long output is awaited after the exit: a child that left the group may hold the pipe for ever."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, where, as whom; ``user`` is "" for the cluster's own."""

    arguments: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    user: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended, in Nomad's numbers: after a signal the code is 128 + signal."""

    code: int
    signal: int = 0


@dataclass(frozen=True, slots=True)
class Ends:
    """Done when the process is gone, and when all its output has been read."""

    exited: asyncio.Future[None]
    read: asyncio.Future[None]


class _Protocol(asyncio.SubprocessProtocol):
    """Hands output on; the exit counts when the process is gone, not when all heirs of its pipes are."""

    def __init__(self, outputs: dict[int, Callable[[bytes], None]], ends: Ends) -> None:
        self._outputs, self._ends = outputs, ends
        self._open = set(outputs)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._outputs[fd](data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        self._open.discard(fd)
        if not self._open and not self._ends.read.done():
            self._ends.read.set_result(None)

    def process_exited(self) -> None:
        if not self._ends.exited.done():
            self._ends.exited.set_result(None)


class Process:
    """A running process and its group."""

    def __init__(self, transport: asyncio.SubprocessTransport, ends: Ends, ledger: Ledger) -> None:
        self._transport, self._ends, self._ledger = transport, ends, ledger
        self.pid: int = transport.get_pid() or 0

    async def wait(self) -> Exit:
        """Wait for the end; whatever is left of the group then ends too."""
        await asyncio.shield(self._ends.exited)
        self._end_group()
        await asyncio.wait([self._ends.read], timeout=_READ_S)
        self._transport.close()
        self._ledger.remove(self.pid)
        code = self._transport.get_returncode() or 0
        return Exit(128 - code, -code) if code < 0 else Exit(code)

    async def gone(self) -> None:
        """Wait for the end, and leave what follows it to others."""
        await asyncio.shield(self._ends.exited)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself, as raw_exec does."""
        if not self._ends.exited.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def end(self, number: signal.Signals, timeout_s: float) -> None:
        """Ask with a signal, wait, then kill the group."""
        self.send(number)
        await asyncio.wait([self._ends.exited], timeout=timeout_s)
        self._end_group()

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def catch_ignored_signals() -> None:
    """Let tasks have the usual meaning of signals that this process ignores (nohup, a shell's background).

    A started program inherits what is ignored, but not what is caught: a handler that does nothing keeps them harmless
    here. Only the main thread may set handlers; elsewhere nothing is changed.
    """
    if threading.current_thread() is threading.main_thread():
        for number in INHERITED_IF_IGNORED:
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, lambda _number, _frame: None)


async def started(
    command: Command, stdout: Callable[[bytes], None], stderr: Callable[[bytes], None], ledger: Ledger
) -> Process:
    """Start the command. Raises OSError where it cannot be (not found, not executable, no such user)."""
    loop = asyncio.get_running_loop()
    ends = Ends(loop.create_future(), loop.create_future())
    transport, _ = await loop.subprocess_exec(
        lambda: _Protocol({1: stdout, 2: stderr}, ends),
        *command.arguments,
        stdin=asyncio.subprocess.DEVNULL,
        cwd=command.directory,
        env=dict(command.environment),
        start_new_session=True,
        user=identity(command.user),
    )
    process = Process(transport, ends, ledger)
    ledger.add(process.pid)
    return process


def identity(user: str) -> str | int | None:
    """Only root can become somebody else; everyone else's tasks run as they are."""
    if not user or os.geteuid() != 0:
        return None
    return int(user) if user.isdecimal() else user


def executable(name: str, directory: Path, path: str) -> str:
    """The program's full path: in the task's ``local/``, in the task's directory, then on the task's PATH.

    Raises FileNotFoundError.
    """
    for place in (directory / "local" / name, directory / name, Path(name)):
        if place.is_absolute() and place.is_file():
            return str(place)
    found = shutil.which(name, path=path or os.defpath)
    if found is None:
        raise FileNotFoundError(f"failed to find {name!r} in the task's directory or on its PATH")
    return found
