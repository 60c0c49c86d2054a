"""Sockets that are read to their end, also where the server takes no more: for servers that say why and hang up at once.

asyncio gives a connection up with the first write that fails, and with it what the server had said before. Nomad ends a
session with the reason or the exit code, and what was typed meanwhile runs into a closed door.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PIECE = 65_536


@asynccontextmanager
async def read_to_its_end(server: sockets.socket) -> AsyncGenerator[sockets.socket]:
    """The near end of a pair, while the block runs; what goes through it goes to the server and back, TLS and all.

    The connected socket is the block's to close.
    """
    near, far = sockets.socketpair()
    for one in (server, far):
        one.setblocking(False)
    work = [asyncio.create_task(_told(far, server)), asyncio.create_task(_heard(server, far))]
    try:
        yield near
    finally:
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for one in (near, far, server):
            one.close()


async def _told(far: sockets.socket, server: sockets.socket) -> None:
    """What we say, up to our own end; what the server no longer takes is thrown away."""
    loop, takes = asyncio.get_running_loop(), True
    while piece := await loop.sock_recv(far, PIECE):
        if takes:
            try:
                await loop.sock_sendall(server, piece)
            except OSError:
                takes = False
    with contextlib.suppress(OSError):
        server.shutdown(sockets.SHUT_WR)


async def _heard(server: sockets.socket, far: sockets.socket) -> None:
    """What the server says, up to its end or the loss of the connection, which is ours as well."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while piece := await loop.sock_recv(server, PIECE):
            await loop.sock_sendall(far, piece)
    with contextlib.suppress(OSError):
        far.shutdown(sockets.SHUT_WR)


async def connected(place: str | tuple[str, int], most_s: float) -> sockets.socket:
    """A socket to a path or a host and port. OSError where there is none, TimeoutError where it takes longer."""
    if not isinstance(place, str):
        return await asyncio.to_thread(sockets.create_connection, place, most_s)
    made = sockets.socket(sockets.AF_UNIX)
    try:
        await asyncio.to_thread(made.connect, place)
    except OSError:
        made.close()
        raise
    return made
