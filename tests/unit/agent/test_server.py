"""The agent's server: whom it serves, whom it sends away, and how long it waits for anybody."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from outrider_agent.addresses import Address
from outrider_agent.loop import NEVER
from outrider_agent.requests import Request
from outrider_agent.server import (
    DESCRIPTORS_BESIDE,
    FOR_OTHERS,
    LEAST_ROOM,
    LONGEST_REQUEST,
    PAUSE,
    Connection,
    Server,
    most_connections,
    response,
)
from outrider_harness.programs import short_directory
from support.turning import Clocked, turned

MOST = 3
GET = b"GET /now HTTP/1.1\r\n\r\n"
HELD = b"GET /later HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("upstreams", [12, 120, 260, 500, 2_000])
def test_there_is_room_for_a_poll_of_each_upstream_and_for_others_beside_them(upstreams: int) -> None:
    most = most_connections(upstreams, 32, 1 << 20)
    assert most >= upstreams + FOR_OTHERS
    assert most >= LEAST_ROOM


def test_descriptors_for_consul_and_files_are_left() -> None:
    assert most_connections(12, 12, 256) == 256 - 12 - DESCRIPTORS_BESIDE
    assert most_connections(12, 12, 20) == 1


class Served:
    """A server of few clients: it answers ``/now`` at once, and holds ``/later`` until it is told to answer."""

    def __init__(self, path: Path) -> None:
        self.loop = Clocked()
        self.held: list[Connection] = []
        self.gone: list[Connection] = []
        self.content = b"x"
        self.server = Server(
            self.loop, Address(path=str(path)), self._handle, self.gone.append, lambda _line: None, most=MOST
        )
        self.loop.actors.append(self.server)
        self._path = path
        self._clients: list[socket.socket] = []

    def _handle(self, request: Request, connection: Connection) -> None:
        if request.path == "/later":
            self.held.append(connection)
        else:
            connection.respond(200, self.content)

    def client(self, said: bytes = b"") -> socket.socket:
        """One that has been taken in, where there is room."""
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.connect(str(self._path))
        found.settimeout(10)
        found.sendall(said)
        self._clients.append(found)
        for _ in range(3):
            self.loop.ahead += 0.001  # so that no two were used at the same moment
            self.loop.hand_in(lambda: None)
            self.loop.turn()
        return found

    def later(self, seconds: float) -> None:
        self.loop.ahead += seconds
        for _ in range(2):
            self.loop.hand_in(lambda: None)
            self.loop.turn()

    def close(self) -> None:
        self.server.close()
        for one in self._clients:
            one.close()
        self.loop.close()


@pytest.fixture
def served() -> Generator[Served]:
    with short_directory() as directory:
        found = Served(directory / "agent.sock")
        yield found
        found.close()


def has_ended(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:  # what it had said was not read
        return True
    finally:
        client.settimeout(10)


def test_a_newcomer_takes_the_place_of_whoever_has_been_idle_longest(served: Served) -> None:
    first, second, third = (served.client(GET) for _ in range(MOST))
    for one in (first, second, third):
        assert one.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    first.sendall(GET)
    served.later(0.0)
    assert first.recv(1000)
    newcomer = served.client(GET)
    assert newcomer.recv(1000).startswith(b"HTTP/1.1 200")
    assert [has_ended(one) for one in (first, second, third)] == [False, True, False]
    assert (served.server.connections, served.server.refused) == (MOST, 0)


def test_where_everybody_waits_for_an_answer_a_newcomer_is_refused(served: Served) -> None:
    waiting = [served.client(HELD) for _ in range(MOST)]
    newcomer = served.client(GET)
    assert has_ended(newcomer)
    assert (served.server.connections, served.server.refused) == (MOST, 1)
    for one in served.held:
        one.respond(200, b"at last")
    assert all(one.recv(1000).endswith(b"\r\n\r\nat last") for one in waiting)
    assert served.client(GET).recv(1000), "now they are idle"


def test_whoever_has_gone_is_forgotten_once(served: Served) -> None:
    client = served.client(HELD)
    client.close()
    served.later(0.0)
    assert served.gone == served.held
    assert served.server.connections == 0


def test_a_request_that_trickles_in_has_its_time_from_its_beginning(served: Served) -> None:
    client = served.client()
    served.later(1000.0)
    assert not has_ended(client), "whoever asks for nothing may stay"
    assert served.server.wake_at(0.0) == NEVER
    for piece in (b"GET /n", b"ow", b" HTT"):
        client.sendall(piece)
        served.later(0.0)
        served.later(LONGEST_REQUEST / 4)
    assert not has_ended(client)
    served.later(LONGEST_REQUEST / 4)
    assert has_ended(client)
    assert len(served.gone) == 1


def test_a_request_that_has_arrived_is_waited_for_no_longer(served: Served) -> None:
    client = served.client(b"GET /later")
    client.sendall(b" HTTP/1.1\r\n\r\n")
    served.later(0.0)
    served.later(10 * LONGEST_REQUEST)
    assert not has_ended(client), "its answer is ours to give"
    served.held[0].respond(200, b"late")
    assert client.recv(1000).endswith(b"late")
    served.later(10 * LONGEST_REQUEST)
    assert not has_ended(client), "an answer that was taken is waited for no longer either"


def test_an_answer_larger_than_the_systems_buffers_arrives_whole(served: Served) -> None:
    served.content = bytes(range(256)) * 16_384
    client = served.client(GET)
    found = b""
    client.setblocking(False)

    def take() -> bool:
        nonlocal found
        with suppress(BlockingIOError):
            found += client.recv(1 << 16)
        return found.endswith(served.content)

    turned(served.loop, take)
    client.sendall(GET)
    found = b""
    turned(served.loop, take)


def test_an_answer_that_nobody_takes_is_given_up_after_a_while(served: Served) -> None:
    served.content = b"x" * 4_000_000
    served.client(GET)
    served.later(LONGEST_REQUEST - 1.0)
    assert served.server.connections == 1
    served.later(2.0)
    assert served.server.connections == 0


def test_a_client_that_wants_to_close_is_answered_and_let_go(served: Served) -> None:
    client = served.client(b"GET /now HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in client.recv(1000)
    assert has_ended(client)


def test_a_client_that_sends_on_with_its_request_gets_one_answer_and_is_let_go(served: Served) -> None:
    client = served.client(GET + GET)
    assert client.recv(1000).count(b"HTTP/1.1") == 1
    assert has_ended(client)


def test_a_client_that_sends_on_before_its_answer_is_let_go(served: Served) -> None:
    client = served.client(HELD)
    client.sendall(b"more")
    served.later(0.0)
    assert has_ended(client)
    assert served.gone == served.held


def test_what_cannot_be_served_is_refused_in_words_and_the_connection_ended(served: Served) -> None:
    client = served.client(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    answer = client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 411 Length Required\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\na body without a length\n")
    assert has_ended(client)


def test_not_modified_has_no_body_and_says_nothing_of_one() -> None:
    assert response(304, b"", "text/plain", keeps_alive=True) == b"HTTP/1.1 304 Not Modified\r\n\r\n"
    assert response(200, b"ab", "text/plain", keeps_alive=False) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\nab"
    )


def test_without_descriptors_it_pauses_and_serves_again_when_there_are_some(served: Served) -> None:
    """Whoever waits makes the listener ready again at once: without a pause that is a hot loop."""
    served.client(HELD)
    waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        waiting.connect(str(served._path))
        served.later(0.0)
        assert (served.server.refused, served.server.connections) == (1, 1)
        served.later(0.0)
        assert served.server.refused == 1, "it does not try on and on"
        assert served.server.wake_at(0.0) <= served.loop.now() + PAUSE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    served.later(PAUSE)
    served.later(0.0)
    assert served.server.connections == 2
    waiting.close()
