"""Nomad's call that runs a command beside a task, over a WebSocket."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outrider.clients.http import Call
from outrider.clients.nomad_calls import NomadCalls
from outrider.clients.sockets import opened_socket

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from outrider.clients.sockets import Socket


class NomadExec(NomadCalls):
    """Commands in allocations.

    Nomad counts connections by address, and no longer counts one that has become a WebSocket [S 1.6.5 and 2.0.5, go-connlimit].
    """

    @asynccontextmanager
    async def exec(
        self, allocation_id: str, task: str, command: Sequence[str], *, has_terminal: bool
    ) -> AsyncGenerator[Socket]:
        """A command that runs while the block does, as far as Nomad does not say otherwise in its first frames."""
        said = {"task": task, "tty": str(has_terminal).lower(), "command": json.dumps(list(command))}
        call = Call("GET", ("v1", "client", "allocation", allocation_id, "exec"), said)
        async with opened_socket(self._connection, call) as socket:
            yield socket
