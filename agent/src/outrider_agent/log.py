"""The agent's log: lines for standard error, written in the background, so that a reader that does not read stops nobody."""

from __future__ import annotations

import os
import select
from _thread import allocate_lock, start_new_thread

MOST_LINES = 200  # that wait for a reader; what comes after them is counted
LONGEST_LINE = 4000  # characters
PREFIX = "outrider-agent: "


class Log:
    """``say`` returns at once, whatever becomes of the line; one thread writes, and only while there are lines.

    The descriptor is left as it is: O_NONBLOCK would hold for everybody who shares the open file, and a file on a disk
    that hangs blocks all the same.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[str] = []
        self._lost = 0  # lines that nobody took, and that no line has told of yet
        self._lock = allocate_lock()
        self._writing = allocate_lock()  # held while a thread writes

    def say(self, message: str) -> None:
        with self._lock:
            if len(self._lines) < MOST_LINES:
                self._lines.append(message)
            else:
                self._lost += 1
            if not self._writing.acquire(blocking=False):
                return  # the thread that writes comes to it
        try:
            start_new_thread(self._write, ())
        except RuntimeError:  # no thread can be had: the next line tries again
            self._writing.release()

    def finish(self, seconds: float) -> None:
        """Wait for what is still to be written, for that long at most."""
        if self._writing.acquire(timeout=seconds):
            self._writing.release()

    def _write(self) -> None:
        while True:
            line, count = self._next()
            if not line:
                return
            if not is_written(self._descriptor, f"{PREFIX}{line[:LONGEST_LINE]}\n".encode("utf-8", "backslashreplace")):
                self._give_up(count)
                return

    def _next(self) -> tuple[str, int]:
        """The next line and how many it stands for; "" where there is none: then nobody writes any more."""
        with self._lock:
            if self._lines:
                return self._lines.pop(0), 1
            lost, self._lost = self._lost, 0
            if lost:
                return f"{lost} lines are missing here: nobody took them", lost
            self._writing.release()
            return "", 0

    def _give_up(self, lost: int) -> None:
        """The disk is full, or nobody will ever read; the next line tries again."""
        with self._lock:
            self._lost += lost
            self._writing.release()


def is_written(descriptor: int, data: bytes) -> bool:
    """Write all of it, for however long that takes; false where it cannot be written."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # whoever shares the open file has made it so
            select.select([], [descriptor], [])
        except OSError:
            return False
    return True
