"""Serving an ASGI application from the running event loop: bind, answer, end in time."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncGenerator, Generator, Iterable

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outrider_ground.edge.connection import bounded_connection
from outrider_ground.edge.door import Door
from outrider_ground.edge.intake import Intake
from outrider_ground.edge.limits import Limits
from outrider_ground.edge.listening import BACKLOG, listener, listening_address
from outrider_ground.edge.websocket_connection import WebSocketConnection
from outrider_ground.errors import OutriderError

_ANYTHING = Limits()
# Sockets that are accepted in one turn of the loop, of which three pass before the first of them is looked at, and one
# more before who gives way is gone: all of them together are fewer than the descriptors that are kept free.
_AT_ONCE = 8
_KEEP_ALIVE_S = 300  # outlives the idle time of every client's pool, so that no request meets a closing connection
_GRACE_S = 1.0
_FLUSH_S = 2.0
_MOST_FRAME = 1_048_576


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    grace_s: float = _GRACE_S,
    limits: Limits = _ANYTHING,
    has_websockets: bool = False,
) -> AsyncGenerator[str]:
    """Serve ``app`` while the block runs; yields its address ``http://host:port`` (port 0: any free one).

    Connections are bounded by ``limits``; an `Intake` bounds bodies, a `Door` says who may come in.
    Without ``has_websockets`` whoever asks for one is answered as anybody else.

    At the end, requests under way get ``grace_s`` seconds, then they are broken off, held long polls among them.
    Raises OutriderError where the port is taken or the address is not this machine's.
    """
    bound = listener(listening_address(host), port)
    requests = _Requests(app)
    server = _Server(_config(requests, limits, has_websockets=has_websockets))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    await _started(server, task)
    bound.listen(BACKLOG)  # asyncio has set it to the number that it accepts at once
    try:
        yield _address(bound)
    finally:
        server.should_exit = True
        await requests.end(grace_s)
        await _ended(server, task)


def shielded(app: ASGIApp, hosts: Iterable[str], limits: Limits = _ANYTHING) -> ASGIApp:
    """An API without tokens, for programs of this machine: no web page gets in, and bodies are bounded."""
    return Door(Intake(app, limits=limits), hosts=hosts, refuses_forms=True)


class _Server(uvicorn.Server):
    """A server that leaves the signals to the program around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Requests:
    """The application with its requests under way counted, so that they can be broken off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # the server runs each request in a task of its own
        self._tasks.add(task)
        answer = _Answer(send, is_stream=scope["type"] == "websocket")
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            if not self._broken:
                raise
            await answer.break_off()
        finally:
            self._tasks.discard(task)

    async def end(self, grace_s: float) -> None:
        """Wait ``grace_s`` for the requests under way, then cancel the rest."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)
        self._broken = True
        for task in set(self._tasks):
            task.cancel()


class _Answer:
    """How far one answer has come."""

    def __init__(self, send: Send, *, is_stream: bool) -> None:
        self._send = send
        self._is_stream = is_stream
        self._has_started = False

    async def send(self, message: Message) -> None:
        self._has_started = True
        await self._send(message)

    async def break_off(self) -> None:
        """503 where nothing was said yet; a stream that has begun ends here, as when a server dies.

        WebSockets the server closes by itself, with 1012.
        """
        if self._is_stream:
            return
        if not self._has_started:
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _config(app: ASGIApp, limits: Limits, *, has_websockets: bool) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=bounded_connection(limits, _most_files(limits)),
        proxy_headers=False,  # who asks is read where it matters, and a program may claim anything
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=_AT_ONCE,
        ws=WebSocketConnection if has_websockets else "none",
        ws_max_size=_MOST_FRAME,
        ws_per_message_deflate=False,
        ws_ping_timeout=None,  # whoever does not read for a while, as a pager, answers no ping either
    )


def _most_files(limits: Limits) -> int:
    """How many file descriptors there may be with all connections; a quarter at most is kept for everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft - min(limits.spare_files, soft // 4)


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    while not server.started:
        if task.done():
            await task
            raise OutriderError("the server ended before it had started")
        await asyncio.sleep(0)


async def _ended(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    """Wait for the server; whoever does not take what was sent to them is cut off."""
    done, _ = await asyncio.wait({task}, timeout=_FLUSH_S)
    if not done:
        for connection in list(server.server_state.connections):
            connection.transport.abort()
    await task


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
