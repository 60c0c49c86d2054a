"""Script checks: a command's exit code 0 is passing, 1 warning, any other critical."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from outrider_ground.settings import host_environment

from outrider_embedded.registry.check import CRITICAL, PASSING, WARNING
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.probe_result import LONGEST_OUTPUT, ProbeResult

_STATUS = {0: PASSING, 1: WARNING}


async def verdict(wanted: Definition) -> ProbeResult:
    try:
        process = await _started(wanted)
    except OSError as error:
        return ProbeResult(CRITICAL, f'exec: "{wanted.args[0]}": {_why(error)}')
    try:
        async with asyncio.timeout(wanted.timeout):
            output, _ = await process.communicate()
    except TimeoutError:
        return ProbeResult(CRITICAL, f"Timed out ({wanted.timeout:g}s) running check")
    finally:
        _kill_group(process.pid)
    status = _STATUS.get(process.returncode if process.returncode is not None else -1, CRITICAL)
    return ProbeResult(status, output[-LONGEST_OUTPUT:].decode("utf-8", "replace"))


def _why(error: OSError) -> str:
    return "executable file not found in $PATH" if isinstance(error, FileNotFoundError) else str(error.strerror)


async def _started(wanted: Definition) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(_start(wanted))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The command may run already: left to itself, asyncio would end it without its children.
        _kill_group((await starting).pid)
        raise


async def _start(wanted: Definition) -> asyncio.subprocess.Process:
    """Without the credentials of whoever started this process: a check is somebody else's command."""
    return await asyncio.create_subprocess_exec(
        *wanted.args,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env=host_environment(),
    )


def _kill_group(pid: int) -> None:
    """End what the command left behind; its group carries its own number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
