"""The verb that runs a command beside a task, with the person's terminal or with pipes."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from typing import Any, TextIO

import click

from outrider.cli import exits
from outrider.cli.arguments import short
from outrider.cli.invocation import Invocation, portal_verb
from outrider.cli.readers import unread
from outrider.cli.terminal import Escape, chunks, file_of, is_interactive, raw, sizes
from outrider.clients.portal_exec import PortalExec, portal_exec
from outrider.clients.sockets import ClosedError
from outrider.documents import Json, nested
from outrider.operations.exec_frames import check_command
from outrider.topology import names

MOST_CODE = 255


@click.command(name="exec", short_help="Run a command, or a shell, beside a task of a running allocation.")
@click.argument("service")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--allocation", metavar="ID", help="In this one (a unique prefix will do); else in a healthy one.")
@click.option("--task", default=names.APP_TASK, show_default=True, help="app, envoy or agent.")
@portal_verb
async def exec(  # noqa: A001  the verb's name
    invocation: Invocation, service: str, command: tuple[str, ...], *, allocation: str | None, task: str
) -> int:
    """Run COMMAND beside a task of SERVICE, in its directory, with its environment, as its user; without one a shell.

    At a terminal it has yours: its size, every key, Ctrl-C too; `~.` at the beginning of a line hangs up. Otherwise standard
    input, output and errors are passed on, each for itself. It ends with the command's exit code, and with 255 where the
    command could not run or has not told one. Who ran what, where and when is kept, and shown by `outrider history`;
    nothing of what was typed or answered is.

    For example: `outrider exec checkout -e stage`, `outrider exec checkout -e stage -- env`, or
    `outrider exec db -e stage -- pg_dump shop > shop.sql`.
    """
    if invocation.output.form != "table":
        raise click.UsageError("exec passes on what the command says as it is: leave out -o.")
    check_command(command)
    environment, is_person = await invocation.environment(), is_interactive()
    wanted: dict[str, str | Sequence[str]] = {"task": task, "tty": str(is_person).lower()}
    if command:
        wanted["command"] = command
    if allocation:
        wanted["allocation"] = allocation
    async with portal_exec(invocation.portal.connection, environment, service, wanted) as running:
        with ExitStack() as stack:
            file = file_of(sys.stdin)
            if is_person and file is not None:
                stack.enter_context(raw(file))
            return await _first(_told(invocation, running, is_person=is_person), *_said(running, file, is_person))


def _said(running: PortalExec, file: int | None, is_person: bool) -> list[Coroutine[Any, Any, int]]:  # noqa: FBT001
    """All that goes to the command, and what ends it here."""
    if is_person and file is not None:
        return [_typed(running, file), _sized(running, file)]
    return [_piped(running, file), _unread()]


async def _first(*works: Coroutine[Any, Any, int]) -> int:
    """The exit code of the first that has one; of several at once the command's own."""
    tasks = [asyncio.ensure_future(one) for one in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(one for one in tasks if one.done()).result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _told(invocation: Invocation, running: PortalExec, *, is_person: bool) -> int:
    """What the command says, to its end."""
    async for frame in running.received():
        if is_person and (begun := nested(frame, "started")):
            invocation.output.progress(f"In task {begun['task']} of allocation {short(begun['allocation'])}.\r")
        for stream, said in ((sys.stdout, nested(frame, "stdout")), (sys.stderr, nested(frame, "stderr"))):
            if data := said.get("data"):
                await asyncio.to_thread(_write, stream, base64.b64decode(data))
        if frame.get("exited"):
            code = int(nested(frame, "result").get("exit_code") or 0)
            return code if 0 <= code <= MOST_CODE else exits.EXEC_ERROR
    invocation.output.progress("The portal ended the session without an exit code.\r")
    return exits.EXEC_ERROR


def _write(stream: TextIO, data: bytes) -> None:
    stream.buffer.write(data)
    stream.buffer.flush()


async def _typed(running: PortalExec, file: int) -> int:
    """Every key, up to the one that hangs up, or the terminal's end."""
    escape = Escape()
    async for typed in chunks(file):
        passed, hangs_up = escape.passed(typed)
        if passed:
            await _sent(running, {"stdin": {"data": base64.b64encode(passed).decode()}})
        if hangs_up:
            click.echo("\r\nHung up.\r", err=True)
            return exits.EXEC_ERROR
    return exits.EXEC_ERROR


async def _piped(running: PortalExec, file: int | None) -> int:
    """Standard input to its end, of which the command hears."""
    if file is not None:
        async for read in chunks(file):
            await _sent(running, {"stdin": {"data": base64.b64encode(read).decode()}})
    await _sent(running, {"stdin": {"close": True}})
    return await _never()


async def _sized(running: PortalExec, file: int) -> int:
    async for rows, columns in sizes(file):
        await _sent(running, {"tty_size": {"height": rows, "width": columns}})
    return await _never()


async def _unread() -> int:
    """Nobody reads what the command says."""
    await unread()
    raise BrokenPipeError


async def _sent(running: PortalExec, frame: Json) -> None:
    """Where the command has ended, what it said last says so."""
    try:
        await running.send(frame)
    except ClosedError:
        await _never()


async def _never() -> int:
    await asyncio.Event().wait()
    raise AssertionError
