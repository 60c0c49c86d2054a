"""Artifact blocks: what Nomad fetches before a task starts."""

from __future__ import annotations

from outrider.documents import Json
from outrider.nomad.write.literal import literal
from outrider.topology.sidecar import Artifact


def archive(url: str, checksum: str | None) -> Json:
    """An archive, unpacked into the task's local/."""
    return _artifact(url, checksum, "any", "local/")


def packed(artifact: Artifact) -> Json:
    """A directory that the portal serves as an archive."""
    return archive(artifact.url, f"sha256:{artifact.sha256}")


def file(artifact: Artifact, path: str) -> Json:
    """One file, at that very path."""
    return _artifact(artifact.url, f"sha256:{artifact.sha256}", "file", path)


def _artifact(url: str, checksum: str | None, mode: str, path: str) -> Json:
    return {
        "GetterMode": mode,
        **({"GetterOptions": {"checksum": checksum}} if checksum else {}),
        "GetterSource": literal(url),
        "RelativeDest": path,
    }
