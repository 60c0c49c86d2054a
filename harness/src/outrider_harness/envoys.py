"""An Envoy beside an agent, started from the product's own bootstrap of a service that calls the upstreams asked for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from outrider.topology import names
from outrider.topology.ports import Pipe
from outrider.topology.topology import Topology
from outrider_harness.asking import fetched
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.sidecars import filled, resolved
from outrider_harness.waiting import eventually

# Beside what a sidecar counts, for those who look closer; no other part of the bootstrap differs.
ALSO_COUNTED = ("cluster.", "runtime.")

Document = dict[str, Any]
Shape = Callable[[Document], None]


class Envoy(Program):
    """``egress`` are the ports on which each upstream is reached, in the order asked for."""

    def __init__(self, binary: str, directory: Path, upstreams: Sequence[str], shape: Shape | None = None) -> None:
        self.directory = directory
        self.admin = f"unix:{directory}/admin.sock"
        made = calling(upstreams)
        labels = [booking.label for booking in made.ports.bookings]
        ports = dict(zip(labels, free_ports(len(labels)), strict=True))
        self.egress = {name: ports[names.egress_label(name)] for name in upstreams}
        config = directory / "envoy.json"
        document = start_document(made, ports)
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


def calling(upstreams: Sequence[str]) -> Topology:
    """A worker that calls these, with its sockets in the folder where its Envoy runs."""
    made = resolved({"service": "bench", "port": "none", "upstreams": {name: {} for name in upstreams}})
    assert made.sidecar
    return replace(made, sidecar=replace(made.sidecar, agent=Pipe("agent.sock"), admin=Pipe("admin.sock")))


def start_document(made: Topology, ports: Mapping[str, int]) -> Document:
    """The product's bootstrap, filled as on a node."""
    document = filled(made, ports)
    document["stats_config"]["stats_matcher"]["inclusion_list"]["patterns"] += [
        {"prefix": prefix} for prefix in ALSO_COUNTED
    ]
    return document


def clusters_of(document: Document, names_of: Sequence[str]) -> list[Document]:
    """The clusters of these names."""
    return [one for one in document["static_resources"]["clusters"] if one["name"] in names_of]
