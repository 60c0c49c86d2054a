"""Where a file lies: its git repository and commit, asked of git itself, and the CI run that it is deployed by."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from outrider.operations.request_bodies import SourceBody
from outrider.operations.version_source import without_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from outrider.settings import PipelineSettings

PATIENCE_S = 5.0


def source_of(file: Path, pipeline: PipelineSettings) -> SourceBody:
    """The file's source; outside of any repository its path on this machine, and what the CI says.

    No credentials of an address are in it. Without git, or where it does not answer, as outside of a repository.
    """
    place = file.resolve()
    root = _git(place.parent, "rev-parse", "--show-toplevel")
    remote = pipeline.repository or (_git(place.parent, "remote", "get-url", "origin") if root else None)
    run = without_credentials(pipeline.run)
    repository = without_credentials(remote)
    if not root:
        return SourceBody(path=str(place), repository=repository, commit=pipeline.commit, run=run)
    commit = _git(place.parent, "rev-parse", "HEAD")
    changes = _git(place.parent, "status", "--porcelain", "--", str(place))
    path = _git(place.parent, "ls-files", "--full-name", "--", str(place)) or _below(place, root)
    return SourceBody(
        path=path, repository=repository or root, commit=commit or pipeline.commit, has_changes=bool(changes), run=run
    )


def _below(place: Path, root: str) -> str:
    return str(place).removeprefix(root).lstrip("/")


def _git(folder: Path, *words: str) -> str | None:
    """The answer's text without the break at its end; None where git has none. Nobody is asked for a password."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() or None if done.returncode == 0 else None
