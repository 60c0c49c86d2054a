"""What operations need of the store about bytes that jobs download, as a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from outrider_ground.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
    from datetime import datetime

    from outrider.operations.artifact_links import ArtifactLinks
    from outrider.operations.records import (
        Artifact,
    )


class OtherBytesError(UsageError):
    """What came is not what was announced."""


class Artifacts(Protocol):
    """Bytes that jobs download, by their SHA-256 in hex; none is ever in memory as a whole."""

    @property
    def links(self) -> ArtifactLinks:
        """Their addresses below the portal's."""
        ...

    async def add_artifact(self, content: AsyncIterable[bytes], sha256: str | None = None) -> Artifact:
        """Keep the bytes; adding them again only renews them. OtherBytesError where they have another SHA-256."""
        ...

    async def artifact(self, sha256: str) -> Artifact | None: ...

    async def artifacts(self) -> tuple[Artifact, ...]:
        """The newest first."""
        ...

    async def users(self) -> Mapping[str, tuple[tuple[str, str, int], ...]]:
        """By SHA-256 the versions that need it: environment, service, number."""
        ...

    async def opened(self, artifact: Artifact, start: int, stop: int) -> AsyncIterator[bytes] | None:
        """Bytes ``start`` up to ``stop`` in pieces; None where the storage has lost them."""
        ...

    async def renew_artifact(self, sha256: str) -> bool:
        """Whether it is here; if so it stays for as long as if it had just been added."""
        ...

    async def unused_artifacts(self, since: datetime) -> tuple[str, ...]:
        """Those that no version refers to and that were added or renewed before then."""
        ...

    async def drop_artifacts(self, sha256s: Collection[str], unused_since: datetime) -> int:
        """Forget those of them of which that still holds; how many."""
        ...

    async def sweep(self, before: datetime) -> int:
        """Delete what a crash has left in the storage before then; how many."""
        ...
