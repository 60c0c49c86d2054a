"""Where nodes fetch a packed directory from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.topology.sidecar import Artifact

if TYPE_CHECKING:
    from outrider.operations.artifact_links import ArtifactLinks
    from outrider.spec.platform import Platform

DIRECTORY_FILE = "directory.tar.gz"


@dataclass(frozen=True, slots=True)
class Places:
    """Where nodes may fetch from: a store of the operators by the platform, or the portal, whose addresses ``links`` makes."""

    platform: Platform
    portal: str | None
    links: ArtifactLinks | None


def packed_directory(places: Places, sha256: str) -> Artifact:
    """Where nodes fetch a packed directory: from the operators' store where the platform names one, else the portal.

    Nomad's getter takes the kind of archive from the end of the name. UsageError where there is neither.
    """
    of_operators, portal = places.platform.artifacts, (places.portal or "").rstrip("/")
    if of_operators is None and not portal:
        raise UsageError(
            "run.directory cannot be fetched by any node: the platform file has neither portal.url nor artifacts.url",
            next_step="Set portal.url to an address of the portal that every node reaches, or artifacts.url to a store.",
        )
    if of_operators is not None:
        return Artifact(f"{of_operators.url.rstrip('/')}/{sha256}/{DIRECTORY_FILE}", sha256)
    # Files alone do not know the portal's key: what they render names the content, and no address that it answers.
    path = places.links.path(sha256, DIRECTORY_FILE) if places.links else f"artifacts/{sha256}/{DIRECTORY_FILE}"
    return Artifact(f"{portal}/{path}", sha256, is_portals=True)
