"""A real Nomad beside a real Consul: server and client in one on free ports, ended with the block."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.waiting import eventually

VOLUME = "harness-data"
"""The host volume that the node has."""
_START_S, _END_S, _PAUSE_S = 90.0, 20.0, 0.2


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses ``http://host:port``."""

    nomad: str
    consul: str
    token: str = ""

    def get(self, path: str) -> Any:
        """The answer to a GET, with the first token where there is one."""
        return httpx2.get(f"{self.nomad}{path}", headers=self.headers).json()

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Nomad-Token": self.token} if self.token else {}


@contextlib.contextmanager
def nomad_server(
    nomad: str, consul: str, directory: Path, *, with_acls: bool = False, first_port: int = 27_000
) -> Generator[Servers]:
    """Yields the addresses once the node is ready and has seen Consul; at the end no process of it is left.

    With ACLs, whose ``token`` may do everything. It books ports from a thousand on: two servers need ranges of their own.
    """
    ports: dict[str, int] = dict(
        zip(("http", "rpc", "serf", "chttp", "cserver", "clan", "cwan"), free_ports(7), strict=True)
    )
    (directory / VOLUME).mkdir(exist_ok=True)
    configuration = directory / "nomad.hcl"
    configuration.write_text(
        _configuration(ports, directory, first_port) + ("acl { enabled = true }" if with_acls else "")
    )
    with (
        _running(_consul_command(consul, ports), directory / "consul.log"),
        _running([nomad, "agent", "-config", str(configuration)], directory / "nomad.log"),
    ):
        servers = Servers(f"http://127.0.0.1:{ports['http']}", f"http://127.0.0.1:{ports['chttp']}")
        try:
            if with_acls:
                servers = replace(servers, token=_first_token(servers))
            eventually(lambda: _is_ready(servers), _START_S, _PAUSE_S)
            yield servers
        finally:
            _stop_jobs(servers)
    _kill_leftovers(directory)


def _consul_command(consul: str, ports: dict[str, int]) -> list[str]:
    names = (("http", "chttp"), ("server", "cserver"), ("serf-lan", "clan"), ("serf-wan", "cwan"))
    fixed = [consul, "agent", "-dev", "-bind", "127.0.0.1", "-node", "node-1", "-grpc-port", "-1", "-dns-port", "-1"]
    return [*fixed, *(item for name, port in names for item in (f"-{name}-port", str(ports[port])))]


def _configuration(ports: dict[str, int], directory: Path, first_port: int) -> str:
    return f"""
data_dir = "{directory}/nomad"
bind_addr = "127.0.0.1"
disable_update_check = true
advertise {{
  http = "127.0.0.1"
  rpc = "127.0.0.1"
  serf = "127.0.0.1"
}}
ports {{
  http = {ports["http"]}
  rpc = {ports["rpc"]}
  serf = {ports["serf"]}
}}
server {{
  enabled = true
  bootstrap_expect = 1
}}
client {{
  enabled = true
  servers = ["127.0.0.1:{ports["rpc"]}"]
  network_interface = "lo"
  host_volume "{VOLUME}" {{
    path = "{directory}/{VOLUME}"
  }}
  min_dynamic_port = {first_port}
  max_dynamic_port = {first_port + 1000}
  options = {{ "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }}
}}
plugin "raw_exec" {{
  config {{
    enabled = true
  }}
}}
consul {{
  address = "127.0.0.1:{ports["chttp"]}"
}}
"""


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Generator[None]:
    foreign = ("NOMAD_", "CONSUL_", "VAULT_", "AWS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    program = Program(command, log, environment, log.parent)
    try:
        yield
    finally:
        program.end(patience=_END_S)


def _first_token(servers: Servers) -> str:
    found: list[str] = []

    def bootstrapped() -> bool:
        with contextlib.suppress(httpx2.HTTPError, KeyError, ValueError):
            found.append(httpx2.post(f"{servers.nomad}/v1/acl/bootstrap", json={}).json()["SecretID"])
        return bool(found)

    eventually(bootstrapped, _START_S, _PAUSE_S)
    return found[0]


def _is_ready(servers: Servers) -> bool:
    with contextlib.suppress(httpx2.HTTPError, KeyError, IndexError):
        node = servers.get(f"/v1/node/{servers.get('/v1/nodes')[0]['ID']}")
        return (
            node["Status"] == "ready"
            and "consul.version" in node["Attributes"]
            and "driver.raw_exec" in node["Attributes"]
        )
    return False


def _stop_jobs(servers: Servers) -> None:
    with contextlib.suppress(httpx2.HTTPError):
        for job in servers.get("/v1/jobs"):
            httpx2.delete(f"{servers.nomad}/v1/job/{job['ID']}", params={"purge": "true"}, headers=servers.headers)
        eventually(lambda: not _living(servers), 30, _PAUSE_S)


def _living(servers: Servers) -> list[str]:
    allocations = servers.get("/v1/allocations")
    return [one["ID"] for one in allocations if one["ClientStatus"] in {"pending", "running"}]


def _kill_leftovers(directory: Path) -> None:
    """Nomad leaves its tasks running when it ends, and the processes that watch over them: those of this directory go."""
    mark = f"NOMAD_ALLOC_DIR={directory}/".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == directory or mark in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in [one for one in mounts if one.startswith(f"{directory}/")]:
        subprocess.run(["umount", mount], check=False)
