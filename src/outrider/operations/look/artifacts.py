"""What is stored for jobs to download, and who needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError, UsageError

from outrider.operations.answers.uploaded import ArtifactList, Kept, User

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outrider.operations.artifact_repository import Artifacts
    from outrider.operations.records import Artifact


async def kept_artifacts(artifacts: Artifacts) -> ArtifactList:
    """All of them, with the versions that need each."""
    users = await artifacts.users()
    found = [
        Kept(one.sha256, one.size, one.added_at, tuple(User(*each) for each in users.get(one.sha256, ())))
        for one in await artifacts.artifacts()
    ]
    return ArtifactList(tuple(found))


async def content(artifacts: Artifacts, artifact: Artifact, start: int, stop: int) -> AsyncIterator[bytes]:
    """Bytes ``start`` up to ``stop`` in pieces; RemoteError where the storage has lost them."""
    found = await artifacts.opened(artifact, start, stop)
    if found is None:
        raise RemoteError(
            f"the storage has lost the artifact {artifact.sha256}", next_step="Deploy the spec that needs it again."
        )
    return found


def no_artifact(sha256: str) -> UsageError:
    """The error for bytes that are not here, or not under that address."""
    return UsageError(f"no artifact {sha256} is stored", next_step="Deploy the spec that needs it again.")
