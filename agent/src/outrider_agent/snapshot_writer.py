"""Writes the snapshot within seconds of a change, beside the loop, and again until the disk has taken it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from outrider_agent import files
from outrider_agent.background import BackgroundWork, nothing, within
from outrider_agent.documents import Json
from outrider_agent.files import Stamp
from outrider_agent.loop import NEVER, Actor, Loop
from outrider_agent.snapshot import PATIENCE, Known, text, write
from outrider_agent.sockets import said

PAUSE = 2.0  # seconds from a change to its write, up to twice that: a node full of agents has other work at first
LONGEST_PAUSE = 60.0  # seconds between two tries
LOOK_PAUSE = 60.0  # seconds between two looks at what lies on disk
LATE = 10.0  # seconds after which a write that goes on is told


def spread_pause() -> float:
    """Not the same for all agents that hear of one change."""
    return PAUSE * (1 + os.urandom(1)[0] / 256)


class Writer(Actor):
    """Writes what ``known`` returns within four seconds of ``changed``, in the background, and again until the disk has taken it.

    A file that somebody removes or changes is written anew as well.
    """

    def __init__(
        self,
        loop: Loop,
        path: str,
        known: Callable[[], Known],
        say: Callable[[str], None],
        *,
        memories: Callable[[], Json] = dict,
        put: Callable[[str, str], Stamp] | None = None,
    ) -> None:
        self.failures = 0
        self._loop = loop
        self._path = path
        self._known = known
        self._memories = memories
        self._say = say
        self._put_file = put or write
        self._background = BackgroundWork(loop)
        self._due = NEVER
        self._look_at = loop.now() + LOOK_PAUSE
        self._late_at = NEVER  # when a write has taken too long
        self._stamp: Stamp | None = None
        self._tries = 0  # since the last success
        self._complaint = ""

    @property
    def is_busy(self) -> bool:
        return self._background.is_busy

    def changed(self, now: float) -> None:
        if self._due == NEVER:
            self._due = now + spread_pause()

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return self._late_at if self.is_busy else min(self._due, self._look_at)

    def wake(self, now: float) -> None:
        if self.is_busy:
            self._late_at = NEVER
            self._failed(f"the disk has not taken it for {LATE:.0f} s")
        elif self._due <= now:
            self._write(now)
        else:
            self._begin(self._look, now)

    def finish(self) -> None:
        """Write what is still to be written, unless the disk hangs."""
        if not self._background.has_ended(PATIENCE) or self._due == NEVER:
            return
        self._due = NEVER
        content = text(self._known(), time.time(), self._memories())
        outcome: list[Callable[[], None]] = []
        try:
            within(PATIENCE, lambda: outcome.append(self._put(content)))
        except OSError as problem:
            self._failed(said(problem))
        for tell in outcome:
            tell()

    def _write(self, now: float) -> None:
        content = text(self._known(), time.time(), self._memories())
        self._due = NEVER
        self._begin(lambda: self._put(content), now)

    def _begin(self, work: Callable[[], Callable[[], None]], now: float) -> None:
        self._look_at = now + LOOK_PAUSE
        self._late_at = now + LATE
        try:
            self._background.begin(work)
        except OSError as problem:
            self._try_again(said(problem))

    def _put(self, content: str) -> Callable[[], None]:
        try:
            stamp = self._put_file(self._path, content)
        except OSError as problem:
            reason = said(problem)
            return lambda: self._try_again(reason)
        return lambda: self._written(stamp)

    def _look(self) -> Callable[[], None]:
        """Whether the file is still there, and as it was written."""
        try:
            is_same = self._stamp in (None, files.stamp(self._path))
        except OSError:
            is_same = False
        return nothing if is_same else lambda: self.changed(self._loop.now())

    def _written(self, stamp: Stamp) -> None:
        if self._complaint:
            self._say(f"the snapshot {self._path} is written again")
        self._stamp, self._tries, self._complaint = stamp, 0, ""

    def _try_again(self, reason: str) -> None:
        self._failed(reason)
        pause = min(LONGEST_PAUSE, spread_pause() * 2**self._tries)
        self._tries = min(self._tries + 1, 10)
        self._due = min(self._due, self._loop.now() + pause)

    def _failed(self, reason: str) -> None:
        """Counted each time, said once for each reason."""
        self.failures += 1
        if reason != self._complaint:
            self._complaint = reason
            self._say(f"cannot write the snapshot {self._path}: {reason}")
