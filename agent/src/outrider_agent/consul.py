"""Consul's HTTP API as far as the agent asks it: paths, one request's bytes, the token, and what an answer holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from outrider_agent.channel import Channel
from outrider_agent.documents import object_in, parsed
from outrider_agent.exchange import Exchange
from outrider_agent.instances import Foreign, Instance
from outrider_agent.json_array import ArrayReader, Found
from outrider_agent.loop import Loop
from outrider_agent.memory_budget import Body, MalformedError, MemoryBudget
from outrider_agent.previous_list import PreviousList, Reading
from outrider_agent.queries import Query
from outrider_agent.resolver import Resolver
from outrider_agent.rules import OK
from outrider_agent.settings import ConsulSettings, Upstream
from outrider_agent.token import Token, TokenLook

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
INFRASTRUCTURE = ("consul", "nomad", "nomad-client")  # registered by the servers themselves, at once after a loss
LONGEST_WORDS = 200


class Consul:
    """One Consul agent and how to speak to it: where, through which channel, with whose token."""

    def __init__(
        self, loop: Loop, settings: ConsulSettings, channel: Callable[[], Channel], budget: MemoryBudget
    ) -> None:
        self.address = settings.address
        self.resolver = Resolver(loop, settings.address)
        self._token = Token(settings)
        self.token_look = TokenLook(loop, self._token)
        self.budget = budget
        self._loop = loop
        self._namespace = settings.namespace
        self._channel = channel

    def exchange(self) -> Exchange:
        return Exchange(self._loop, self.resolver, self._channel)

    def request(self, path: str) -> bytes:
        """A GET; the query string ends up with the namespace, where one is set."""
        self.token_look.again()
        token = self._token.known
        lines = [
            f"GET {self._in_namespace(path)} HTTP/1.1",
            f"host: {'localhost' if self.address.path else self.address}",
            "user-agent: outrider-agent",
            *([f"x-consul-token: {token}"] if token else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")

    def _in_namespace(self, path: str) -> str:
        if not self._namespace:
            return path
        return f"{path}{'&' if '?' in path else '?'}ns={quoted(self._namespace)}"


def health_path(upstream: Upstream, query: Query) -> str:
    """Without ``passing``, so that warning and critical instances are seen; without ``cached`` (hashicorp/consul#8980)."""
    parameters = [f"index={query.index}", f"wait={round(query.wait * 1000)}ms"] if query.wait else []
    return _with(f"/v1/health/service/{quoted(upstream.name)}", upstream, parameters)


def catalog_path(upstream: Upstream) -> str:
    return _with("/v1/catalog/services", upstream, [])


def own_path(service_id: str, content: str) -> str:
    """One registration of the local agent; with the hash of what is known it blocks until that changes."""
    return f"/v1/agent/service/{quoted(service_id)}" + (f"?hash={quoted(content)}&wait=55s" if content else "")


def own_health_path(service: str, service_id: str) -> str:
    """The own registration as every caller's agent would see it: one entry, however many instances there are."""
    only = quoted(f'Service.ID == "{service_id}"')
    return f"/v1/health/service/{quoted(service)}?filter={only}"


def own_services_path() -> str:
    return "/v1/agent/services"


def _with(path: str, upstream: Upstream, parameters: list[str]) -> str:
    datacenter = [f"dc={quoted(upstream.datacenter)}"] if upstream.datacenter else []
    return "?".join([path, *(["&".join([*parameters, *datacenter])] if parameters or datacenter else [])])


def quoted(text: str) -> str:
    """Percent-encoded, so that no name can leave its place in a path."""
    return "".join(chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in text.encode())


class Names:
    """The keys of a document ``{name: …}``, to see whether Consul knows anybody else."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._body = Body(budget)

    def feed(self, status: int, data: bytes) -> None:
        if status == OK:
            self._body.feed(data)

    def release(self) -> None:
        """Give up what has arrived."""
        self._body.release()

    def include_other(self, *names: str) -> bool:
        """Whether there is one besides ``names``; what is no JSON names nobody."""
        try:
            return any(found not in names for found in object_in(parsed(self._body.text())))
        except ValueError:
            return False


class Sighting:
    """Whether one registration is among the entries of an answer."""

    def __init__(self, service_id: str) -> None:
        self._entries = ArrayReader()
        self._service_id = service_id
        self._is_there = False

    def feed(self, status: int, data: bytes) -> None:
        """Raise MalformedError for what is no list."""
        if status == OK:
            self._look(self._entries.feed(data))

    def is_made(self) -> bool:
        """All has arrived; what is no whole list shows nothing."""
        try:
            self._look(self._entries.finish())
        except MalformedError:
            return False
        return self._is_there

    def _look(self, found: Iterable[Found]) -> None:
        for _, entry in found:
            self._is_there |= object_in(object_in(entry).get("Service")).get("ID") == self._service_id


class Instances:
    """The instances of one answer; nothing of a list is read before all of it is there."""

    __slots__ = ("_reading", "_words", "foreign", "found", "skipped")

    def __init__(
        self, budget: MemoryBudget, previous: PreviousList, give_way: Callable[[], None] | None = None
    ) -> None:
        self.found: list[Instance] = []
        self.skipped: list[str] = []  # why Envoy could not take one
        self.foreign: list[Foreign] = []
        self._reading = Reading(budget, previous, give_way)
        self._words = b""

    def feed(self, status: int, data: bytes) -> None:
        if status == OK:
            self._reading.feed(data)
        else:
            self._words = (self._words + data)[:LONGEST_WORDS]

    def finish(self) -> None:
        """All has arrived; raise MalformedError unless it is a whole list."""
        self._reading.finish()
        for one in self._reading.found:
            if isinstance(one, Instance):
                self.found.append(one)
            elif isinstance(one, Foreign):
                self.foreign.append(one)
            else:
                self.skipped.append(one)

    def release(self) -> None:
        """Give up what has arrived."""
        self._reading.release()

    @property
    def words(self) -> str:
        """What Consul said instead of a list."""
        return " ".join(self._words.decode("utf-8", "replace").split())
