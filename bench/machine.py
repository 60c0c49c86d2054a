"""The processes that benches and tests start: agents, Envoys and real Consuls, each ended with its block."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from outrider_agent import settings

from outrider.clients.agent_archive import FILENAME, agent_archive

T = TypeVar("T")

CACHED_CONSUL = Path(__file__).resolve().parents[1] / ".cache" / "consul" / "root" / "usr" / "bin" / "consul"
PATIENCE = 20.0  # seconds to wait for what must happen


def eventually(ask: Callable[[], T], patience: float = PATIENCE, pause: float = 0.02) -> T:
    """The first true answer; raise TimeoutError with the last one."""
    deadline = time.monotonic() + patience
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {answer!r} after {patience} s")
        time.sleep(pause)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connection(address: str, timeout: float = 10.0) -> http.client.HTTPConnection:
    """To ``unix:path`` or ``host:port``."""
    if address.startswith("unix:"):
        return UnixConnection(address.removeprefix("unix:"), timeout)
    return http.client.HTTPConnection(address, timeout=timeout)


def fetched(address: str, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body; status 0 where nobody answers."""
    server = connection(address)
    try:
        server.request(method, path, body=body)
        answer = server.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as problem:
        return 0, str(problem).encode()
    finally:
        server.close()


class Program:
    """A running process; its output is in ``log``."""

    def __init__(self, arguments: list[str], log: Path, environment: Mapping[str, str], directory: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                arguments, stdout=output, stderr=output, env=dict(environment), cwd=directory, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, *, at_once: bool = False) -> int:
        """Ask it to end (or kill it ``at_once``) and return its code."""
        if self.process.poll() is None:
            (self.process.kill if at_once else self.process.terminate)()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Agent(Program):
    """The zipapp as a node runs it; ``address`` is its unix socket."""

    def __init__(self, directory: Path, consul: str, upstreams: str, more: Mapping[str, str], python: str) -> None:
        archive = directory / FILENAME
        if not archive.exists():
            archive.write_bytes(agent_archive())
        self.address = f"unix:{directory}/agent.sock"
        self.variables = {**variables(directory, consul, upstreams), **more}
        super().__init__([python, *self.program(archive)], directory / "agent.log", self.variables, directory)

    def program(self, archive: Path) -> list[str]:
        """What the interpreter runs."""
        return ["-I", "-S", str(archive)]

    def document(self, path: str = "/endpoints") -> dict[str, Any]:
        status, body = fetched(self.address, path)
        return json.loads(body) if status else {}

    def upstream(self, label: str) -> dict[str, Any]:
        return self.document().get("upstreams", {}).get(label, {})

    def listens(self) -> bool:
        assert self.process.poll() is None, self.output()
        return fetched(self.address, "/health")[0] != 0

    def metric(self, line_start: str) -> float:
        """The value of the sample that starts so, labels included."""
        page = fetched(self.address, "/metrics")[1].decode()
        return float(next(line.rpartition(" ")[2] for line in page.splitlines() if line.startswith(line_start)))


def variables(directory: Path, consul: str, upstreams: str) -> dict[str, str]:
    """The settings of an agent whose files all lie in one directory."""
    return {
        settings.LISTEN: f"unix:{directory}/agent.sock",
        settings.UPSTREAMS: upstreams,
        settings.SNAPSHOT: f"{directory}/snapshot.json",
        settings.ENVOY_ADMIN: f"unix:{directory}/admin.sock",
        settings.CONSUL_ADDRESS: consul,
    }


@contextlib.contextmanager
def running_agent(
    directory: Path, consul: str, upstreams: str, more: Mapping[str, str] | None = None, python: str = sys.executable
) -> Generator[Agent]:
    """An agent that listens already."""
    with listening(Agent(directory, consul, upstreams, more or {}, python)) as agent:
        yield agent


@contextlib.contextmanager
def listening(agent: Agent) -> Generator[Agent]:
    """The agent as soon as it listens; it ends with the block."""
    try:
        eventually(agent.listens)
        yield agent
    finally:
        agent.end(at_once=True)


@contextlib.contextmanager
def short_directory() -> Generator[Path]:
    """A new directory whose path is short enough for unix sockets (107 bytes)."""
    path = Path(tempfile.mkdtemp(prefix="or", dir="/tmp"))  # unlike TMPDIR, always short
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def consul_binary() -> str | None:
    """The real Consul to measure against: CONSUL_BIN, PATH, or what .ci/consul fetched; None where there is none."""
    named = os.environ.get("CONSUL_BIN") or shutil.which("consul")
    return named or (str(CACHED_CONSUL) if CACHED_CONSUL.exists() else None)


DEVELOPMENT = ("-dev",)  # nothing on disk, and answers indented for people


def alone(directory: Path) -> tuple[str, ...]:
    """A server as in production, with a data directory, and the only one of its cluster."""
    return ("-server", "-bootstrap-expect", "1", "-data-dir", str(directory / "consul"))


class Consul(Program):
    """A real Consul; ``address`` is its HTTP API."""

    def __init__(self, binary: str, directory: Path, port: int, hcl: str, mode: tuple[str, ...]) -> None:
        any_port, *others = free_ports(4)
        self.address = f"127.0.0.1:{port or any_port}"
        names = ("-server-port", "-serf-lan-port", "-serf-wan-port")
        ports = [text for name, one in zip(names, others, strict=True) for text in (name, str(one))]
        quiet = [*("-dns-port", "-1", "-grpc-port", "-1", "-log-level", "warn"), "-hcl", "disable_update_check = true"]
        agent = ["agent", *mode, "-bind", "127.0.0.1", "-client", "127.0.0.1", "-node", "bench"]
        arguments = [binary, *agent, "-http-port", str(port or any_port), *ports, *quiet, "-hcl", hcl]
        super().__init__(arguments, directory / "consul.log", {"PATH": "/usr/bin:/bin"}, directory)

    def leads(self) -> bool:
        has_leader = b":" in fetched(self.address, "/v1/status/leader")[1]
        return has_leader and fetched(self.address, "/v1/catalog/nodes")[0] == 200


@contextlib.contextmanager
def consul_process(
    binary: str, directory: Path, port: int = 0, hcl: str = "{}", mode: tuple[str, ...] = DEVELOPMENT
) -> Generator[Consul]:
    """A real Consul on this or any port, with more of its configuration, as soon as it has a leader."""
    consul = Consul(binary, directory, port, hcl, mode)
    try:
        eventually(consul.leads)
        yield consul
    finally:
        consul.end(at_once=True)


@contextlib.contextmanager
def running_consul(
    binary: str, directory: Path, port: int = 0, hcl: str = "{}", mode: tuple[str, ...] = DEVELOPMENT
) -> Generator[str]:
    """The HTTP address of such a Consul."""
    with consul_process(binary, directory, port, hcl, mode) as consul:
        yield consul.address


def register(consul: str, name: str, port: int, **more: Any) -> None:
    """An instance of ``name`` on loopback; further keywords are fields of the registration."""
    body = {"ID": f"{name}-{port}", "Name": name, "Address": "127.0.0.1", "Port": port, **more}
    status, words = fetched(consul, "/v1/agent/service/register", "PUT", json.dumps(body).encode())
    assert status == 200, words


def deregister(consul: str, name: str, port: int) -> None:
    status, words = fetched(consul, f"/v1/agent/service/deregister/{name}-{port}", "PUT")
    assert status == 200, words
