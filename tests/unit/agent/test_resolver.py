"""Names: looked up beside the loop, remembered for a while, every place tried in turn."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, suppress

import pytest
from outrider_agent.addresses import Address
from outrider_agent.exchange import Ask, Exchange
from outrider_agent.loop import Actor, Loop
from outrider_agent.readiness import connected
from outrider_agent.resolver import AGAIN, FRESH, Resolver, SocketAddress, literal, looked_up
from outrider_agent.responses import ResponseReader
from support.turning import Clocked, turned

NAME = Address(host="consul.example", port=8500)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Names:
    """A resolver of the test's own: it answers what it is told, when it is told to."""

    def __init__(self, *addresses: SocketAddress) -> None:
        self.addresses = list(addresses)
        self.asked = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def look_up(self, address: Address) -> list[SocketAddress]:
        assert address is NAME
        self.asked += 1
        self.goes_on.wait()
        if not self.addresses:
            raise OSError(-2, "Name or service not known")
        return list(self.addresses)


@pytest.fixture
def stack() -> Generator[ExitStack]:
    with ExitStack() as found:
        yield found


class Servers:
    """Sockets on loopback: one that answers, one that has gone, one that takes nobody any more."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.served: list[int] = []

    def _listening(self, host: str = "127.0.0.1", backlog: int = 16) -> tuple[socket.socket, SocketAddress]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = self._stack.enter_context(socket.create_server((host, 0), family=family, backlog=backlog))
        return server, SocketAddress(family, (host, server.getsockname()[1]))

    def answering(self, host: str = "127.0.0.1", answer: bytes = ANSWER) -> SocketAddress:
        server, socket_address = self._listening(host)
        port = server.getsockname()[1]
        threading.Thread(target=self._serve, args=(server, port, answer), daemon=True).start()
        return socket_address

    def _serve(self, server: socket.socket, port: int, answer: bytes) -> None:
        """Until the server is closed, which may be before this thread has begun."""
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                with client, suppress(OSError):
                    client.recv(4096)
                    self.served.append(port)
                    client.sendall(answer)

    def gone(self) -> SocketAddress:
        server, socket_address = self._listening()
        server.close()
        return socket_address

    def deaf(self) -> SocketAddress:
        """Its queue is full, so that a further connection is never made: what a blackholed address looks like."""
        server, socket_address = self._listening(backlog=0)
        for _ in range(8):
            client = self._stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        return socket_address


@pytest.fixture
def servers(stack: ExitStack) -> Servers:
    return Servers(stack)


class Client:
    """Exchanges to one name, as the links of an agent have them."""

    def __init__(self, loop: Loop, names: Names) -> None:
        self.loop = loop
        self.resolver = Resolver(loop, NAME, names.look_up)

    def asked(self, patience: float = 5.0) -> str:
        """The reason of the failure, "" for an answer, over a connection of its own."""
        ended = self.begun(patience)
        turned(self.loop, lambda: ended)
        return ended[0]

    def begun(self, patience: float = 5.0) -> list[str]:
        exchange, ended = Exchange(self.loop, self.resolver), list[str]()

        def done(_reader: ResponseReader | None, reason: str) -> None:
            ended.append(reason)
            exchange.close()
            self.loop.actors.remove(clock)

        clock = Expiring(exchange)
        self.loop.actors.append(clock)
        exchange.ask(Ask(b"GET / HTTP/1.0\r\n\r\n", lambda _status, _data: None, self.loop.now() + patience, done))
        return ended


class Expiring(Actor):
    """What a link does for its exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def wake_at(self, now: float) -> float:
        return self._exchange.wake_at()

    def wake(self, now: float) -> None:
        self._exchange.expire(now)


def test_all_addresses_of_consuls_name_are_tried_in_turn_and_the_one_that_worked_first_from_then_on(
    loop: Loop, servers: Servers
) -> None:
    gone, works = servers.gone(), servers.answering()
    client = Client(loop, Names(gone, works))
    assert client.asked() == ""
    assert client.resolver.known == [works, gone]


def test_an_address_that_answers_nobody_does_not_take_the_whole_deadline(loop: Loop, servers: Servers) -> None:
    client = Client(loop, Names(servers.deaf(), servers.deaf(), servers.answering()))
    assert client.asked(patience=4.0) == ""
    assert client.asked(patience=0.8) == "", "they are tried last"


def test_each_address_is_named_with_its_reason(loop: Loop, servers: Servers) -> None:
    one, other = servers.gone(), servers.gone()
    client = Client(loop, Names(one, other))
    assert client.asked() == f"{one} connection refused, {other} connection refused"
    assert Client(loop, Names(one)).asked() == "connection refused"
    assert Client(loop, Names(servers.deaf())).asked(0.3) == "no connection in time"


def test_a_family_that_this_machine_does_not_have_is_passed_over(loop: Loop, servers: Servers) -> None:
    """As where IPv6 is switched off."""
    nowhere = SocketAddress(socket.AF_INET6, ("2001:db8::1", 8500, 0, 0))
    odd = SocketAddress(9999, ("::1", 8500))
    assert Client(loop, Names(odd, nowhere, servers.answering())).asked() == ""


def test_an_address_that_answers_one_link_comes_first_for_all(loop: Loop) -> None:
    one, other = SocketAddress(socket.AF_INET, ("10.0.0.1", 1)), SocketAddress(socket.AF_INET, ("10.0.0.2", 1))
    client = Client(loop, Names(one, other))
    client.resolver.ask(lambda: None)
    turned(loop, lambda: client.resolver.known)
    client.resolver.worked(other)
    assert client.resolver.known == [other, one]
    client.resolver.failed(other)
    assert client.resolver.known == [one, other]


def test_the_gate_tries_every_address_too(servers: Servers) -> None:
    works = servers.answering()
    found = connected([servers.gone(), works])
    assert found.getpeername() == works.target
    found.close()
    with pytest.raises(ConnectionRefusedError):
        connected([servers.gone(), servers.gone()])


def test_a_server_that_hangs_up_is_tried_last(loop: Loop, servers: Servers) -> None:
    broken, works = servers.answering(answer=b""), servers.answering()
    client = Client(loop, Names(broken, works))
    assert client.asked() == "closed without an answer"
    assert client.asked() == ""


def test_a_resolver_that_hangs_blocks_nothing_and_is_named(loop: Loop, servers: Servers) -> None:
    names = Names(servers.answering())
    names.goes_on.clear()
    client = Client(loop, names)
    assert client.asked(patience=0.2) == "consul.example is still being looked up"
    assert client.asked(patience=0.2) == "consul.example is still being looked up"
    assert names.asked == 1, "one look-up for all who ask"
    names.goes_on.set()
    assert client.asked() == ""


def test_a_name_that_leads_nowhere_is_said(loop: Loop) -> None:
    reason = Client(loop, Names()).asked()
    assert reason == "cannot look up consul.example: name or service not known"


def test_a_name_that_moves_is_followed_when_its_old_place_fails(clocked: Clocked, servers: Servers) -> None:
    old, new = servers.gone(), servers.answering()
    names = Names(old)
    client = Client(clocked, names)
    assert client.asked() == "connection refused"
    names.addresses = [new]
    clocked.ahead += AGAIN
    assert client.asked() == "", "within one question: the look-up begins when the old place fails"
    assert names.asked == 2


def test_a_name_is_looked_up_again_after_a_while(clocked: Clocked, servers: Servers) -> None:
    old, new = servers.answering(), servers.answering()
    names = Names(old)
    client = Client(clocked, names)
    assert [client.asked(), client.asked()] == ["", ""]
    assert names.asked == 1
    names.addresses = [new]
    clocked.ahead += FRESH
    assert client.asked() == ""
    turned(clocked, lambda: client.resolver.known == [new])
    assert client.asked() == ""
    assert servers.served[-1] == new.target[1]


def test_a_resolver_that_fails_later_takes_nothing_away(clocked: Clocked, servers: Servers) -> None:
    names = Names(servers.answering())
    client = Client(clocked, names)
    assert client.asked() == ""
    names.addresses = []
    clocked.ahead += FRESH
    assert client.asked() == ""
    turned(clocked, lambda: client.resolver.reason)
    assert client.asked() == ""


def test_a_known_place_that_fails_does_not_wait_long_for_a_resolver_that_hangs(
    clocked: Clocked, servers: Servers
) -> None:
    names = Names(servers.gone())
    client = Client(clocked, names)
    assert client.asked() == "connection refused"
    names.goes_on.clear()
    clocked.ahead += AGAIN
    begun = clocked.now()
    assert client.asked(patience=60.0) == "connection refused"
    assert clocked.now() - begun < 30.0
    names.goes_on.set()


def test_an_exchange_that_is_closed_meanwhile_hears_nothing(loop: Loop, servers: Servers) -> None:
    names = Names(servers.answering())
    names.goes_on.clear()
    resolver = Resolver(loop, NAME, names.look_up)
    exchange = Exchange(loop, resolver)

    def fail(_reader: ResponseReader | None, _reason: str) -> None:
        pytest.fail("it was closed")

    exchange.ask(Ask(b"GET / HTTP/1.0\r\n\r\n", lambda _status, _data: None, loop.now() + 5, fail))
    exchange.close()
    names.goes_on.set()
    turned(loop, lambda: resolver.known)
    assert servers.served == []


@pytest.mark.parametrize(
    ("address", "family", "target"),
    [
        (Address(host="::1", port=8500), socket.AF_INET6, ("::1", 8500)),
        (Address(host="127.0.0.1", port=1), socket.AF_INET, ("127.0.0.1", 1)),
        (Address(path="/run/consul.sock"), socket.AF_UNIX, "/run/consul.sock"),
    ],
)
def test_a_literal_is_no_name(address: Address, family: int, target: object) -> None:
    (socket_address,) = literal(address)
    assert (socket_address.family, socket_address.target) == (family, target)
    assert looked_up(address) == [socket_address]


def test_every_place_of_a_name_is_listed_once() -> None:
    found = looked_up(Address(host="localhost", port=80))
    assert SocketAddress(socket.AF_INET, ("127.0.0.1", 80)) in found
    assert len(found) == len(set(found))
    with pytest.raises(OSError, match="known"):
        looked_up(Address(host="nobody.invalid", port=80))


def test_an_ipv6_place_is_written_with_brackets() -> None:
    assert str(SocketAddress(socket.AF_INET6, ("::1", 80, 0, 0))) == "[::1]:80"
    assert str(SocketAddress(socket.AF_UNIX, "/a")) == "unix:/a"
