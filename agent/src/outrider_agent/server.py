"""The agent's HTTP server: one listening socket, few connections, each with its one request at a time."""

from __future__ import annotations

import errno
from collections.abc import Callable

from outrider_agent.addresses import Address
from outrider_agent.loop import NEVER, READ, WRITE, Actor, Loop
from outrider_agent.own_socket import OwnSocket
from outrider_agent.requests import BadRequestError, Request, RequestReader
from outrider_agent.sockets import IPPROTO_TCP, TCP_NODELAY, accepted, socket

FOR_OTHERS = 128  # connections beside those of Envoy's polls: scrapers, checks, and what an Envoy has left behind
LEAST_ROOM = 256
DESCRIPTORS_BESIDE = 32  # for files, the listener and Envoy's admin socket
PAUSE = 0.5  # seconds without accepting, where no descriptor is left and nobody can go
LONGEST_REQUEST = 10.0  # seconds for a request to arrive, and for an answer to be taken
ACCEPTED_AT_ONCE = 16
PIECE = 16384  # bytes at a time: larger buffers would stay in the heap
PIECES_AT_ONCE = 8  # so that a poll of Envoy's size takes one turn of the loop, and a flood not all of it
REASONS = {
    200: "OK",
    304: "Not Modified",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
NOT_MODIFIED = 304
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

Handle = Callable[[Request, "Connection"], None]


class Connection:
    """One client; ``respond`` answers the request that ``handle`` was called with, now or later."""

    __slots__ = (
        "_keeps_alive",
        "_outbox",
        "_server",
        "_socket",
        "deadline",
        "is_waiting",
        "opened_at",
        "reader",
        "used_at",
    )

    def __init__(self, server: Server, sock: socket, now: float) -> None:
        self.opened_at = now
        self.used_at = now
        self.reader = RequestReader()
        self.is_waiting = False  # for an answer of ours
        self._server = server
        self._socket = sock
        self._outbox = b""
        self._keeps_alive = True
        self.deadline = NEVER
        sock.setblocking(False)

    def respond(self, status: int, body: bytes = b"", content_type: str = JSON) -> None:
        """Headers and body leave in one piece: two would cost 40 ms (Nagle against delayed acknowledgement)."""
        self.is_waiting = False
        self._outbox += response(status, body, content_type, keeps_alive=self._keeps_alive)
        self.deadline = self._server.loop.now() + LONGEST_REQUEST
        self._flush()

    def ready(self, mask: int) -> None:
        if self._socket.fileno() < 0:
            return  # closed earlier in the same turn
        try:
            if mask & WRITE:
                self._flush()
            if mask & READ:
                self._receive()
        except OSError:
            self.close()

    def close(self) -> None:
        self._server.forget(self)
        self._server.loop.leave(self._socket)
        self._socket.close()

    def listen(self) -> None:
        self._server.loop.attend(self._socket, READ | WRITE if self._outbox else READ, self.ready)

    def _receive(self) -> None:
        for _ in range(PIECES_AT_ONCE):
            try:
                data = self._socket.recv(PIECE)
            except BlockingIOError:
                return
            self.used_at = self._server.loop.now()
            if not data or self.is_waiting or self._outbox:
                self.close()  # gone, or it sends on before it has its answer, which Envoy never does
                return
            if self._ends_request(data) or len(data) < PIECE:
                return

    def _ends_request(self, data: bytes) -> bool:
        try:
            request = self.reader.receive(data)
        except BadRequestError as problem:
            self._keeps_alive = False
            self.respond(problem.status, f"{problem}\n".encode(), TEXT)
            return True
        if request is None:
            self.deadline = (
                NEVER if self.reader.is_between_requests else min(self.deadline, self.used_at + LONGEST_REQUEST)
            )
            return False
        self.deadline = NEVER
        self._keeps_alive = request.keeps_alive and self.reader.is_between_requests
        self.is_waiting = True
        self._server.handle(request, self)
        return True

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._outbox)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._outbox = self._outbox[sent:]
        if self._outbox:
            self.listen()
        else:
            self._flushed()

    def _flushed(self) -> None:
        self.deadline = NEVER
        if not self._keeps_alive:
            self.close()
            return
        self.listen()


def most_connections(polls: int, others: int, descriptors: int) -> int:
    """How many clients are served at a time: a poll for each upstream and some more, while descriptors last.

    ``others`` is how many descriptors are needed for Consul, ``descriptors`` how many the process may have.
    """
    wanted = max(LEAST_ROOM, polls + FOR_OTHERS)
    return max(1, min(wanted, descriptors - others - DESCRIPTORS_BESIDE))


class Server(Actor):
    """Accepts ``most`` clients; a newcomer beyond them takes the place of the one that has been idle longest."""

    def __init__(
        self,
        loop: Loop,
        address: Address,
        handle: Handle,
        gone: Callable[[Connection], None],
        say: Callable[[str], None],
        *,
        most: int,
    ) -> None:
        self.loop = loop
        self._most = most
        self._accepts_again_at = NEVER
        self.handle = handle
        self.refused = 0
        self.own = OwnSocket(loop, address, self._accept, say)
        self._address = address
        self._gone = gone
        self._connections: list[Connection] = []

    @property
    def connections(self) -> int:
        return len(self._connections)

    def wake_at(self, now: float) -> float:  # noqa: ARG002  the same at any time
        return min([one.deadline for one in self._connections] + [self._accepts_again_at])

    def wake(self, now: float) -> None:
        """Clients that take too long to ask or to listen; and newcomers, after a pause."""
        if self._accepts_again_at <= now:
            self._accepts_again_at = NEVER
            self.loop.attend(self.own.socket, READ, self._accept)
        for one in [one for one in self._connections if one.deadline <= now]:
            one.close()

    def forget(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._gone(connection)

    def close(self) -> None:
        self.own.close()
        for one in list(self._connections):
            one.close()

    def _accept(self, _mask: int) -> None:
        try:
            for _ in range(ACCEPTED_AT_ONCE):
                self._admit(accepted(self.own.socket))
        except BlockingIOError:
            return  # nobody else waits
        except OSError as problem:
            if problem.errno in EXHAUSTED and not self._evict():
                self._pause()

    def _pause(self) -> None:
        """Whoever waits makes the listener ready again at once: without a pause that is a hot loop."""
        self.refused += 1
        self.loop.leave(self.own.socket)
        self._accepts_again_at = self.loop.now() + PAUSE

    def _admit(self, sock: socket) -> None:
        if len(self._connections) >= self._most and not self._evict():
            self.refused += 1
            sock.close()
            return
        if not self._address.path:
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        connection = Connection(self, sock, self.loop.now())
        self._connections.append(connection)
        connection.listen()

    def _evict(self) -> bool:
        idle = [one for one in self._connections if not one.is_waiting]
        if not idle:
            return False
        min(idle, key=lambda one: one.used_at).close()
        return True


def response(status: int, body: bytes, content_type: str, *, keeps_alive: bool) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS[status]}"]
    if status != NOT_MODIFIED:
        lines += [f"content-type: {content_type}", f"content-length: {len(body)}"]
    lines += [] if keeps_alive else ["connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body
