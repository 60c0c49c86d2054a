"""What is remembered of what stops changes: freezes, rejected versions, locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

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
