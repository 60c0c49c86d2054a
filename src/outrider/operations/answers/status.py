"""What runs of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from outrider.consul.instances import Instance
from outrider.nomad.read.allocations import Allocation
from outrider.operations.records import Deployment
from outrider.spec.upstream import Upstream

ServiceState = Literal["running", "degraded", "deploying", "waiting", "stopped", "unknown"]


@dataclass(frozen=True, slots=True)
class Status:
    """A service in one environment; ``problem`` says which server did not answer, and how old what is shown is then.

    ``version`` is the stored version that runs, None where this portal does not know it; ``healthy`` is None where
    nobody knows. ``outside`` names where somebody has changed the job in Nomad, so that it is not the version's any more.
    ``age_s`` is how old all this is where a server does not answer (in seconds).
    """

    environment: str
    service: str
    team: str | None
    description: str | None
    protocol: str | None
    state: ServiceState
    version: int | None
    hash: str | None
    count: int | None
    healthy: int | None
    allocations: tuple[Allocation, ...]
    instances: tuple[Instance, ...]
    deployment: Deployment | None
    upstreams: dict[str, Upstream]
    links: dict[str, str]
    problem: str | None = None
    outside: tuple[str, ...] = ()
    age_s: float | None = None
