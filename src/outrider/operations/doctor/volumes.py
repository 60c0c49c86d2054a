"""Host volumes that jobs of ours ask for and no node has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.documents import listed, nested, table
from outrider.operations.doctor.findings import Finding, bad, good, warning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad


async def volume_findings(name: str, jobs: Awaitable[list[Json]], nomad: Nomad) -> list[Finding]:
    """The findings; none where no job of the environment asks for a volume."""
    about = f"{name}: host volumes"
    try:
        running = [job for job in await jobs if job.get("Status") != "dead"]
        return missing_volumes(about, running, await nomad.nodes())
    except OutriderError as error:
        step = "Compare `nomad node status -verbose` with the `volumes` of the specs."
        return [warning(about, f"cannot be seen: {error.message}", "A service without its volume runs nowhere.", step)]


def missing_volumes(about: str, jobs: Iterable[Json], nodes: Iterable[Json]) -> list[Finding]:
    """What jobs ask for beside what ready nodes have."""
    asked = {(volume, str(job.get("ID"))) for job in jobs for volume in _asked(job)}
    there = {volume for node in nodes if node.get("Status") == "ready" for volume in nested(node, "HostVolumes")}
    lacking = sorted((volume, job) for volume, job in asked if volume not in there)
    if asked and not lacking:
        return [good(about, "each one that a job asks for is on a node")]
    return [
        bad(
            about,
            f"no node has {volume}",
            f"{job} asks for it, and cannot be placed.",
            f'In a client\'s configuration: client {{ host_volume "{volume}" {{ path = "…" }} }}, or `nomad volume create`.',
        )
        for volume, job in lacking
    ]


def _asked(job: Json) -> set[str]:
    requests = [one for group in listed(job, "TaskGroups") for one in table(group, "Volumes").values()]
    return {str(one.get("Source")) for one in requests if one.get("Type") == "host"}
