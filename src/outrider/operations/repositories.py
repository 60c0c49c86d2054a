"""What operations need of the store, as protocols: one repository per noun; each write is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from outrider.operations.artifact_repository import Artifacts
from outrider.operations.exec_repository import Execs
from outrider.operations.stop_repositories import Freezes, Leases, Locks, Rejections

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from outrider.documents import Json
    from outrider.operations.batches import Batch, BatchMember, BatchState
    from outrider.operations.event_details import Detail, Ended
    from outrider.operations.events import Event
    from outrider.operations.records import (
        Declaration,
        Deployment,
        Draft,
        MergedSpec,
        Outline,
        Past,
        Request,
        Seen,
        Version,
        VersionSummary,
    )
    from outrider.operations.release_records import Approval, ImageDigest
    from outrider.operations.states import State
    from outrider.spec.references import Reference


class Versions(Protocol):
    """What was ever deployed."""

    async def services(self, environment: str) -> tuple[str, ...]: ...

    async def declarations(self, environment: str) -> tuple[Declaration, ...]:
        """Of each service that of the version that came up last; of its newest where none has."""
        ...

    async def declaration(self, environment: str, service: str, hash_: str) -> Declaration | None:
        """That of the newest version with this hash."""
        ...

    async def add_version(self, draft: Draft) -> Version: ...
    async def numbered(self, environment: str, service: str, number: int) -> Version | None: ...
    async def newest_version(self, environment: str, service: str) -> Version | None: ...

    async def running_version(self, environment: str, service: str, hash_: str) -> Version | None:
        """Of those with this hash the one deployed last, or the newest where none was."""
        ...

    async def summaries(self, environment: str, service: str, limit: int | None = None) -> tuple[VersionSummary, ...]:
        """Newest first, without their documents."""
        ...

    async def merged_specs(self, environment: str, hashes: Mapping[str, str | None]) -> Mapping[str, MergedSpec]:
        """By service the spec of the version with the hash that runs, else of the newest; a few questions for all."""
        ...

    async def outlines(self, environment: str, hashes: Mapping[str, str | None]) -> Mapping[str, Outline]:
        """By service, of the version with the hash that runs the outline, else that of the newest; a few questions for all."""
        ...


class Deployments(Protocol):
    """What was done with services, and who drives it."""

    async def add_deployment(self, deployment: Deployment) -> Deployment:
        """Remember it, numbered; where its idempotency key is already there, nothing is added and the earlier one returned."""
        ...

    async def save_deployment(self, deployment: Deployment) -> None: ...

    async def claim(self, deployment_id: str, holder: str, lease_s: float) -> bool:
        """Whether ``holder`` may drive the deployment for the next ``lease_s`` seconds: one portal at a time does."""
        ...

    async def release(self, deployment_id: str, holder: str) -> None:
        """Give the lease back, if it is still the holder's."""
        ...

    async def with_id(self, deployment_id: str) -> Deployment | None: ...

    async def newest(self, environment: str, service: str, limit: int = 50) -> tuple[Deployment, ...]:
        """Newest first."""
        ...

    async def unfinished(self) -> tuple[Deployment, ...]:
        """Oldest first, of all environments."""
        ...

    async def last_deployments(self, environment: str, service: str | None = None) -> Mapping[str, Deployment]:
        """By service the one under way, else the last; of all services, or of one."""
        ...

    async def last_rolled(self, environment: str) -> Mapping[str, datetime]:
        """By service when the last rollout of changed values began that came to a good end."""
        ...

    async def registrations(self, environment: str, indexes: Collection[int]) -> frozenset[tuple[str, int]]:
        """Which of these indexes of jobs our own deployments have made, by service; a scale does not count."""
        ...


class Batches(Protocol):
    """What is deployed as one plan, and who drives it."""

    async def add_batch(self, batch: Batch, asked: Json) -> Batch:
        """Remember it with what was asked for; where its id is already there, nothing is added and that one returned."""
        ...

    async def with_id(self, batch_id: str) -> Batch | None: ...
    async def asked(self, batch_id: str) -> Json | None: ...
    async def save_member(self, batch_id: str, member: BatchMember) -> None: ...
    async def end_batch(self, batch_id: str, state: BatchState) -> None: ...

    async def unfinished(self) -> tuple[Batch, ...]:
        """Oldest first, of all environments."""
        ...

    async def claim(self, batch_id: str, holder: str, lease_s: float) -> bool:
        """Whether ``holder`` may drive the batch for the next ``lease_s`` seconds; never one that has ended."""
        ...


class Approvals(Protocol):
    """Who approved of versions for their release to another environment."""

    async def add_approval(self, approval: Approval) -> None: ...

    async def approvals(self, environment: str, service: str) -> tuple[Approval, ...]:
        """Those for the service to come to the environment, newest first."""
        ...


class ImageDigests(Protocol):
    """Which digests the images of versions had when these were deployed."""

    async def add_digest(self, found: ImageDigest) -> None:
        """Keep it; where the version has one already, that one stays."""
        ...

    async def digest(self, environment: str, service: str, number: int) -> ImageDigest | None: ...


class Requests(Protocol):
    """Which changes were asked for before, by their idempotency keys."""

    async def add_request(self, request: Request) -> Request:
        """Remember it; where its key is already there, nothing is added and the earlier one returned."""
        ...

    async def with_key(self, key: str) -> Request | None: ...


class Events(Protocol):
    """The steps of deployments."""

    async def add_event(self, deployment_id: str, message: str, detail: Detail) -> Event: ...
    async def end_deployment(self, deployment: Deployment, detail: Ended) -> Event:
        """Its final state and its verdict as the last event, both or neither."""
        ...

    async def after(self, deployment_id: str, after: int = 0) -> tuple[Event, ...]: ...


class Journal(Protocol):
    """The steps of deployments, told to whoever listens as they are written down."""

    async def note(self, deployment_id: str, message: str, detail: Detail) -> Event: ...

    async def end(self, deployment: Deployment, state: State, reason: str) -> Deployment:
        """The verdict, as the last event and as the deployment's state; the deployment as it is then."""
        ...


class Retention(Protocol):
    """What may be forgotten."""

    async def past(self, environment: str, service: str) -> Past: ...

    async def forget(self, past: Past, numbers: Collection[int], ids: Collection[str]) -> tuple[int, int]:
        """Forget these versions and deployments; how many of each. A version that a deployment names by then stays."""
        ...


class Values(Protocol):
    """How values that services read have looked, by fingerprints only, and which portal rolls out the changed ones."""

    async def key(self) -> bytes:
        """What fingerprints are made with: random, and the same for all portals of this store."""
        ...

    async def add_sighting(self, environment: str, reference: Reference, seen: Seen) -> None:
        """Remember it where it is not what was seen last."""
        ...

    async def sightings(self, environment: str) -> Mapping[Reference, tuple[Seen, ...]]:
        """Of each reference what was seen, oldest first."""
        ...

    async def claim(self, environment: str, holder: str, lease_s: float) -> bool:
        """Whether ``holder`` may roll values out there for the next ``lease_s`` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Store:
    """All of them, over one database."""

    versions: Versions
    deployments: Deployments
    locks: Locks
    freezes: Freezes
    rejections: Rejections
    requests: Requests
    events: Events
    execs: Execs
    artifacts: Artifacts
    values: Values
    batches: Batches
    approvals: Approvals
    digests: ImageDigests
    leases: Leases
    retention: Retention
