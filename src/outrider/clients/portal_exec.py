"""A command beside a task, run through the portal: what is said and heard, over a WebSocket of its API."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.clients.http import Call, Connection, RefusedError
from outrider.clients.portal_calls import API, service_path
from outrider.clients.problem import error_of
from outrider.clients.sockets import Socket, opened_socket
from outrider.documents import nested

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

    from outrider.documents import Json

DEFECT = 500


class PortalExec:
    """A command that runs: frames as the portal has them."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def send(self, frame: Json) -> None:
        """Say something to the command. ClosedError where it has ended."""
        await self._socket.send(frame)

    async def received(self) -> AsyncIterator[Json]:
        """``started``, ``stdout`` and ``stderr`` as they come, and ``exited`` last; the error that the portal tells instead."""
        async for frame in self._socket.received():
            if problem := nested(frame, "problem"):
                raise error_of(_refused(problem))
            yield frame


@asynccontextmanager
async def portal_exec(
    connection: Connection, environment: str, service: str, wanted: Mapping[str, str | Sequence[str]]
) -> AsyncGenerator[PortalExec]:
    """A command that runs while the block does; what is wanted are the parameters of the call: command, task, allocation, tty.

    Raises what the portal answers instead, as every call does.
    """
    call = Call("GET", (*API, *service_path(environment, service), "exec"), wanted)
    try:
        async with opened_socket(connection, call) as socket:
            yield PortalExec(socket)
    except RemoteError as error:
        raise error_of(error) from error


def _refused(problem: Json) -> RefusedError:
    """As if it had been the answer."""
    status = int(problem.get("status") or DEFECT)
    return RefusedError(
        "the portal ended the session", status=status, next_step=None, body=json.dumps(problem).encode()
    )
