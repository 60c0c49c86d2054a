"""A command beside a task: in its directory, with its environment, as its user, with pipes or a terminal."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Awaitable, Callable
from typing import Any

from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.process import Command, identity
from outrider_embedded.scheduler.task_process import TaskProcess

Say = Callable[[Document], Awaitable[None]]
Hear = Callable[[], Awaitable[Document | None]]
CHUNK = 32_768


async def exec_session(command: Command, say: Say, hear: Hear, task: TaskProcess, *, has_terminal: bool) -> None:
    """Run it to its end; frames as in Nomad: stdin, tty_size in; stdout, stderr, exited out. Raises OSError.

    With the process of its task it ends as well, and no exit code is told.
    """
    session = await (_in_terminal(command) if has_terminal else _in_pipes(command))
    task.ledger.add(session.process.pid)
    hearing = asyncio.create_task(_heard(session, hear))
    ending = asyncio.create_task(_ended_with(task, session))
    try:
        await session.told(say)
        code = await session.process.wait()
        if not ending.done():
            result = {"exit_code": 128 - code if code < 0 else code} if code else {}
            await say({"exited": True, "result": result})
    finally:
        hearing.cancel()
        ending.cancel()
        session.end()
        task.ledger.remove(session.process.pid)
        await asyncio.gather(hearing, ending, return_exceptions=True)


class _Pipes:
    """Three pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def told(self, say: Say) -> None:
        await asyncio.gather(_stream(self.process.stdout, "stdout", say), _stream(self.process.stderr, "stderr", say))

    async def write(self, data: bytes) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self.process.stdin.write(data)
                await self.process.stdin.drain()

    def close_input(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()

    def resize(self, size: Document) -> None:
        """Pipes have none."""

    def end(self) -> None:
        _kill(self.process)


class _Terminal:
    """One terminal for all three."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process, self._master = process, master

    async def told(self, say: Say) -> None:
        while data := await asyncio.to_thread(_read, self._master):
            await say({"stdout": {"data": base64.b64encode(data).decode()}})
        await say({"stdout": {"close": True}})

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(os.write, self._master, data)

    def close_input(self) -> None:
        os.write(self._master, b"\x04")

    def resize(self, size: Document) -> None:
        rows, columns = int(size.get("height") or 0), int(size.get("width") or 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self) -> None:
        _kill(self.process)
        os.close(self._master)


async def _in_pipes(command: Command) -> _Pipes:
    pipe = asyncio.subprocess.PIPE
    return _Pipes(await _started(command, stdin=pipe, stdout=pipe, stderr=pipe))


async def _in_terminal(command: Command) -> _Terminal:
    master, slave = os.openpty()
    try:
        process = await _started(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=_own_terminal)
    except BaseException:  # a cancellation too: it is raised again, without the terminal
        os.close(master)
        raise
    finally:
        os.close(slave)
    return _Terminal(process, master)


def _own_terminal() -> None:
    """Its standard input becomes the terminal that controls the new session: Ctrl-C reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def _started(command: Command, **streams: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command.arguments,
        cwd=command.directory,
        env=dict(command.environment),
        start_new_session=True,
        user=identity(command.user),
        **streams,
    )


async def _heard(session: _Pipes | _Terminal, hear: Hear) -> None:
    """What the caller sends, until it hangs up: then the command ends."""
    while (frame := await hear()) is not None:
        if size := fields(frame.get("tty_size")):
            session.resize(size)
        said = fields(frame.get("stdin"))
        if data := said.get("data"):
            await session.write(base64.b64decode(data))
        if said.get("close"):
            session.close_input()
    _kill(session.process)


async def _ended_with(task: TaskProcess, session: _Pipes | _Terminal) -> None:
    await task.gone()
    _kill(session.process)


async def _stream(stream: asyncio.StreamReader | None, name: str, say: Say) -> None:
    while stream is not None and (data := await stream.read(CHUNK)):
        await say({name: {"data": base64.b64encode(data).decode()}})
    await say({name: {"close": True}})


def _read(master: int) -> bytes:
    """Linux answers EIO where nobody has the terminal any more."""
    try:
        return os.read(master, CHUNK)
    except OSError:
        return b""


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
