"""A small Envoy that asks an agent for endpoints, as a sidecar does: unix sockets towards the agent and for admin."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from machine import Program, eventually, fetched, free_ports

TYPES = "type.googleapis.com/envoy.extensions"
HCM = f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f"{TYPES}.filters.http.router.v3.Router"
START = "3s"

Document = dict[str, Any]
Shape = Callable[[Document], None]


class Envoy(Program):
    """``egress`` are the ports on which each upstream is reached, in the order asked for."""

    def __init__(self, binary: str, directory: Path, upstreams: Sequence[str], shape: Shape | None = None) -> None:
        self.directory = directory
        self.admin = f"unix:{directory}/admin.sock"
        self.egress = dict(zip(upstreams, free_ports(len(upstreams)), strict=True))
        config = directory / "envoy.json"
        document = bootstrap(self.egress)
        if shape:
            shape(document)
        config.write_text(json.dumps(document))
        arguments = [binary, "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"]
        super().__init__(arguments, directory / "envoy.log", {"PATH": "/usr/bin:/bin"}, directory)

    def is_live(self) -> bool:
        assert self.process.poll() is None, self.output()
        return fetched(self.admin, "/ready")[1].strip() == b"LIVE"

    def endpoints(self, upstream: str) -> set[str]:
        """Addresses of the cluster, whatever their health."""
        lines = fetched(self.admin, "/clusters")[1].decode().splitlines()
        return {
            line.split("::")[1] for line in lines if line.startswith(f"{upstream}::") and "::health_flags::" in line
        }

    def stat(self, name: str) -> int:
        text = fetched(self.admin, f"/stats?filter=^{name}$")[1].decode()
        return int(text.rpartition(":")[2]) if ":" in text else 0

    def get(self, upstream: str, path: str = "/") -> tuple[int, bytes]:
        return fetched(f"127.0.0.1:{self.egress[upstream]}", path)


@contextlib.contextmanager
def running_envoy(
    binary: str, directory: Path, upstreams: Sequence[str], shape: Shape | None = None
) -> Generator[Envoy]:
    """An Envoy that is LIVE; ``shape`` may change its start document."""
    envoy = Envoy(binary, directory, upstreams, shape)
    try:
        eventually(envoy.is_live)
        yield envoy
    finally:
        envoy.end(at_once=True)


def bootstrap(egress: dict[str, int]) -> dict[str, Any]:
    return {
        "node": {"id": "bench", "cluster": "bench"},
        "admin": {"address": {"pipe": {"path": "admin.sock", "mode": 384}}, "ignore_global_conn_limit": True},
        "static_resources": {
            "listeners": [listener(name, port) for name, port in egress.items()],
            "clusters": [agent_cluster(), *(cluster(name) for name in egress)],
        },
    }


def agent_cluster() -> dict[str, Any]:
    address = {"pipe": {"path": "agent.sock"}}
    return {
        "name": "agent",
        "type": "STATIC",
        "connect_timeout": "0.25s",
        "load_assignment": {
            "cluster_name": "agent",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def cluster(name: str) -> dict[str, Any]:
    source = {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": ["agent"],
        "refresh_delay": "0.02s",
        "request_timeout": "60s",
    }
    config = {"resource_api_version": "V3", "initial_fetch_timeout": START, "api_config_source": source}
    return {
        "name": name,
        "type": "EDS",
        "connect_timeout": "0.25s",
        "eds_cluster_config": {"service_name": name, "eds_config": config},
        "ignore_health_on_host_removal": True,
    }


def listener(name: str, port: int) -> dict[str, Any]:
    retries = {"retry_on": "connect-failure,reset-before-request", "num_retries": 2}
    route = {"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": "5s", "retry_policy": retries}}
    manager = {
        "@type": HCM,
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "enable_reuse_port": False,
        "filter_chains": [{"filters": filters}],
    }
