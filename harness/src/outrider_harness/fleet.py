"""Many agents on one machine, and one client that holds their polls as their Envoys would."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path

from outrider.clients.agent_archive import FILENAME, agent_archive
from outrider_harness.agents import Agent
from outrider_harness.waiting import eventually

AT_A_TIME = 8  # agents that start together: more would only take each other's processor
START = 120.0  # seconds that each such group may take on a busy machine
NODE = 77_000  # bytes of ``node`` in each poll of Envoy 1.40, which the agent is to pass over
VERSION = b'{"version_info":"'
TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
PIECE = 65536
REFRESH_DELAY = 0.03  # seconds: the mean of Envoy's pause after an answer, with the delay that Outrider sets
UPDATE = 200


def allow_descriptors(count: int) -> None:
    """Raise the process's own limit up to what the system allows; exit where that is too few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most not in (resource.RLIM_INFINITY, -1) and most < count:
        sys.exit(f"this takes {count} open files, and the limit here is {most} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def running_fleet(
    directory: Path, consul: str, upstreams: Sequence[str], say: Callable[[str], None]
) -> Generator[list[Agent]]:
    """One agent for each comma list in ``upstreams``; all of them listen."""
    archive = directory / FILENAME
    archive.write_bytes(agent_archive())
    agents: list[Agent] = []
    try:
        for start in range(0, len(upstreams), AT_A_TIME):
            group = [
                _started(directory / str(start + at), archive, consul, names)
                for at, names in enumerate(upstreams[start : start + AT_A_TIME])
            ]
            agents += group
            for agent in group:
                eventually(agent.listens, patience=START)
            if not start % (AT_A_TIME * 25):
                say(f"{len(agents)} of {len(upstreams)} agents run")
        yield agents
    finally:
        _end(agents)


def _started(directory: Path, archive: Path, consul: str, upstreams: str) -> Agent:
    directory.mkdir()
    os.link(archive, directory / FILENAME)
    return Agent(directory, consul, upstreams, {}, sys.executable)


def _end(agents: Iterable[Agent]) -> None:
    """Signal all before waiting for any."""
    for agent in agents:
        agent.process.kill()
    for agent in agents:
        agent.process.wait()


class Poll:
    """One upstream's poll at one agent: what an Envoy keeps asking over a connection of its own."""

    __slots__ = ("_socket", "_unread", "label", "version")

    def __init__(self, agent: Agent, label: str) -> None:
        self.label = label
        self.version = b""
        self._unread = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(agent.address.removeprefix("unix:"))

    def fileno(self) -> int:
        return self._socket.fileno()

    def ask(self) -> None:
        self._socket.sendall(request(self.label, self.version))

    def answer(self) -> int:
        """The status of an answer that is complete now; 0 where more is to come."""
        data = self._socket.recv(PIECE)
        if not data:
            raise ConnectionError(f"an agent hung up on {self.label}")
        self._unread += data
        head, end, body = self._unread.partition(b"\r\n\r\n")
        length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) if end else 0
        if not end or len(body) < length:
            return 0
        self._unread = b""
        status = int(head[9:12])
        if body.startswith(VERSION):
            self.version = body[len(VERSION) :].partition(b'"')[0]
        return status

    def close(self) -> None:
        self._socket.close()


def request(label: str, version: bytes) -> bytes:
    """A poll of Envoy's size and form."""
    known = b'"version_info":"%s",' % version if version else b""
    node = b'"node":{"id":"bench","cluster":"bench","extensions":"%s"}' % (b"x" * NODE)
    asked = f'"resource_names":["{label}"],"type_url":"{TYPE}"'.encode()
    body = b"{" + known + node + b"," + asked + b"}"
    lines = ["POST /v3/discovery:endpoints HTTP/1.1", "host: agent", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", "x-envoy-expected-rq-timeout-ms: 60000", "", ""]
    return "\r\n".join(lines).encode() + body


class Envoys:
    """All polls of all agents, held by one client; each is asked again a refresh delay after it was answered."""

    def __init__(self) -> None:
        self.polls: list[Poll] = []
        self._due: deque[tuple[float, Poll]] = deque()
        self._selector = selectors.DefaultSelector()

    def open(self, agent: Agent, labels: Iterable[str]) -> None:
        for label in labels:
            poll = Poll(agent, label)
            poll.ask()
            self.polls.append(poll)
            self._selector.register(poll, selectors.EVENT_READ, poll)

    def tend(self, seconds: float) -> int:
        """Keep every poll asked for so long; the number of updates that came."""
        until = time.monotonic() + seconds
        updates = 0
        while time.monotonic() < until:
            updates += len(self._updated(until))
        return updates

    def answered(self, label: str, patience: float) -> list[float]:
        """Clock readings (perf_counter) at which the polls for ``label`` were answered with an update."""
        left = {poll for poll in self.polls if poll.label == label}
        until = time.monotonic() + patience
        times: list[float] = []
        while left and time.monotonic() < until:
            found = left.intersection(self._updated(until))
            left -= found
            times += [time.perf_counter()] * len(found)
        return times

    def close(self) -> None:
        self._selector.close()
        for poll in self.polls:
            poll.close()

    def _updated(self, until: float) -> list[Poll]:
        """One turn: the polls that were answered with an update in it."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            self._due.popleft()[1].ask()
        wake = min(until, self._due[0][0]) if self._due else until
        found: list[Poll] = []
        for key, _ in self._selector.select(max(0.0, wake - now)):
            status = key.data.answer()
            if status:
                self._due.append((time.monotonic() + REFRESH_DELAY, key.data))
            if status == UPDATE:
                found.append(key.data)
        return found
