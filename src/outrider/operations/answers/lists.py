"""Answers that are a list, or a word about the portal itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outrider.nomad.read.allocations import Allocation
from outrider.operations.answers.status import Status
from outrider.operations.events import KnownEvent
from outrider.operations.exec_records import Exec
from outrider.operations.records import Deployment, Override, VersionSummary
from outrider.operations.states import State
from outrider.operations.stop_records import Freeze


@dataclass(frozen=True, slots=True)
class Health:
    """The portal answers."""

    status: str
    version: str


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment of the platform, by its servers."""

    name: str
    nomad: str
    consul: str
    driver: str


@dataclass(frozen=True, slots=True)
class EnvironmentList:
    """All of them, in the platform's order."""

    environments: tuple[EnvironmentSummary, ...]


@dataclass(frozen=True, slots=True)
class Services:
    """Services with what runs of them; ``platform_problem`` says that the portal refuses a changed platform file, and why."""

    services: tuple[Status, ...]
    platform_problem: str | None = None


@dataclass(frozen=True, slots=True)
class EndedAllocations:
    """Newest first, the last ten."""

    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True)
class Versions:
    """Newest first."""

    versions: tuple[VersionSummary, ...]


@dataclass(frozen=True, slots=True)
class Deployments:
    """Newest first."""

    deployments: tuple[Deployment, ...]


@dataclass(frozen=True, slots=True)
class Freezes:
    """Those that hold now, the oldest first."""

    freezes: tuple[Freeze, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """One change of a service, by its number; ``deployment`` is the id under which its events are found.

    ``cause`` is why it was asked for, ``reason`` why it ended as it did; ``rejected`` why its version shall not run again.
    """

    number: int
    at: datetime
    kind: str
    version: int | None
    previous: int | None
    count: int | None
    by: str
    cause: str
    state: State
    reason: str
    overrides: tuple[Override, ...]
    deployment: str
    ended_at: datetime | None
    rejected: str | None = None
    from_environment: str | None = None
    from_version: int | None = None


@dataclass(frozen=True, slots=True)
class Releases:
    """Newest first."""

    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Execs:
    """Commands that people ran beside its tasks, newest first; nothing of what they said or answered is kept."""

    execs: tuple[Exec, ...]


@dataclass(frozen=True, slots=True)
class Events:
    """In order."""

    events: tuple[KnownEvent, ...]
