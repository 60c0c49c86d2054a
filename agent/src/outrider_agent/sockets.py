"""Sockets from the C module: Python's socket.py would load enum for its constants, 0.3 MB that nothing here needs."""

from __future__ import annotations

from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    IPPROTO_TCP,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
    getaddrinfo,
    inet_pton,
    socket,
    socketpair,
)

from outrider_agent.addresses import Address

__all__ = [
    "AF_INET",
    "AF_INET6",
    "AF_UNIX",
    "IPPROTO_TCP",
    "SOCK_STREAM",
    "SOL_SOCKET",
    "SO_REUSEADDR",
    "TCP_NODELAY",
    "accepted",
    "inet_pton",
    "resolved",
    "said",
    "socket",
    "socketpair",
]


def accepted(listener: socket) -> socket:
    """The next connection; raise OSError where there is none after all."""
    descriptor, _ = listener._accept()  # noqa: SLF001  # pyright: ignore  socket.socket.accept does just this
    return socket(fileno=descriptor)  # pyright: ignore[reportUnknownArgumentType]


def resolved(address: Address) -> tuple[int, tuple[object, ...] | str]:
    """Family and target of a socket; a name is asked for in bytes, since text would load the idna codec."""
    if address.path:
        return AF_UNIX, address.path
    found = getaddrinfo(address.host.encode(), address.port, type=SOCK_STREAM)
    return found[0][0], found[0][4]


def said(problem: OSError) -> str:
    """The system's words, in lower case as part of a sentence."""
    return (problem.strerror or str(problem)).lower()
