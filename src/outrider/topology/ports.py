"""Where everything listens: what only allocation and node know (slots, files), addresses, and ports to book."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Literal

from outrider.topology import names

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a network namespace of the allocation's own
BRIDGE_INGRESS = 19_000
BRIDGE_METRICS = 19_001
BRIDGE_ADMIN = 19_002
BRIDGE_AGENT = 19_003
BRIDGE_EGRESS = 19_100
BRIDGE_RANGE = range(19_000, 19_200)
BRIDGE_APP = 8_080
SAMPLE_PORT = 20_000

Mode = Literal["host", "bridge"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that only the allocation knows: a variable that Nomad sets, and a sample to validate with."""

    variable: str
    sample: int | str

    @property
    def interpolation(self) -> str:
        """As Nomad fills it in in a job: ``${NOMAD_PORT_ingress}``."""
        return f"${{{self.variable}}}"


@dataclass(frozen=True, slots=True)
class NodeFile:
    """A file where Envoy runs, read there; ``sample`` is content to validate with where the file is missing."""

    path: str
    sample: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens on TCP."""

    host: str | Slot
    port: int | Slot

    def __str__(self) -> str:
        """``host:port`` as it may stand in a job."""
        return f"{text(self.host)}:{text(self.port)}"


@dataclass(frozen=True, slots=True)
class Pipe:
    """A unix socket, by a path that every sidecar task of the allocation understands."""

    path: str


@dataclass(frozen=True, slots=True)
class Booking:
    """A port that Nomad books on the node; ``reserved`` asks for that very number, ``to`` is the one inside a bridge."""

    label: str
    reserved: int | None = None
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What decides on the ports of one service."""

    mode: Mode
    mesh: bool
    has_port: bool
    upstreams: tuple[str, ...]
    app: int | None = None
    static: int | None = None
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that listens in one allocation. Without mesh there is only the app."""

    mode: Mode
    bookings: tuple[Booking, ...]
    app: Address | None
    ingress: Address | None
    metrics: Address | None
    egress: dict[str, Address]
    agent: Address | None
    admin: Address | None

    def booking(self, label: str) -> Booking | None:
        """The booking of that label, if it is booked."""
        return next((booking for booking in self.bookings if booking.label == label), None)


def text(value: int | str | Slot) -> str:
    """A value as it may stand in a job."""
    return value.interpolation if isinstance(value, Slot) else str(value)


def ports(wishes: Wishes) -> Ports:
    """All ports of an allocation (design: ports of host and bridge mode)."""
    return _bridge(wishes) if wishes.mode == "bridge" else _host(wishes)


def _host(wishes: Wishes) -> Ports:
    labels = _labels(wishes)
    fixed = {names.APP: wishes.app, names.INGRESS: wishes.static} if wishes.mesh else {names.APP: _plain(wishes)}
    samples = (port for port in count(SAMPLE_PORT) if port not in fixed.values())
    slots = {label: fixed.get(label) or Slot(f"NOMAD_PORT_{label}", next(samples)) for label in labels}

    def at(label: str, *, reachable: bool = False) -> Address | None:
        host = Slot(f"NOMAD_IP_{label}", LOOPBACK) if reachable else LOOPBACK
        return Address(host, slots[label]) if label in slots else None

    return Ports(
        mode="host",
        bookings=tuple(Booking(label, reserved=fixed.get(label)) for label in labels),
        app=at(names.APP, reachable=not wishes.mesh),
        ingress=at(names.INGRESS, reachable=True),
        metrics=at(names.METRICS, reachable=True),
        egress={upstream: Address(LOOPBACK, slots[names.egress_label(upstream)]) for upstream in wishes.upstreams},
        agent=at(names.AGENT),
        admin=at(names.ADMIN),
    )


def _labels(wishes: Wishes) -> tuple[str, ...]:
    """The labels that host mode books, in a steady order."""
    served = (names.INGRESS, names.METRICS, names.APP) if wishes.has_port else (names.METRICS,)
    if not wishes.mesh:
        return (names.APP,) if wishes.has_port else ()
    private = (names.AGENT, names.ADMIN) if wishes.loopback else ()
    return (*served, *private, *(names.egress_label(upstream) for upstream in wishes.upstreams))


def _plain(wishes: Wishes) -> int | None:
    """The node port of an app without sidecar."""
    return wishes.static or wishes.app


def _bridge(wishes: Wishes) -> Ports:
    app = Address(LOOPBACK if wishes.mesh else EVERYWHERE, wishes.app or BRIDGE_APP) if wishes.has_port else None
    if not wishes.mesh:
        plain = (Booking(names.APP, wishes.static, wishes.app or BRIDGE_APP),) if wishes.has_port else ()
        return Ports("bridge", plain, app, None, None, {}, None, None)
    ingress = (Booking(names.INGRESS, wishes.static, BRIDGE_INGRESS),) if wishes.has_port else ()
    return Ports(
        mode="bridge",
        bookings=(*ingress, Booking(names.METRICS, None, BRIDGE_METRICS)),
        app=app,
        ingress=Address(EVERYWHERE, BRIDGE_INGRESS) if wishes.has_port else None,
        metrics=Address(EVERYWHERE, BRIDGE_METRICS),
        egress={name: Address(LOOPBACK, BRIDGE_EGRESS + index) for index, name in enumerate(wishes.upstreams)},
        agent=Address(LOOPBACK, BRIDGE_AGENT) if wishes.loopback else None,
        admin=Address(LOOPBACK, BRIDGE_ADMIN) if wishes.loopback else None,
    )
