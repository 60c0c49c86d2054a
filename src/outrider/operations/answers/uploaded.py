"""What the portal says of bytes that it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Uploaded:
    """SHA-256 in hex and size of what is kept; ``url`` is where nodes fetch it, once a name stands at its end.

    The name is free, and tells Nomad's getter what kind of archive it is. None where the portal knows no address of its own.
    """

    sha256: str
    size: int
    url: str | None


@dataclass(frozen=True, slots=True)
class User:
    """A stored version that needs an artifact."""

    environment: str
    service: str
    version: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One artifact: when it was last uploaded or asked for, and the versions that need it; without any it goes after a day."""

    sha256: str
    size: int
    added_at: datetime
    users: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class ArtifactList:
    """The newest first."""

    artifacts: tuple[Kept, ...]
