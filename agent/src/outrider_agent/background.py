"""Work that may block, such as a look-up of a name or a write to disk, in short-lived threads beside the one loop.

Measured on CPython 3.11: the first thread costs 12 KB of private memory, each later one nothing, and 80 µs.
"""

from __future__ import annotations

import errno
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable

from outrider_agent.loop import Loop

Work = Callable[
    [], "Callable[[], None]"
]  # runs in the background, and returns what the loop is to do with what came of it


class BackgroundWork:
    """One kind of work, so one piece of it at a time: what hangs for ever costs one thread, and nobody else's turn."""

    def __init__(self, loop: Loop) -> None:
        self.is_busy = False
        self._loop = loop
        self._under_way = allocate_lock()

    def begin(self, work: Work) -> None:
        """Raise OSError where no thread can be had."""
        self.is_busy = True
        self._under_way.acquire()
        try:
            start_new_thread(self._do, (work,))
        except RuntimeError as problem:
            self.is_busy = False
            self._under_way.release()
            raise OSError(errno.EAGAIN, "no thread can be started") from problem

    def has_ended(self, seconds: float) -> bool:
        """Wait for work that has begun, for that long at most: after the loop has run, which hears of it no more."""
        is_over = self._under_way.acquire(timeout=seconds)
        if is_over:
            self._under_way.release()
        return is_over

    def _do(self, work: Work) -> None:
        try:
            after = work()
        except BaseException as problem:  # noqa: BLE001  whatever it is, it is the loop's
            after = raising(problem)
        self._under_way.release()
        self._loop.hand_in(lambda: self._ended(after))

    def _ended(self, after: Callable[[], None]) -> None:
        self.is_busy = False
        after()


def raising(problem: BaseException) -> Callable[[], None]:
    """A fault in such work ends the agent, as one in the loop does."""

    def fail() -> None:
        raise problem

    return fail


def within(seconds: float, work: Callable[[], None]) -> bool:
    """Wait for work that may block, for that long at most: before the loop runs, or after; false if it still goes on.

    Raise what it raises, and OSError where no thread can be had.
    """
    ended = allocate_lock()
    problems: list[Exception] = []

    def do() -> None:
        try:
            work()
        except Exception as problem:  # noqa: BLE001  raised below, by whoever waits
            problems.append(problem)
        ended.release()

    ended.acquire()
    try:
        start_new_thread(do, ())
    except RuntimeError as problem:
        raise OSError(errno.EAGAIN, "no thread can be started") from problem
    is_done = ended.acquire(timeout=seconds)
    if is_done and problems:
        raise problems[0]
    return is_done


def nothing() -> None:
    """What the loop does with work of which nothing came."""
