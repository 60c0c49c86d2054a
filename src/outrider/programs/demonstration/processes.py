"""The processes that run below a folder."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_S = 0.001


@dataclass(frozen=True, slots=True)
class Process:
    """One process, with its working directory and its command as they were when it was found."""

    found: psutil.Process
    folder: str
    command: tuple[str, ...]

    @property
    def number(self) -> int:
        return self.found.pid

    @property
    def program(self) -> str:
        """The last part of the program's path."""
        return Path(self.command[0]).name if self.command else ""

    @property
    def is_running(self) -> bool:
        """False once it has ended, even if nobody has asked for it, or its number is another process's."""
        try:
            return self.found.is_running() and self.found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def processes_below(folder: Path) -> tuple[Process, ...]:
    """Every process whose working directory is the folder or lies below it."""
    below = str(folder.resolve()).rstrip("/")
    return tuple(process for process in _processes() if f"{process.folder}/".startswith(f"{below}/"))


def still_running(processes: tuple[Process, ...]) -> tuple[Process, ...]:
    """Those that have not ended."""
    return tuple(process for process in processes if process.is_running)


async def kill(processes: tuple[Process, ...]) -> None:
    """SIGKILL is sent in no time, but who gets it takes requests until the system has ended it: return then."""
    for process in processes:
        process.found.kill()
    while still_running(processes):  # noqa: ASYNC110 - they are not our children: nothing tells of their end
        await asyncio.sleep(LOOK_S)


def _processes() -> tuple[Process, ...]:
    """Those that may be looked into."""
    seen = [(one, one.info) for one in psutil.process_iter(["cwd", "cmdline"])]
    return tuple(Process(one, told["cwd"], tuple(told["cmdline"] or ())) for one, told in seen if told["cwd"])
