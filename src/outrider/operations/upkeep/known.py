"""What Nomad still names of ours: jobs that are registered, and those older ones that it could revert to by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.nomad.read.job import version_hash
from outrider.operations.artifact_links import hashes_in
from outrider.operations.concurrency import in_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.operations.environment import Environment


@dataclass(frozen=True, slots=True)
class Known:
    """Hashes of versions by service, and whatever could be the SHA-256 of an artifact, in the jobs of one environment."""

    versions: dict[str, frozenset[str]]
    artifacts: frozenset[str]


async def known_to_nomad(environment: Environment, services: Sequence[str]) -> Known:
    """Of these services' jobs in all versions that Nomad keeps. RemoteError where it does not answer: then nothing may go."""
    versions, artifacts = dict[str, frozenset[str]](), set[str]()

    async def look(service: str) -> None:
        jobs = await environment.nomad.versions(service)
        versions[service] = frozenset(found for found in map(version_hash, jobs) if found)
        artifacts.update(hashes_in(json.dumps(jobs)))

    await in_turns(look, services)
    return Known(versions, frozenset(artifacts))
