"""One environment with the servers that belong to it: what every operation is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from outrider_ground.errors import RemoteError, UsageError

from outrider.operations.concurrency import Shared
from outrider.operations.values.board import Board

if TYPE_CHECKING:
    from outrider.nomad.read.job import Spoken
    from outrider.operations.answers.outside import OutsideChange
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul, EnvoyCheck, Secrets, Sidecars, Traffic
    from outrider.operations.repositories import Journal, Store
    from outrider.spec.platform import Platform
    from outrider.topology.sidecar import CarriedAgent


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How long an operation waits for what, in seconds; a portal's own watch over what Nomad may forget."""

    look: float = 1.0
    """Between two looks at the allocations of a deployment."""
    placement: float = 15.0
    """For a node to become free where Nomad has found none."""
    stall: float = 15.0
    """Beyond Nomad's own progress deadline, without any progress."""
    failures: int = 3
    """No time, but a number: allocations in a row that become unhealthy, where Nomad would go on to its deadline."""
    trouble: float = 5.0
    """For an allocation to become healthy before it is told what keeps it from that; then twice as long, and again."""
    outage: float = 3.0
    """For Consul to be away before a rollout waits for it, and to be back before it goes on."""
    promotion: float = 2.0
    """For Nomad to promote by itself what it was told to promote."""
    appearance: float = 5.0
    """For a deployment to appear after its evaluation is complete: scaling down makes none."""
    question: float = 4.0
    """For a server's answer to what a person looks at: longer than that it is unknown."""
    turn: float = 60.0
    """For another change of the same service to have begun."""
    lease: float = 10.0
    """How long a change that is being begun counts without another word from its portal."""
    session: float = 2.0
    """Between two looks at the allocation in which somebody runs a command."""
    idle: float = 1800.0
    """For a command that somebody runs, or for them, to say anything."""
    silence: float = 300.0
    """For a server that does not answer any more."""


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """Nomad's word on how the job at this index differs from that stored version; the same question has the same answer."""

    index: int
    version: int
    places: asyncio.Task[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class OutsideCheck:
    """What Nomad remembers of who changed the job that is at this index (0: gone); asked once, however often it is looked at."""

    index: int
    changes: asyncio.Task[tuple[OutsideChange, ...]]


@dataclass(frozen=True, slots=True)
class Environment:
    """The servers and settings of one environment; ``agent`` is the agent as jobs carry it.

    ``vault`` keeps passwords, None where the portal knows no Vault. ``values`` is what is known of the values that services
    read, ``listings`` the question what is registered, ``jobs_at`` what the jobs said at the index that their list had last.
    ``outcomes`` is what became of stored specs that were rendered with this platform. ``drift_checks`` are Nomad's last ones
    of jobs that somebody else has registered, by service.
    """

    name: str
    platform: Platform
    nomad: Nomad
    consul: Consul
    envoy: EnvoyCheck
    sidecars: Sidecars
    traffic: Traffic
    store: Store
    journal: Journal
    agent: CarriedAgent | None = None
    vault: Secrets | None = None
    drift_checks: dict[str, DriftCheck] = field(default_factory=dict[str, "DriftCheck"])
    outside_checks: dict[str, OutsideCheck] = field(default_factory=dict[str, "OutsideCheck"])
    listings: Shared[Any] = field(default_factory=Shared[Any])
    jobs_at: dict[int, Mapping[str, Spoken]] = field(default_factory=dict[int, "Mapping[str, Spoken]"])
    outcomes: dict[Hashable, str] = field(default_factory=dict[Hashable, str])
    limits: WatchLimits = field(default_factory=WatchLimits)
    values: Board = field(default_factory=Board)

    async def in_time(self, work: Awaitable[Answer], server: str) -> Answer:
        """The answer, or RemoteError where there is none within the limit for a question."""
        seconds = self.limits.question
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError as error:
            raise RemoteError(f"{server} of {self.name} has not answered within {seconds:g} s") from error


def environment_named(environments: Mapping[str, Environment], name: str) -> Environment:
    """The environment of that name, or UsageError with those that there are."""
    if name not in environments:
        known = ", ".join(environments)
        raise UsageError(f"there is no environment {name}", next_step=f"The platform has: {known}.")
    return environments[name]
