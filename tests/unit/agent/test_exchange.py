"""A kept connection: when it is used again, when it is replaced in silence, and when its loss is told."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress

import pytest
from outrider_agent.addresses import Address
from outrider_agent.exchange import LONGEST_SILENCE, NO_ANSWER, TOO_LATE, Ask, Exchange
from outrider_agent.loop import NEVER, Actor
from outrider_agent.resolver import Resolver
from outrider_agent.responses import ResponseReader
from support.turning import Clocked, turned

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
BEGUN = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok"

Serve = Callable[[socket.socket], None]  # what becomes of one connection, until it returns


class Server:
    """On loopback; each connection is served by the next of its scripts, the last one for all that follow."""

    def __init__(self, *scripts: Serve) -> None:
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.address = Address(host="127.0.0.1", port=self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                threading.Thread(target=self._one, args=(client, script), daemon=True).start()

    def _one(self, client: socket.socket, script: Serve) -> None:
        with client, suppress(OSError):
            script(client)


def asked(client: socket.socket) -> bytes:
    """One request; b"" where the other side has hung up."""
    found = b""
    while b"\r\n\r\n" not in found and (piece := client.recv(65536)):
        found += piece
    return found


def answers(*said: bytes) -> Serve:
    """One of these to each request, and then it hangs up."""

    def serve(client: socket.socket) -> None:
        for one in said:
            if not asked(client):
                return
            client.sendall(one)

    return serve


def answers_for_ever(client: socket.socket) -> None:
    while asked(client):
        client.sendall(ANSWER)


def hangs_up_when_asked(client: socket.socket) -> None:
    asked(client)


def goes_on_after_its_answer(client: socket.socket) -> None:
    asked(client)
    client.sendall(ANSWER)
    client.sendall(b"what nobody asked for")
    asked(client)


def says_nothing(client: socket.socket) -> None:
    asked(client)
    asked(client)


def begins(client: socket.socket) -> None:
    """And says nothing more."""
    asked(client)
    client.sendall(BEGUN)
    asked(client)


def breaks_off_at_its_second_answer(client: socket.socket) -> None:
    """With a reset, as where a server crashes."""
    asked(client)
    client.sendall(ANSWER)
    asked(client)
    client.sendall(BEGUN)
    time.sleep(0.2)  # so that what was said arrives before the reset
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Client(Actor):
    """One exchange, as a link has it."""

    def __init__(self, loop: Clocked, address: Address) -> None:
        self.loop = loop
        self.exchange = Exchange(loop, Resolver(loop, address))
        self.body = b""
        self.ended: list[str] = []
        self.readers: list[ResponseReader | None] = []
        loop.actors.append(self)

    def wake_at(self, now: float) -> float:
        return self.exchange.wake_at()

    def wake(self, now: float) -> None:
        self.exchange.expire(now)

    def begin(self, request: bytes = b"GET / HTTP/1.1\r\n\r\n", patience: float = 60.0) -> None:
        self.body = b""
        self.exchange.ask(Ask(request, self._take, self.loop.now() + patience, self._done))

    def ask(self, request: bytes = b"GET / HTTP/1.1\r\n\r\n", patience: float = 60.0) -> str:
        """Why there is no answer, "" where there is one."""
        before = len(self.ended)
        self.begin(request, patience)
        turned(self.loop, lambda: len(self.ended) > before)
        return self.ended[-1]

    def _take(self, status: int, data: bytes) -> None:
        assert status == 200
        self.body += data

    def _done(self, reader: ResponseReader | None, reason: str) -> None:
        self.readers.append(reader)
        self.ended.append(reason)


@pytest.fixture
def serve(clocked: Clocked) -> Generator[Callable[..., tuple[Client, Server]]]:
    made: list[tuple[Client, Server]] = []

    def begun(*scripts: Serve) -> tuple[Client, Server]:
        server = Server(*scripts)
        made.append((Client(clocked, server.address), server))
        return made[-1]

    yield begun
    for client, server in made:
        client.exchange.close()
        server.close()


Begun = Callable[..., tuple[Client, Server]]


def test_a_connection_is_used_again_while_the_server_keeps_it(serve: Begun) -> None:
    client, server = serve(answers_for_ever)
    assert [client.ask(), client.ask(), client.ask()] == ["", "", ""]
    assert (server.connections, client.body, client.exchange.is_connected) == (1, b"ok", True)
    assert client.exchange.wake_at() == NEVER, "an idle connection waits for nothing"
    assert not client.exchange.is_busy


def test_a_server_that_wants_to_close_gets_a_new_connection_for_the_next_request(serve: Begun) -> None:
    client, server = serve(answers(LAST))
    assert client.ask() == ""
    assert not client.exchange.is_connected
    assert client.ask() == ""
    assert server.connections == 2


def test_an_idle_connection_that_the_server_has_closed_is_opened_again_in_silence(serve: Begun) -> None:
    """It may have been too old just when it was used."""
    client, server = serve(answers(ANSWER), answers_for_ever)
    assert client.ask() == ""
    turned(client.loop, lambda: not client.exchange.is_connected)
    assert client.ask() == ""
    assert server.connections == 2


def test_a_kept_connection_that_is_closed_when_it_is_used_is_tried_once_more_and_only_once(serve: Begun) -> None:
    client, server = serve(answers(ANSWER, b""), answers_for_ever)
    assert [client.ask(), client.ask()] == ["", ""]
    assert (server.connections, client.exchange.was_hung_up_on) == (2, False)
    client, server = serve(answers(ANSWER, b""), hangs_up_when_asked)
    assert [client.ask(), client.ask()] == ["", NO_ANSWER]
    assert (server.connections, client.exchange.was_hung_up_on) == (2, True)


def test_a_fresh_connection_that_is_closed_without_a_word_is_told(serve: Begun) -> None:
    """Consul does so where one address has more connections than it allows."""
    client, server = serve(hangs_up_when_asked)
    assert client.ask() == NO_ANSWER
    assert (server.connections, client.exchange.was_hung_up_on, client.readers) == (1, True, [None])
    assert not client.exchange.is_connected


def test_an_answer_that_breaks_off_is_no_hanging_up(serve: Begun) -> None:
    client, _ = serve(answers(BEGUN))
    assert client.ask() == "closed before the end of the answer"
    assert not client.exchange.was_hung_up_on


def test_an_answer_that_breaks_off_over_a_kept_connection_is_told_too(serve: Begun) -> None:
    """It is no old connection that was closed before anybody used it."""
    client, server = serve(breaks_off_at_its_second_answer)
    assert [client.ask(), client.ask()] == ["", "connection reset by peer"]
    assert (server.connections, client.exchange.was_hung_up_on) == (1, False)


def test_an_answer_without_a_length_ends_with_its_connection(serve: Begun) -> None:
    client, server = serve(answers(b"HTTP/1.1 200 OK\r\n\r\nall of it"), answers_for_ever)
    assert (client.ask(), client.body) == ("", b"all of it")
    assert (client.ask(), server.connections) == ("", 2)


def test_bytes_that_nobody_asked_for_end_the_connection(serve: Begun) -> None:
    client, server = serve(goes_on_after_its_answer, answers_for_ever)
    assert client.ask() == ""
    turned(client.loop, lambda: not client.exchange.is_connected)
    assert (client.ask(), client.body, server.connections) == ("", b"ok", 2)


def test_what_is_no_http_is_told_and_the_connection_is_not_used_again(serve: Begun) -> None:
    client, server = serve(answers(b"SSH-2.0-OpenSSH\r\n\r\n"), answers_for_ever)
    assert client.ask() == "no HTTP answer: 'SSH-2.0-OpenSSH'"
    assert (client.ask(), server.connections) == ("", 2)


def test_a_request_larger_than_the_systems_buffers_arrives_whole(serve: Begun) -> None:
    took: list[int] = []

    def counts(client: socket.socket) -> None:
        took.append(len(asked(client)))
        client.sendall(ANSWER)

    client, _ = serve(counts)
    request = b"GET / HTTP/1.1\r\nx: " + b"x" * 8_000_000 + b"\r\n\r\n"
    assert client.ask(request) == ""
    assert took == [len(request)]


def test_an_answer_that_has_begun_may_not_stand_still(serve: Begun) -> None:
    """It takes room that others need; the wait for its beginning is bounded by the deadline alone."""
    client, _ = serve(begins, answers_for_ever)
    client.begin(patience=600.0)
    deadline = client.exchange.wake_at()
    turned(client.loop, lambda: client.body)
    assert client.exchange.wake_at() < deadline - 500.0
    client.loop.ahead += LONGEST_SILENCE - 1.0
    client.exchange.expire(client.loop.now())
    assert client.ended == [], "not yet"
    client.loop.ahead += 1.0
    turned(client.loop, lambda: client.ended)
    assert client.ended == [f"the answer stood still for {LONGEST_SILENCE:.0f} s"]
    client.loop.ahead += LONGEST_SILENCE
    assert client.ask() == "", "the next answer has its time"


def test_no_answer_in_time_is_told_and_the_connection_is_given_up(serve: Begun) -> None:
    client, server = serve(says_nothing, answers_for_ever)
    client.begin(patience=5.0)
    turned(client.loop, lambda: server.connections == 1 and client.exchange.is_connected)
    client.loop.ahead += 5.0
    turned(client.loop, lambda: client.ended)
    assert client.ended == [TOO_LATE]
    assert (client.ask(), server.connections) == ("", 2)


def test_an_exchange_that_is_closed_tells_nobody(serve: Begun) -> None:
    client, server = serve(says_nothing, answers_for_ever)
    client.begin()
    turned(client.loop, lambda: server.connections == 1 and client.exchange.is_connected)
    client.exchange.close()
    assert (client.exchange.is_busy, client.exchange.is_connected, client.exchange.wake_at()) == (False, False, NEVER)
    assert (client.ask(), client.ended) == ("", [""])


def test_a_server_that_is_not_there_is_told_at_once(clocked: Clocked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Client(clocked, Address(host="127.0.0.1", port=port))
    assert client.ask() == "connection refused"
    assert not client.exchange.was_hung_up_on
