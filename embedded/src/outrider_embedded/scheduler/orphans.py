"""Processes that must not outlive their cluster: who they are on disk, and their end. Standard library only.

Run as a script with a state file as its argument, it waits until its standard input closes, which is when its cluster
is gone, and then ends what the cluster left.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def started_at(pid: int) -> str:
    """What tells this process from a later one with the same number: its start in the kernel's ticks; "" if gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text[text.rindex(")") + 2 :].split()
    return "" if fields[0] == "Z" else fields[19]


def boot() -> str:
    """The identity of this run of the machine, as far as it has one."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Ledger:
    """The file that names every process of a cluster, rewritten whole at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._processes: dict[int, str] = {}

    def add(self, pid: int) -> None:
        self._processes[pid] = started_at(pid)
        self._write()

    def remove(self, pid: int) -> None:
        self._processes.pop(pid, None)
        self._write()

    def _write(self) -> None:
        text = json.dumps({"boot": boot(), "root": str(self._path.parent), "processes": self._processes})
        draft = self._path.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self._path)


def end_orphans(path: Path) -> list[int]:
    """End at once the processes (with their groups) that the file names, and all whose allocation lies beside it."""
    named = _named(path)
    found = sorted({*named, *_of_directory(path.parent)})
    for pid in found:
        _kill(pid)
    deadline = time.monotonic() + 2
    while any(started_at(pid) for pid in found) and time.monotonic() < deadline:
        time.sleep(0.01)
    path.unlink(missing_ok=True)
    return found


def _named(path: Path) -> list[int]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if state["boot"] != boot():
        return []
    return [int(pid) for pid, start in state["processes"].items() if started_at(int(pid)) == start != ""]


def _of_directory(root: Path) -> list[int]:
    """Processes that left their group but carry a variable with the allocation's directory."""
    mark = b"\0NOMAD_ALLOC_DIR=" + os.fsencode(root) + b"/"
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in b"\0" + (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def watch(path: Path) -> None:
    """Wait for the cluster's end, however it comes, and clean up after it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    if path.exists():
        end_orphans(path)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
