"""Where a server listens: the address that a host means, whether others reach it, and the bound socket."""

from __future__ import annotations

import errno
import socket

from outrider_ground.edge.names import is_loopback
from outrider_ground.errors import OutriderError

BACKLOG = 4096  # a thousand agents reconnect at once after a restart
EVERYWHERE = "0.0.0.0"  # noqa: S104  what no host at all means to a socket


def listening_address(host: str) -> str:
    """The address that ``host`` means, looked up once; empty: every address. OutriderError where it means none."""
    if not host.strip():
        return EVERYWHERE
    found = _looked_up(host.strip())
    v4 = [address for family, address in found if family == socket.AF_INET]
    return (v4 or [address for _, address in found])[0]


def is_beyond_loopback(address: str) -> bool:
    """Whether other machines can reach what listens at the address."""
    return not is_loopback(address)


def listener(address: str, port: int) -> socket.socket:
    """A listening socket; port 0: any free one. OutriderError where the port is taken or the address not ours."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only where it reads "TCP" there: 40 ms an answer.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, port))
        made.listen(BACKLOG)  # here, so that a second server on the port fails now and not in its own time
    except OSError as error:
        made.close()
        raise _cannot_listen(address, port, error) from error
    return made


def _looked_up(host: str) -> list[tuple[int, str]]:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutriderError(f"cannot listen on {host}: there is no such address: {error}") from error
    return [(family, str(where[0])) for family, _, _, _, where in found]


def _cannot_listen(host: str, port: int, error: OSError) -> OutriderError:
    if error.errno == errno.EADDRINUSE:
        step = f"End the program that listens there (`ss -ltnp 'sport = :{port}'` names it), or choose another port."
        return OutriderError(f"port {port} on {host} is taken", next_step=step)
    return OutriderError(f"cannot listen on {host}:{port}: {error.strerror}")
