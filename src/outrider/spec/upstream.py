"""A service that a service calls, and its knobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from outrider.spec.address import HostPort
from outrider.spec.protocol import Protocol
from outrider.spec.values import Duration, DurationOrNone, Written
from outrider.spec.variables import Secret

KeepAlive = Annotated[int | Literal["none"], DurationOrNone("100ms", "1h")]


class Upstream(Written):
    """A service that this one calls. ``{}`` is a good start: defaults come from the platform."""

    protocol: Protocol | None = None
    """What the callee speaks. Left out: what Outrider knows of the callee; ``http`` for an ``address``."""
    timeout: Annotated[int, Duration("1ms", "1h")] | None = Field(default=None, examples=["800ms"])
    """Longest time for a whole request, retries included; also for unary gRPC. For redis: for one command."""
    retries: Annotated[int, Field(ge=0, le=10)] | None = None
    """How often a failed request is tried again, on another instance where there is one."""
    limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Most concurrent requests (tcp: connections) per allocation; what is above is refused at once."""
    stream: bool = False
    """Long answers (server-sent events, websockets, gRPC streams): an idle timeout only, no total one."""
    keep_alive: KeepAlive | None = Field(default=None, examples=["5s"])
    """How long the callee keeps an idle connection, at least: the sidecar lets go after half of it. ``none``: a connection
    per request. Left out: 60s as sidecars do, and 1s for an ``address``. A callee without a sidecar may keep less."""
    address: HostPort | None = Field(default=None, examples=["fx.example.com:443"])
    """``host:port`` of a service outside Consul. Left out: the upstream's name is looked up in Consul."""
    tls: bool = False
    """Speak TLS to ``address``, verified against the system's roots."""
    password: Secret | None = None
    """Redis only: where the password is read from. It is never stored by Outrider."""
