"""A second name for Envoy's admin socket, which Envoy binds only once: under it the socket is found when the first is gone."""

from __future__ import annotations

import os
from collections.abc import Callable

from outrider_agent.background import BackgroundWork, nothing
from outrider_agent.files import clear, move
from outrider_agent.loop import NEVER, Actor, Loop
from outrider_agent.own_socket import PAUSE, identity
from outrider_agent.sockets import said


class SpareName(Actor):
    """Looks in the background at a socket's path; a file that vanishes or is replaced by none comes back from its second name."""

    def __init__(self, loop: Loop, path: str, say: Callable[[str], None]) -> None:
        self._path = path
        self._spare = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.spare")
        self._say = say
        self._background = BackgroundWork(loop)
        self._complaint = ""
        self._next = 0.0

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return NEVER if self._background.is_busy else self._next

    def wake(self, now: float) -> None:
        self._next = now + PAUSE
        try:
            self._background.begin(self._look)
        except OSError as problem:
            self._told(said(problem))

    def _look(self) -> Callable[[], None]:
        try:
            return self._mended()
        except OSError as problem:
            reason = said(problem)
            return lambda: self._told(reason)

    def _mended(self) -> Callable[[], None]:
        there, spare = identity(self._path), identity(self._spare)
        if there is None and spare is None:
            return nothing  # Envoy has not come yet, or all is lost until it starts anew
        if there is None:
            return self._restored()
        if there != spare:
            clear(self._spare)
            os.link(self._path, self._spare)
        return nothing

    def _restored(self) -> Callable[[], None]:
        """Through a third name: a rename puts it in place of whatever lies there, in one step."""
        third = f"{self._spare}.new"
        clear(third)
        os.link(self._spare, third)
        move(third, self._path)
        return lambda: self._say(f"Envoy's socket unix:{self._path} was gone or replaced: it is back")

    def _told(self, reason: str) -> None:
        """Once for each reason."""
        if reason != self._complaint:
            self._complaint = reason
            self._say(f"no second name can be kept for Envoy's socket unix:{self._path}: {reason}")
