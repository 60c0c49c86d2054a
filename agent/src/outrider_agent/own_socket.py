"""The socket that the agent listens on: where it is a file that somebody may take away, it is bound anew."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from outrider_agent.addresses import Address
from outrider_agent.background import BackgroundWork, nothing
from outrider_agent.listener import ListenError, listener
from outrider_agent.loop import NEVER, READ, Actor, Loop, Ready
from outrider_agent.sockets import said, socket

PAUSE = 2.0  # seconds between two looks: an Envoy that starts meanwhile waits 3 s for its first endpoints
OPEN_TO_ALL = 0o777

Identity = tuple[int, int]  # of a file: device and inode, which a bound socket keeps from being used again


class OwnSocket(Actor):
    """Looks in the background whether the file in its place is still its own; connections that are open do not notice any of it."""

    def __init__(self, loop: Loop, address: Address, accept: Ready, say: Callable[[str], None]) -> None:
        self.socket = listener(address)
        self._loop = loop
        self._address = address
        self._accept = accept
        self._say = say
        self._background = BackgroundWork(loop)
        self._identity = identity(address.path)
        self._complaint = ""
        self._next = loop.now() + PAUSE if address.path else NEVER
        loop.attend(self.socket, READ, accept)

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return NEVER if self._background.is_busy else self._next

    def wake(self, now: float) -> None:
        self._next = now + PAUSE
        try:
            self._background.begin(self._look)
        except OSError as problem:
            self._complain(said(problem))

    def close(self) -> None:
        """Take the file along, unless it is somebody else's by now."""
        self._loop.leave(self.socket)
        self.socket.close()
        if self._address.path and identity(self._address.path) == self._identity:
            os.unlink(self._address.path)

    def _look(self) -> Callable[[], None]:
        if identity(self._address.path) == self._identity:
            return nothing
        make_folder(os.path.dirname(self._address.path))
        try:
            found = listener(self._address)
        except ListenError as problem:
            reason = str(problem)
            return lambda: self._complain(reason)
        mine = identity(self._address.path)
        return lambda: self._replace(found, mine)

    def _replace(self, found: socket, mine: Identity | None) -> None:
        self._loop.leave(self.socket)
        self.socket.close()
        self.socket, self._identity, self._complaint = found, mine, ""
        self._loop.attend(found, READ, self._accept)
        self._say(f"{self._address} was gone or replaced: listening there anew")

    def _complain(self, reason: str) -> None:
        """Once for each reason: it is looked at again all the time."""
        if reason != self._complaint:
            self._complaint = reason
            self._say(
                f"{self._address} is not the agent's socket any more: {reason}; looking again every {PAUSE:.0f} s"
            )


def identity(path: str) -> Identity | None:
    """Of the socket that lies there; None for anything else, or nothing."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None


def make_folder(path: str) -> None:
    """Where somebody has removed it, with the mode that Nomad gives an allocation's folders."""
    if path and not os.path.lexists(path):
        try:
            os.mkdir(path)
            os.chmod(path, OPEN_TO_ALL)
        except OSError:
            return  # binding there will say why
