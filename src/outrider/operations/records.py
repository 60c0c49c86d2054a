"""What is remembered of services: versions and deployments, as the store hands them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outrider.documents import Json
from outrider.operations.states import FINAL, BlockerName, Kind, State
from outrider.operations.version_source import VersionSource


@dataclass(frozen=True, slots=True)
class Version:
    """One stored spec with its rendered artifacts; ``number`` counts from 1 per service and environment.

    ``hash`` is the content hash of what runs in an allocation (the OUTRIDER_VERSION of its tasks): two versions that
    differ in count or links only have the same one. ``merged`` is the spec of the environment as JSON, defaults filled
    in, in the format of that number: `stored_specs.spec_of` reads it. ``bootstrap`` is the Nomad template of Envoy's start file, or
    None for a service outside the mesh. ``artifacts`` are the SHA-256 of the stored bytes that the job downloads. ``source`` is
    None where nobody said. ``platform`` is by field what the platform file said then, without its secrets; None where an older
    Outrider has stored the version.
    """

    environment: str
    service: str
    number: int
    hash: str
    protocol: str
    file: str
    spec: str
    merged: Json
    job: Json
    bootstrap: str | None
    artifacts: tuple[str, ...]
    created_by: str
    created_at: datetime
    format: int
    source: VersionSource | None = None
    platform: Json | None = None


@dataclass(frozen=True, slots=True)
class MergedSpec:
    """The spec of a version, without the documents that were made of it."""

    environment: str
    service: str
    number: int
    hash: str
    merged: Json
    format: int


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version without its documents."""

    environment: str
    service: str
    number: int
    hash: str
    protocol: str
    file: str
    created_by: str
    created_at: datetime
    source: VersionSource | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """What is shown of a version beside what runs: of its spec's JSON what `spec.stored` reads for that."""

    service: str
    number: int
    hash: str
    protocol: str
    said: Json
    format: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a stored version says to its neighbours: its protocol, and of its spec what `spec.stored` reads there, as JSON."""

    service: str
    hash: str
    protocol: str
    said: str
    format: int


@dataclass(frozen=True, slots=True)
class Override:
    """What an order went past; ``blocked`` is what stood in its way, and is empty where nothing of that name did."""

    name: BlockerName
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One act of changing what runs; everything that a portal needs to take it up again after a restart.

    ``expected_index`` is the job's modify index that the registration builds on, ``modify_index`` the one that it
    made (None until Nomad has answered); ``version`` is None for a stop, ``previous`` what ran before where that is
    known. ``source`` is where the spec that was asked for came from. ``waiting`` is a canary that a person has to promote or
    fail. ``release`` is its number among the changes of the service in this environment, given by the store; ``cause`` is why
    it was asked for, ``overrides`` what it went past. What was brought over has the environment and the number of the version
    there that it comes from.
    """

    id: str
    environment: str
    service: str
    kind: Kind
    state: State
    created_by: str
    created_at: datetime
    version: int | None = None
    previous: int | None = None
    count: int | None = None
    purge: bool = False
    expected_index: int = 0
    modify_index: int | None = None
    evaluation: str | None = None
    nomad_deployment: str | None = None
    reason: str = ""
    idempotency_key: str | None = None
    request_hash: str | None = None
    ended_at: datetime | None = None
    release: int | None = None
    cause: str = ""
    overrides: tuple[Override, ...] = ()
    from_environment: str | None = None
    from_version: int | None = None
    source: VersionSource | None = None

    @property
    def is_final(self) -> bool:
        """Whether the verdict stands."""
        return self.state in FINAL


@dataclass(frozen=True, slots=True)
class Request:
    """A change that was asked for with an idempotency key; made again, it is answered with the same deployment."""

    key: str
    hash: str | None
    deployment: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as it was seen from that moment on: its fingerprint, never the value."""

    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A version before the store has numbered it; fields as in ``Version``."""

    environment: str
    service: str
    hash: str
    protocol: str
    file: str
    spec: str
    merged: Json
    job: Json
    bootstrap: str | None
    artifacts: tuple[str, ...]
    created_by: str
    format: int
    source: VersionSource | None = None
    platform: Json | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """All that is stored of one service in one environment, without documents; ``marked`` versions are rejected ones."""

    environment: str
    service: str
    versions: tuple[VersionSummary, ...]
    deployments: tuple[Deployment, ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Artifact:
    """Stored bytes: SHA-256 in hex, size, and since when they were not asked for; ``object`` is where the storage has them.

    ``by_hash``: jobs of an Outrider whose URLs had no key fetch it by its hash alone.
    """

    sha256: str
    size: int
    object: str
    by_hash: bool
    added_at: datetime
