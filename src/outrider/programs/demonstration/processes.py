"""The processes that run below a folder, as Linux tells of them in /proc."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LOOK_S = 0.001
# Field 22 of /proc/PID/stat counts from 1 and follows the command's closing bracket, which is field 2 (man 5 proc).
START_TIME = 22 - 3


@dataclass(frozen=True, slots=True)
class Process:
    """One process; number and start time together are never used twice while the machine is up."""

    number: int
    started: int
    folder: str
    command: tuple[str, ...]

    @property
    def program(self) -> str:
        """The last part of the program's path."""
        return Path(self.command[0]).name if self.command else ""


def processes_below(folder: Path) -> tuple[Process, ...]:
    """Every process whose working directory is the folder or lies below it."""
    below = str(folder.resolve()).rstrip("/")
    return tuple(process for process in _processes() if f"{process.folder}/".startswith(f"{below}/"))


def still_running(processes: tuple[Process, ...]) -> tuple[Process, ...]:
    """Those that have not ended; a number that another process has by now does not count."""
    return tuple(process for process in processes if _start_time(process.number) == process.started)


async def kill(processes: tuple[Process, ...]) -> None:
    """SIGKILL is sent in no time, but who gets it takes requests until the system has ended it: return then."""
    for process in processes:
        os.kill(process.number, signal.SIGKILL)
    while still_running(processes):  # noqa: ASYNC110 - they are not our children: nothing tells of their end
        await asyncio.sleep(LOOK_S)


def _processes() -> Iterator[Process]:
    for entry in PROC.glob("[0-9]*"):
        process = _process(int(entry.name))
        if process is not None:
            yield process


def _process(number: int) -> Process | None:
    place = PROC / str(number)
    try:
        folder = str((place / "cwd").readlink()).removesuffix(" (deleted)")
        command = tuple(os.fsdecode(word) for word in (place / "cmdline").read_bytes().split(b"\0") if word)
    except OSError:
        return None
    started = _start_time(number)
    return Process(number, started, folder, command) if started is not None else None


def _start_time(number: int) -> int | None:
    """In clock ticks since the machine's start; None for a process that has ended, even if nobody has asked for it."""
    try:
        fields = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[START_TIME])
