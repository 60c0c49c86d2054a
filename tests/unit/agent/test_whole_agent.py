"""The agent put together, in this process: a scripted Consul and a scripted Envoy at its sockets, no clock of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, cast

import psutil
import pytest
from outrider_agent import settings as names
from outrider_agent import states
from outrider_agent.agent import Agent, jitter
from outrider_agent.channel import Channel
from outrider_agent.clocks import TokenClock
from outrider_agent.connection_slots import ConnectionSlots
from outrider_agent.consul import Consul
from outrider_agent.exchange import Exchange
from outrider_agent.link import Link, LinkContext
from outrider_agent.loop import NEVER, READ, Loop
from outrider_agent.memory_budget import budget_of
from outrider_agent.rights import Rights
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream, settings
from outrider_agent.watch import Watch
from outrider_harness.asking import connection, fetched
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul, entry, says
from outrider_harness.waiting import eventually

WEB = entry("10.0.0.1", 80)
DISCOVERY = "/v3/discovery:endpoints"


def plain(_loop: Loop) -> type[Channel]:
    """Connections without TLS."""
    return Channel


class Whole:
    """An agent whose loop runs in a thread; ``said`` is its log."""

    def __init__(self, directory: Path, consul: str, upstreams: str, **more: str) -> None:
        self.directory = directory
        self.address = f"unix:{directory}/agent.sock"
        self.said: list[str] = []
        variables = {
            names.LISTEN: self.address,
            names.UPSTREAMS: upstreams,
            names.SNAPSHOT: f"{directory}/snapshot.json",
            names.CONSUL_ADDRESS: consul,
            **more,
        }
        self.agent = Agent(settings(variables), Limits(), plain, self.said.append)
        self._thread = threading.Thread(target=self.agent.loop.run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """As serve does after a signal: the next turn is the last one. What a process's end would close is closed here."""
        self.agent.loop.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bell:
            bell.connect(self.address.removeprefix("unix:"))
        self._thread.join(10)
        assert not self._thread.is_alive()
        for one in [getattr(actor, name) for actor in self.agent.loop.actors for name in dir(actor)]:
            if isinstance(one, Exchange):
                one.close()
        self.agent.close()

    def upstream(self, label: str = "web") -> dict[str, Any]:
        return json.loads(fetched(self.address, "/endpoints")[1])["upstreams"][label]

    def samples(self) -> dict[str, float]:
        lines = fetched(self.address, "/metrics")[1].decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


@contextlib.contextmanager
def running(directory: Path, fake: FakeConsul, upstreams: str = "web", **more: str) -> Generator[Whole]:
    whole = Whole(directory, fake.address, upstreams, **more)
    try:
        yield whole
    finally:
        whole.end()


def question(label: str = "web", version: str = "") -> bytes:
    document = {**({"version_info": version} if version else {}), "node": {"id": "n"}, "resource_names": [label]}
    return json.dumps(document, separators=(",", ":")).encode()


def poll(whole: Whole, body: bytes) -> tuple[int, bytes]:
    return fetched(whole.address, DISCOVERY, "POST", body)


def test_what_consul_lists_is_what_envoy_is_answered(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running(directory, fake) as whole:
        eventually(lambda: whole.upstream()["state"] == "current")
        status, body = poll(whole, question())
        assert status == 200
        assert json.loads(body)["resources"][0]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
        assert whole.said == ["web: current"]


def test_a_held_poll_is_answered_by_the_change(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running(directory, fake) as whole:
        eventually(lambda: whole.upstream()["state"] == "current")
        version = json.loads(poll(whole, question())[1])["version_info"]
        held = connection(whole.address)
        held.request("POST", DISCOVERY, question(version=version))
        eventually(lambda: whole.samples()["outrider_agent_polls_held"] == 1)
        fake.put("web", WEB, entry("10.0.0.2", 80))
        answer = held.getresponse()
        assert (answer.status, b"10.0.0.2" in answer.read()) == (200, True)
        held.close()


def test_a_connection_is_kept_for_the_next_request(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running(directory, fake) as whole:
        kept = connection(whole.address)
        for _ in range(3):
            kept.request("GET", "/metrics")
            answer = kept.getresponse()
            assert answer.read()
            assert answer.getheader("connection") is None
            assert kept.sock is not None
        kept.close()


def test_each_place_answers_with_its_status(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running(directory, fake) as whole:
        eventually(lambda: whole.upstream()["state"] == "current")
        for path, status in (("/health", 200), ("/endpoints", 200), ("/metrics", 200), ("/nowhere", 404)):
            assert fetched(whole.address, path)[0] == status
        assert poll(whole, b"{}")[0] == 400


def test_health_is_unavailable_while_nothing_is_known(directory: Path) -> None:
    with FakeConsul().running() as silent:
        silent.always(says(500, "No cluster leader"))
        with running(directory, silent) as whole:
            eventually(lambda: whole.upstream()["state"] == "failing")
            assert fetched(whole.address, "/health")[0] == 503


def test_the_process_tells_of_itself(directory: Path, fake: FakeConsul) -> None:
    with running(directory, fake, "web,api") as whole:
        samples = whole.samples()
        assert samples["outrider_agent_cpu_seconds"] > 0
        assert samples["outrider_agent_connections"] == 1
        assert samples["outrider_agent_connections_refused"] == 0
        assert samples["outrider_agent_connection_limit"] == 2
        assert samples["outrider_agent_snapshot_failures"] == 0


def test_a_snapshot_of_a_predecessor_is_served_at_once(directory: Path, fake: FakeConsul) -> None:
    fake.put("web", WEB)
    with running(directory, fake) as whole:
        eventually(lambda: whole.upstream()["state"] == "current")
    fake.always(says(500, "No cluster leader"))
    with running(directory, fake) as whole:
        assert poll(whole, question())[0] == 200
        eventually(lambda: whole.upstream()["state"] == "failing")
        assert whole.upstream()["endpoints"][0]["address"] == "10.0.0.1"


def connections_to(port: int) -> int:
    """That are open to a port on loopback, as the system counts them."""
    open_ones = [one for one in psutil.net_connections("tcp4") if one.status == psutil.CONN_ESTABLISHED]
    return sum(1 for one in open_ones if one.raddr == ("127.0.0.1", port))


def names_of(whole: Whole, labels: str) -> dict[str, tuple[str, int]]:
    """State and number of endpoints of each."""
    found = {label: whole.upstream(label) for label in labels}
    return {label: (one["state"], len(one["endpoints"] or ())) for label, one in found.items()}


def test_upstreams_share_the_connections_that_they_are_allowed(directory: Path, fake: FakeConsul) -> None:
    """They take turns, and each change of any of them is seen."""
    for label in "abcde":
        fake.put(label, WEB)
    with running(directory, fake, "a,b,c,d,e", **{names.CONNECTIONS: "2"}) as whole:
        eventually(lambda: set(names_of(whole, "abcde").values()) == {("current", 1)})
        for number, label in enumerate("eca"):
            fake.put(label, WEB, entry("10.0.0.2", number + 1))
            eventually(lambda label=label: names_of(whole, label) == {label: ("current", 2)})
            assert connections_to(fake.port) <= 2
        assert whole.samples()["outrider_agent_connection_limit"] == 2


def test_where_consul_refuses_one_of_several_connections_all_take_turns_on_fewer(
    directory: Path, fake: FakeConsul
) -> None:
    for label in "abc":
        fake.put(label, WEB)
    with running(directory, fake, "a,b,c") as whole:
        eventually(lambda: set(names_of(whole, "abc").values()) == {("current", 1)})
        said = "Consul refuses more connections: 3 upstreams take turns on 1"

        def refuse() -> bool:
            fake.once(says(429, "Too many"))
            fake.put("a", WEB)
            return said in whole.said

        eventually(refuse, pause=0.3)
        fake.put("b", WEB, entry("10.0.0.2", 80))
        eventually(lambda: names_of(whole, "b") == {"b": ("current", 2)})
        eventually(lambda: connections_to(fake.port) <= 1)
        assert whole.said.count(said) == 1


def test_when_consul_answers_one_link_again_the_others_need_not_wait() -> None:
    loop = Loop()
    found = settings({names.LISTEN: "unix:agent.sock", names.UPSTREAMS: "web,api"})
    rights = Rights("", found.consul.credentials)
    consul = Consul(loop, found.consul, Channel, budget_of(24))
    shared = LinkContext(loop, consul, ConnectionSlots(2, found.connections), lambda _line: None)
    watches = [Watch(one, Limits(), lambda: 1.0, lambda _watch: None, rights) for one in found.upstreams]
    for one in watches:
        Link(shared, one)
        for _ in range(8):
            one.query(loop.now(), NEVER)
            one.failed("connection refused", loop.now())
    assert min(one.due(0.0) for one in watches) > loop.now() + 20.0
    shared.recovered()
    assert max(one.due(0.0) for one in watches) < loop.now() + 1.0
    loop.close()


class Admin(BaseHTTPRequestHandler):
    """Notes what it is told, and answers with the next of its statuses, the last one for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(404)

    def do_POST(self) -> None:
        server = cast("AdminServer", self.server)
        server.told.append(self.path)
        self._answer(server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0])

    def _answer(self, status: int) -> None:
        self.wfile.write(b"HTTP/1.1 %d x\r\ncontent-length: 2\r\n\r\nOK" % status)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


class AdminServer(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, statuses: list[int]) -> None:
        self.told: list[str] = []
        self.statuses = statuses
        super().__init__(str(path), Admin)

    def get_request(self) -> Any:
        """BaseHTTPRequestHandler wants a client's address that can be told."""
        request, _ = super().get_request()
        return request, ("unix", 0)


@contextlib.contextmanager
def envoy(directory: Path, *statuses: int) -> Generator[AdminServer]:
    server = AdminServer(directory / "admin.sock", list(statuses))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_envoy_is_told_once_of_the_own_instance_and_again_where_it_did_not_take_it(
    directory: Path, fake: FakeConsul
) -> None:
    fake.always(says(200, {"ID": "me"}, x_consul_contenthash="abc"), "/v1/agent/service/me")
    own = {names.SERVICE_ID: "me", names.ENVOY_ADMIN: f"unix:{directory}/admin.sock"}
    with envoy(directory, 503, 200) as admin, running(directory, fake, "", **own) as whole:
        eventually(lambda: "own instance me: told Envoy /healthcheck/ok" in whole.said)
        assert admin.told == ["/healthcheck/ok", "/healthcheck/ok"]
        assert [line for line in whole.said if "did not take" in line] == [
            "own instance me: Envoy did not take /healthcheck/ok"
        ]


@dataclass(frozen=True)
class Watched:
    """A clock that looks at a token's file for these watches."""

    clock: TokenClock
    watches: list[Watch]
    token: Path

    def wake(self) -> list[float]:
        """Wake it at 2.0; when each watch asks next."""
        self.clock.wake(2.0)
        return [one.due(2.0) for one in self.watches]


def watched(loop: Loop, tmp_path: Path, *, denied: list[bool]) -> Watched:
    token = tmp_path / "token"
    token.write_text("old")
    variables = {names.LISTEN: "unix:agent.sock", names.UPSTREAMS: "web,api", names.CONSUL_TOKEN_FILE: str(token)}
    found = settings(variables)
    consul = Consul(loop, found.consul, Channel, budget_of(24))
    rights = Rights("", found.consul.credentials)
    watches = [
        Watch(Upstream(str(at)), Limits(), lambda: 0.5, lambda _watch: None, rights) for at in range(len(denied))
    ]
    for one, is_denied in zip(watches, denied, strict=True):
        one.query(0.0, NEVER)
        if is_denied:
            one.refused(403, "Permission denied", 0.0)
    return Watched(TokenClock(consul, watches, rights), watches, token)


def test_the_token_is_looked_at_while_any_upstream_is_denied(loop: Loop, tmp_path: Path) -> None:
    assert watched(loop, tmp_path, denied=[True, False]).clock.wake_at(0.0) == 0.0
    assert watched(loop, tmp_path, denied=[False, False]).clock.wake_at(0.0) == NEVER


def test_a_new_token_is_used_as_soon_as_it_is_seen(loop: Loop, tmp_path: Path) -> None:
    found = watched(loop, tmp_path, denied=[True, True])
    assert found.watches[0].state == states.DENIED
    assert min(found.wake()) > 10.0, "the same token is not tried again at once"
    found.token.write_text("new, and longer")
    eventually(lambda: max(found.wake()) <= 2.5)
    assert found.clock.wake_at(2.0) == 3.0


def test_jitter_is_a_share() -> None:
    drawn = [jitter() for _ in range(200)]
    assert 0.0 <= min(drawn) < max(drawn) < 1.0


def descriptors() -> int:
    return psutil.Process().num_fds()


def in_a_process(work: Callable[[], int]) -> int:
    """What a forked process makes of it; it is ended where it does not end by itself."""
    pid = os.fork()
    if not pid:
        signal.alarm(20)
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_loop_and_everything_is_closed(tmp_path: Path, number: signal.Signals) -> None:
    def work() -> int:
        with short_directory() as directory:
            found = settings({names.UPSTREAMS: "web", names.LISTEN: f"unix:{directory}/agent.sock"})
            agent = Agent(found, Limits(), plain, lambda _line: None)
            threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
            before = descriptors()
            agent.serve()
            return int((directory / "agent.sock").exists() or descriptors() >= before)

    assert in_a_process(work) == 0


def test_a_loop_that_is_closed_leaves_no_descriptor_behind() -> None:
    before = descriptors()
    loop = Loop()
    one, other = socket.socketpair()
    loop.attend(one, READ, lambda _mask: None)
    loop.close()
    one.close()
    other.close()
    assert descriptors() == before
