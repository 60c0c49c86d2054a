"""/v1/client/allocation/:id/exec: a command beside a task, over a WebSocket with JSON frames."""

from __future__ import annotations

import json
from json import JSONDecodeError
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from outrider_embedded.scheduler.client import Client
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.exec_session import exec_session
from outrider_embedded.scheduler.refusal import RefusalError
from outrider_embedded.scheduler.task import Task

CALLERS, OURS = 1008, 1011
FAILED = "rpc error: code = Unknown desc = failed to start command: "
LONGEST_REASON = 123  # bytes, of a close frame (RFC 6455, 5.5)


class ExecCalls:
    """Commands in the allocations of one client; where they ``may_run`` at all."""

    def __init__(self, client: Client, *, may_run: bool) -> None:
        self._client, self._may_run = client, may_run

    async def run(self, socket: WebSocket) -> None:
        """One session, closed with Nomad's own words where it cannot be."""
        await socket.accept()
        try:
            if socket.query_params.get("ws_handshake") == "true":
                await socket.receive_text()  # the token, which nobody here asks for
            task = self._task(socket)
            await exec_session(
                task.beside(_words(socket.query_params.get("command", ""))),
                lambda frame: socket.send_text(json.dumps(frame, separators=(",", ":"))),
                lambda: _frame(socket),
                task.process,
                has_terminal=socket.query_params.get("tty") == "true",
            )
            await socket.close()
        except RefusalError as refusal:
            await _closed(socket, refusal.status, refusal.text)
        except OSError as error:
            program = next(iter(_words(socket.query_params.get("command", ""))), "")
            why = (error.strerror or "no such file or directory").lower()
            await _closed(socket, OURS, f"{FAILED}fork/exec {program}: {why}")
        except WebSocketDisconnect:
            return

    def _task(self, socket: WebSocket) -> Task:
        """The one that is meant. RefusalError with the code of a close frame as its status."""
        runner = self._client.runners.get(socket.path_params["id"])
        if not _words(socket.query_params.get("command", "")):
            raise RefusalError(CALLERS, "command is not present")
        if runner is None:
            raise RefusalError(CALLERS, f'Unknown allocation "{socket.path_params["id"]}"')
        if not self._may_run:
            raise RefusalError(OURS, "Permission denied")
        task = runner.tasks.get(socket.query_params.get("task", ""))
        if task is None:
            raise RefusalError(OURS, "task not found")
        if not task.process.is_running:
            raise RefusalError(OURS, f"task {task.name!r} is not running.")
        return task


def _words(text: str) -> tuple[str, ...]:
    try:
        found: Any = json.loads(text or "[]")
    except JSONDecodeError:
        return ()
    return tuple(map(str, cast("list[object]", found))) if isinstance(found, list) else ()


async def _frame(socket: WebSocket) -> Document | None:
    """The next frame; None where the caller has hung up."""
    try:
        return json.loads(await socket.receive_text())
    except (WebSocketDisconnect, JSONDecodeError, RuntimeError):
        return None


async def _closed(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        await socket.close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))
