"""Port booking: numbers on the node that belong to one allocation at a time, dynamic ones from the cluster's range."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass, field


class PortCollisionError(Exception):
    """A fixed port that another allocation has, or that something else on the machine listens on."""

    def __init__(self, label: str, port: int) -> None:
        super().__init__(f"reserved port collision {label}={port}")


class NoPortLeftError(Exception):
    """The range of dynamic ports is used up."""

    def __init__(self) -> None:
        super().__init__("dynamic port selection failed")


@dataclass(slots=True)
class PortBook:
    """Who has which port. ``is_free`` asks the machine; the search goes round the range, so that none comes back soon.

    A booked port is in use only once its task runs. ``next_step`` says how far into the range the search begins: two
    clusters that start on one machine should not begin at the same number.
    """

    first: int
    last: int
    is_free: Callable[[int], bool]
    owners: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    leaving: set[str] = field(default_factory=set[str])
    next_step: int = 0

    def dynamic(self, owner: str) -> int:
        """Book any free port of the range. Raises NoPortLeftError."""
        size = self.last - self.first
        for step in range(size):
            port = self.first + (self.next_step + step) % size
            if port not in self.owners and self.is_free(port):
                self.next_step = (self.next_step + step + 1) % size
                self.owners[port] = {owner}
                return port
        raise NoPortLeftError

    def reserved(self, owner: str, label: str, port: int) -> int:
        """Book a fixed port, also from an allocation that is about to end. Raises PortCollisionError."""
        self.check(label, port, set())
        self.owners[port] = {*self.owners.get(port, set()), owner}
        return port

    def check(self, label: str, port: int, leaving: set[str]) -> None:
        """Raise PortCollisionError where a fixed port could not be booked once ``leaving`` have ended.

        A port that another program holds can be: Nomad does not ask the machine, and the app fails to bind it.
        """
        owners = self.owners.get(port, set())
        if owners - self.leaving - leaving:
            raise PortCollisionError(label, port)

    def leave(self, owner: str) -> None:
        """Note that an allocation will end: a successor may have its fixed ports."""
        self.leaving.add(owner)

    def release(self, owner: str) -> None:
        """Give back all ports of an allocation whose processes have ended."""
        self.leaving.discard(owner)
        for port, owners in list(self.owners.items()):
            owners.discard(owner)
            if not owners:
                del self.owners[port]


def is_port_free(port: int, addresses: tuple[str, ...] = ("127.0.0.1",)) -> bool:
    """Whether nothing on this machine has the TCP port, on one of the addresses or on all that there are."""
    return all(_can_bind(address, port) for address in set(addresses))


def _can_bind(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
