"""The service spec: everything a developer says about one service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from outrider.spec.check import Check
from outrider.spec.protocol import Protocol
from outrider.spec.run import Run
from outrider.spec.upstream import KeepAlive, Upstream
from outrider.spec.values import (
    HIGHEST_PORT,
    DnsLabel,
    Duration,
    InBytes,
    Items,
    Line,
    Matching,
    PortNumber,
    WebAddress,
    Written,
    refusal,
    shown,
)
from outrider.spec.variables import File, OnChange, Value, VariableName
from outrider.spec.volume import Volume

Signal = Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH"]
MetaKey = Annotated[str, Matching(r"^[A-Za-z_][A-Za-z0-9_-]{0,127}$", "a name of letters, digits, _ and -")]


def port_or_none(value: Any) -> Any:
    """A port number or the word ``none``."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value != "none" and not (is_number and 1 <= value <= HIGHEST_PORT):
        hint = ": leave out the quotes" if isinstance(value, str) and value.isascii() and value.isdigit() else ""
        due = f"must be a port number from 1 to {HIGHEST_PORT}, or none for a worker without ingress"
        raise refusal(f"{due}{hint}; found {shown(value)}")
    return value


class Ingress(Written):
    """What holds for requests to this service."""

    static: PortNumber | None = None
    """A fixed port on the node, for callers outside the mesh: one allocation per node."""
    rate: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Most requests per second per allocation; what is above is answered 429. Health checks are exempt."""
    keep_alive: KeepAlive = Field(default=1_000, examples=["5s", "none"])
    """How long the app keeps an idle connection, at least: the sidecar lets go after half of it. ``none``: the app keeps
    none, or closes at will, and each request has a connection of its own."""


class ConsulEntry(Written):
    """Passed through to the service's entry in Consul."""

    tags: Items[Annotated[Line, Field(max_length=255)]] = ()
    """Tags beside Outrider's own."""
    meta: dict[MetaKey, Annotated[Line, InBytes(512)]] = Field(default_factory=dict)
    """Meta beside Outrider's own. Values are text: quote numbers."""


class Resources(Written):
    """What the app may use; the sidecar's own needs come on top."""

    cpu: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """In MHz."""
    memory: Annotated[int, Field(ge=10, le=4_194_304)] = 256
    """In MB."""


class Update(Written):
    """How a new version takes the place of the old one."""

    canary: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Allocations of the new version that start beside the old ones and wait for ``outrider promote``."""
    max_parallel: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Allocations that are replaced at the same time."""
    auto_revert: bool = True
    """Go back to the last good version when a deployment fails."""
    min_healthy_time: Annotated[int, Duration("0s", "1h")] = Field(default=5_000, examples=["5s"])
    """How long an allocation has to be healthy before it counts."""
    healthy_deadline: Annotated[int, Duration("1s", "24h")] = Field(default=120_000, examples=["2m"])
    """How long an allocation may take to become healthy."""


class Stop(Written):
    """How an allocation ends without losing a request."""

    delay: Annotated[int, Duration("2s", "1h")] = Field(default=5_000, examples=["5s"])
    """Between leaving Consul and the signal to the app; callers hear of it within milliseconds to a second."""
    timeout: Annotated[int, Duration("1s", "1h")] = Field(default=20_000, examples=["20s"])
    """Between the signal and SIGKILL. A Nomad client caps it (``max_kill_timeout``, 30s unless raised)."""
    signal: Signal = "SIGTERM"
    """The signal that asks the app to finish."""


class Service(Written):
    """A service as it is deployed to one environment."""

    service: DnsLabel
    """Its name in Consul and Nomad."""
    team: Annotated[Line, InBytes(512)] | None = None
    """Who answers for it; Consul shows it too."""
    description: Annotated[str, Field(max_length=4_000)] | None = None
    """What it does, in a sentence."""
    links: dict[Line, WebAddress] = Field(default_factory=dict)
    """Pages about it (http or https), by name."""
    run: Run
    """What is started."""
    port: (
        Annotated[
            int | Literal["none"],
            BeforeValidator(port_or_none),
            WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": HIGHEST_PORT}, {"const": "none"}]}),
        ]
        | None
    ) = None
    """Where the app listens. Left out: on ``$HOST:$PORT``. ``none``: nowhere, a worker without ingress."""
    protocol: Protocol = "http"
    """What the app speaks on its port."""
    mesh: bool = True
    """The tick: with sidecar, or a plain service without one."""
    shard: bool = False
    """Redis only: several instances share the keys between them. Without it ``count`` may be 1 only."""
    upstreams: dict[DnsLabel, Upstream] = Field(default_factory=dict)
    """The services that it calls, by their name."""
    ingress: Ingress = Field(default_factory=Ingress)
    """What holds for requests to this service."""
    patches: Items[DnsLabel] = ()
    """Changes of its Envoy's bootstrap, in this order: names of ``patches`` in the environment's platform file."""
    consul: ConsulEntry = Field(default_factory=ConsulEntry)
    """Passed through to the service's entry in Consul."""
    checks: Items[Check] = ()
    """How Consul finds out whether an instance works. None: whether the sidecar is live and the app's port is open."""
    env: dict[VariableName, Value] = Field(default_factory=dict)
    """Environment variables of the app, beside those that Outrider sets."""
    files: Items[File] = ()
    """Files that are written before the app starts."""
    on_change: OnChange | None = None
    """What is done when a value changes that it reads in ``env``, ``files`` or an upstream's ``password``: ``roll`` brings
    it up by its own ``update`` rules, ``ask`` waits for a person (``outrider roll``), ``nothing`` leaves it; ``restart`` and
    ``signal`` are Nomad's, and reach **all allocations at once**. Left out: what the platform says, which is ``ask``."""
    volumes: Items[Volume] = ()
    """Directories of the node that outlive allocations (Nomad's host volumes)."""
    resources: Resources = Field(default_factory=Resources)
    """What the app may use."""
    count: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Number of allocations. Left out: whatever runs now, and 1 at first."""
    update: Update = Field(default_factory=Update)
    """How a new version takes the place of the old one."""
    stop: Stop = Field(default_factory=Stop)
    """How an allocation ends."""
