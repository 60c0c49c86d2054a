"""Consul's HTTP API as far as the agent asks it: paths, one request's bytes, the token, and what an answer holds."""

from __future__ import annotations

import os
from collections.abc import Callable

from outrider_agent.channel import Channel
from outrider_agent.documents import object_in, parsed
from outrider_agent.exchange import Exchange
from outrider_agent.familiar import Familiar, Reading
from outrider_agent.instances import Instance
from outrider_agent.loop import Loop
from outrider_agent.room import Body, Room
from outrider_agent.rules import OK
from outrider_agent.settings import ConsulSettings, Upstream
from outrider_agent.watch import Query

PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
INFRASTRUCTURE = ("consul", "nomad", "nomad-client")  # registered by the servers themselves, at once after a loss
LONGEST_WORDS = 200


class Token:
    """The ACL token; a file that is replaced is read again without a restart."""

    def __init__(self, settings: ConsulSettings) -> None:
        self._path = settings.token_file
        self._fixed = settings.token
        self._stamp: object = None
        self._read = ""

    def value(self) -> str:
        self.has_changed()
        return self._read or self._fixed

    def has_changed(self) -> bool:
        """Look at the file; true when it holds another token than before. An unreadable one changes nothing."""
        if not self._path:
            return False
        before = self._read
        try:
            found = os.stat(self._path)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._read = _first_line(self._path)
                self._stamp = stamp
        except OSError:
            return False
        return self._read != before


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(4096).strip().partition("\n")[0]


class Consul:
    """One Consul agent and how to speak to it: where, through which channel, with whose token."""

    def __init__(self, loop: Loop, settings: ConsulSettings, channel: Callable[[], Channel], room: Room) -> None:
        self.token = Token(settings)
        self.address = settings.address
        self.room = room
        self._loop = loop
        self._namespace = settings.namespace
        self._channel = channel

    def exchange(self) -> Exchange:
        return Exchange(self._loop, self.address, self._channel)

    def request(self, path: str) -> bytes:
        """A GET; the query string ends up with the namespace, where one is set."""
        token = self.token.value()
        lines = [
            f"GET {self._in_namespace(path)} HTTP/1.1",
            f"host: {self.address.host or 'localhost'}",
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

    def __init__(self, room: Room) -> None:
        self._body = Body(room)

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


class Instances:
    """The instances of one answer; nothing of a list is read before all of it is there."""

    def __init__(self, room: Room, familiar: Familiar, give_way: Callable[[], None] | None = None) -> None:
        self.found: list[Instance] = []
        self.skipped: list[str] = []
        self._reading = Reading(room, familiar, give_way)
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
            else:
                self.skipped.append(one)

    def release(self) -> None:
        """Give up what has arrived."""
        self._reading.release()

    @property
    def words(self) -> str:
        """What Consul said instead of a list."""
        return " ".join(self._words.decode("utf-8", "replace").split())
