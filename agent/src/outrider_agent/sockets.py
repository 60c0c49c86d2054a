"""Sockets from the C module: Python's socket.py would load enum for its constants, 0.3 MB that nothing here needs."""

from __future__ import annotations

from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    IPPROTO_TCP,
    SO_ERROR,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
    getaddrinfo,
    inet_pton,
    socket,
    socketpair,
)

__all__ = [
    "AF_INET",
    "AF_INET6",
    "AF_UNIX",
    "IPPROTO_TCP",
    "SOCK_STREAM",
    "SOL_SOCKET",
    "SO_ERROR",
    "SO_REUSEADDR",
    "TCP_NODELAY",
    "accepted",
    "getaddrinfo",
    "inet_pton",
    "said",
    "socket",
    "socketpair",
]


def accepted(listener: socket) -> socket:
    """The next connection; raise OSError where there is none after all."""
    descriptor, _ = listener._accept()  # noqa: SLF001  # pyright: ignore  socket.socket.accept does just this
    return socket(fileno=descriptor)  # pyright: ignore[reportUnknownArgumentType]


def said(problem: OSError) -> str:
    """The system's words, in lower case as part of a sentence; our own as they are, which may name files."""
    return problem.strerror.lower() if problem.strerror else str(problem)
