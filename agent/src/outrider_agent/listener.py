"""Listening sockets: a unix socket that only its owner may open, or a port on loopback."""

from __future__ import annotations

import errno
import os

from outrider_agent.addresses import Address
from outrider_agent.files import clear
from outrider_agent.resolver import looked_up
from outrider_agent.sockets import (
    AF_UNIX,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    said,
    socket,
)

OWNER_ONLY = 0o177  # the mask that leaves mode 0600
BACKLOG = 128
ALIVE = (0, errno.EAGAIN, errno.ETIMEDOUT)  # also one whose queue is full


class ListenError(Exception):
    """The address cannot be listened on."""


def listener(address: Address) -> socket:
    """A listening socket, of mode 0600 where it is a file; raise ListenError with the reason."""
    try:
        return _unix_listener(address.path) if address.path else _loopback_listener(address)
    except OSError as problem:
        raise ListenError(f"cannot listen on {address}: {said(problem)}") from problem


def _unix_listener(path: str) -> socket:
    if _is_alive(path):
        raise OSError(0, "another process listens there")
    clear(path)
    sock = socket(AF_UNIX, SOCK_STREAM)
    mask = os.umask(OWNER_ONLY)
    try:
        sock.bind(path)
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(mask)
    return _listening(sock)


def _loopback_listener(address: Address) -> socket:
    socket_address = looked_up(address)[0]
    sock = socket(socket_address.family, SOCK_STREAM)
    sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        sock.bind(socket_address.target)
    except OSError:
        sock.close()
        raise
    return _listening(sock)


def _listening(sock: socket) -> socket:
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def _is_alive(path: str) -> bool:
    """Whether somebody answers at this socket, or it is only what a crashed predecessor left."""
    probe = socket(AF_UNIX, SOCK_STREAM)
    probe.settimeout(1)
    code = probe.connect_ex(path)
    probe.close()
    return code in ALIVE
