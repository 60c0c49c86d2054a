"""The jobs of one environment that several checks look into, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read.job import environment_of
from outrider.operations.concurrency import in_turns

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad


async def live_jobs(name: str, nomad: Nomad) -> list[Json]:
    """Those of ours that nobody has stopped, whole. OutriderError where Nomad does not tell."""
    ours = [str(stub["ID"]) for stub in await nomad.jobs() if environment_of(stub) == name and not stub.get("Stop")]
    return [job for job in await in_turns(nomad.job, ours) if job]
