"""What is remembered of services: versions and deployments, as the store hands them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from outrider.documents import Json
from outrider.operations.states import FINAL, BlockerName, Kind, State


@dataclass(frozen=True, slots=True)
class VersionSource:
    """Where a spec came from: a ``file`` (in a repository where one is known), or an ``edit`` of a stored version.

    ``path`` is the file's, from the root of its repository, else as it lies on the machine; ``has_changes`` says that it was
    not as the commit has it. ``run`` is the page of the CI run. ``edit`` says what was edited, as ``connect payments``.
    """

    kind: Literal["file", "edit"] = "file"
    path: str = ""
    repository: str | None = None
    commit: str | None = None
    has_changes: bool = False
    run: str | None = None
    edit: str = ""

    @property
    def key(self) -> tuple[str, ...] | None:
        """What two versions of one source have in common, whatever commit they are of; None for an edit."""
        return (repository_name(self.repository or ""), self.path) if self.kind == "file" else None


@dataclass(frozen=True, slots=True)
class Version:
    """One stored spec with its rendered artifacts; ``number`` counts from 1 per service and environment.

    ``hash`` is the content hash of what runs in an allocation (the OUTRIDER_VERSION of its tasks): two versions that
    differ in count or links only have the same one. ``merged`` is the spec of the environment as JSON, defaults filled
    in, in the format of that number: `lookups.spec_of` reads it. ``bootstrap`` is the Nomad template of Envoy's start file, or
    None for a service outside the mesh. ``artifacts`` are the SHA-256 of the stored bytes that the job downloads. ``source`` is
    None where nobody said.
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


@dataclass(frozen=True, slots=True)
class MergedSpec:
    """The spec of a version, without the documents that were made of it."""

    environment: str
    service: str
    number: int
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
    """What a stored version says to its neighbours: its protocol, and of its spec's JSON what `spec.stored` reads there."""

    service: str
    hash: str
    protocol: str
    said: Json
    format: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The version of another environment that is brought into this one; ``problem`` is what is wrong with it there."""

    environment: str
    number: int
    problem: str = ""


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
    known. ``source`` is where the spec that was asked for came from. ``waiting`` is a canary that a person has to promote or fail. ``release`` is its number among the changes of the
    service in this environment, given by the store; ``cause`` is why it was asked for, ``overrides`` what it went past.
    What was brought over has the environment and the number of the version there that it comes from.
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
class Approval:
    """Somebody's word that a version of ``source`` may come to the environment."""

    id: str
    environment: str
    service: str
    source: str
    version: int
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImageDigest:
    """What an image's reference named when the version was deployed."""

    environment: str
    service: str
    number: int
    image: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A change that was asked for with an idempotency key; made again, it is answered with the same deployment."""

    key: str
    hash: str | None
    deployment: str


FreezeScope = Literal["service", "team", "environment"]
PREFIXES: dict[FreezeScope, str] = {"service": "", "team": "team:", "environment": "env:"}
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing new is brought up of a service, of a team's services or in an environment until a moment, or until it is lifted."""

    id: str
    environment: str
    scope: FreezeScope
    name: str
    reason: str
    created_by: str
    created_at: datetime
    until: datetime
    lifted_by: str | None = None
    lifted_at: datetime | None = None

    @property
    def subject(self) -> str:
        """What is frozen, as one writes it on the command line: ``checkout``, ``team:web``, ``env:production``."""
        return f"{PREFIXES[self.scope]}{self.name}"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A version that shall not run again, nor the same content (``hash``) or service's part under another number."""

    id: str
    environment: str
    service: str
    number: int
    hash: str
    part: str
    reason: str
    created_by: str
    created_at: datetime
    lifted_by: str | None = None
    lifted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """Who is changing a service, for whom, and how long that counts without another word."""

    environment: str
    service: str
    holder: str
    held_by: str
    since: datetime = NEVER
    until: datetime = NEVER


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


def without_credentials(address: str | None) -> str | None:
    """The address of a repository or a page without a user, a password or a token in it; ``git@host:path`` stays."""
    if address is None or "://" not in address:
        return address
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0].partition('#')[0]}"


def repository_name(address: str) -> str:
    """``host/path`` of a repository, however it is reached: by https, by ssh, or as ``git@host:path.git``."""
    _, has_scheme, rest = address.rpartition("://")
    host, slash, path = rest.partition("/" if has_scheme else ":")
    plain = f"{host.rpartition('@')[2].lower()}/{path}" if slash else rest
    return plain.rstrip("/").removesuffix(".git")
