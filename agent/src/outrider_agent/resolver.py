"""Where an address leads: a name looked up in the background and remembered for a while, what worked last first."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.addresses import Address
from outrider_agent.background import BackgroundWork
from outrider_agent.loop import Loop
from outrider_agent.sockets import AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM, getaddrinfo, inet_pton, said

FRESH = 30.0  # seconds for which nobody looks a name up again
AGAIN = 5.0  # seconds for which nobody does so either when its places fail
MOST = 16  # places of one name

Ready = Callable[[], None]


class SocketAddress:
    """What a socket connects to: its family and its target."""

    __slots__ = ("family", "target")

    def __init__(self, family: int, target: tuple[object, ...] | str) -> None:
        self.family = family
        self.target = target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SocketAddress) and self.target == other.target

    def __hash__(self) -> int:
        return hash(self.target)

    def __str__(self) -> str:
        if isinstance(self.target, str):
            return f"unix:{self.target}"
        return str(Address(host=str(self.target[0]), port=int(str(self.target[1]))))


LookUp = Callable[[Address], "list[SocketAddress]"]


class Resolver:
    """Shared by the exchanges that go to one address; ``known`` may be used whenever there is something in it.

    A name that cannot be looked up, or not yet, leaves what was known of it.
    """

    def __init__(self, loop: Loop, address: Address, look_up: LookUp | None = None) -> None:
        self.address = address
        self.known = literal(address)
        self.reason = ""  # why the last look-up brought nothing
        self._is_name = not self.known
        self._look_up = look_up or looked_up
        self._loop = loop
        self._background = BackgroundWork(loop)
        self._looked_at = float("-inf")
        self._waiting: list[Ready] = []

    @property
    def is_looking(self) -> bool:
        return self._background.is_busy

    def ask(self, ready: Ready) -> None:
        """Call ``ready`` when something is known, or nothing can be: at once where there is."""
        self._refresh(FRESH if self.known else 0.0)
        if self.known or not self.is_looking:
            ready()
        else:
            self.await_look(ready)

    def await_look(self, ready: Ready) -> None:
        """Call ``ready`` when the look-up that is on its way has ended."""
        self._waiting.append(ready)

    def worked(self, socket_address: SocketAddress) -> None:
        """Others begin with this one."""
        if socket_address in self.known[1:]:
            self.known = [socket_address, *(one for one in self.known if one != socket_address)]

    def failed(self, socket_address: SocketAddress) -> None:
        """Others try it last, and perhaps the name leads elsewhere by now."""
        if socket_address in self.known[:-1]:
            self.known = [*(one for one in self.known if one != socket_address), socket_address]
        self._refresh(AGAIN)

    def _refresh(self, oldest: float) -> None:
        if not self._is_name or self.is_looking or self._loop.now() - self._looked_at < oldest:
            return
        try:
            self._background.begin(self._look)
        except OSError as problem:
            self._ended([], said(problem))

    def _look(self) -> Callable[[], None]:
        try:
            found, reason = self._look_up(self.address), ""
        except OSError as problem:
            found, reason = [], said(problem)
        return lambda: self._ended(found, reason)

    def _ended(self, found: list[SocketAddress], reason: str) -> None:
        self._looked_at = self._loop.now()
        self.reason = f"cannot look up {self.address.host}: {reason}" if reason else ""
        last = self.known[:1]
        if found:
            self.known = [*(one for one in found if one in last), *(one for one in found if one not in last)]
        waiting, self._waiting = self._waiting, []
        for ready in waiting:
            ready()


def literal(address: Address) -> list[SocketAddress]:
    """The place of an address that is no name; none where it is one."""
    if address.path:
        return [SocketAddress(AF_UNIX, address.path)]
    for family in (AF_INET, AF_INET6):
        try:
            inet_pton(family, address.host)
        except OSError:
            continue
        return [SocketAddress(family, (address.host, address.port))]
    return []


def looked_up(address: Address) -> list[SocketAddress]:
    """Every place of the address, in the system's order; blocks for as long as the system's resolver does.

    Raise OSError. A name is asked for in bytes, since text would load the idna codec.
    """
    found = literal(address)
    if found:
        return found
    for family, _, _, _, target in getaddrinfo(address.host.encode(), address.port, type=SOCK_STREAM):
        socket_address = SocketAddress(family, target)
        if socket_address not in found:
            found.append(socket_address)
    return found[:MOST]
