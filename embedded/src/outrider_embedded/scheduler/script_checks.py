"""Script checks: a command beside a task, at an interval, its result told to Consul."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from outrider_embedded.scheduler.services import ScriptCheck

Report = Callable[[str, str, str], Awaitable[None]]
"""Takes a check's id, its status and its output."""
_SECOND = 1_000_000_000
_OUTPUT_BYTES = 4096
_STATUS = {0: "passing", 1: "warning"}


async def repeat(check: ScriptCheck, report: Report, directory: Path, environment: Mapping[str, str]) -> None:
    """Run the check for ever and report each result. Runs until cancelled."""
    while True:
        status, output = await result(check, directory, environment)
        await report(check.identifier, status, output)
        await asyncio.sleep(check.interval / _SECOND)


async def result(check: ScriptCheck, directory: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """The status and the end of the output of one run.

    A path is looked up from the task's directory (``local/check``), a name on the node's own PATH, as Nomad's executor does.
    """
    program = check.command if "/" in check.command else shutil.which(check.command) or check.command
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *check.arguments,
            cwd=directory,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return "critical", str(error)
    return await _ended(process, check.timeout / _SECOND)


async def _ended(process: asyncio.subprocess.Process, timeout_s: float) -> tuple[str, str]:
    try:
        async with asyncio.timeout(timeout_s or None):
            output, _ = await process.communicate()
    except TimeoutError:
        await _kill(process)
        return "critical", f"check timed out after {timeout_s:g}s"
    except asyncio.CancelledError:
        await _kill(process)
        raise
    text = output[-_OUTPUT_BYTES:].decode(errors="replace")
    return _STATUS.get(process.returncode or 0, "critical"), text


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
