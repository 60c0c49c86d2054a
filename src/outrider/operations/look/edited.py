"""Which services somebody has changed outside of Outrider: each job is compared once, however often it is looked at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.operations.concurrency import in_turns
from outrider.operations.drift import drift_check, foreign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outrider.nomad.read.job import RunningJob
    from outrider.operations.environment import Environment

UNKNOWN = "whether it was changed outside of Outrider is not known"


@dataclass(frozen=True, slots=True)
class Edited:
    """Where the job differs from its version, or why that is not known."""

    places: tuple[str, ...] = ()
    problem: str | None = None


async def edited(environment: Environment, bases: Mapping[str, tuple[RunningJob, int]]) -> dict[str, Edited]:
    """By service, of the jobs that bear an index that no registration of ours has made; the others are as they were made.

    ``bases`` are the jobs with the numbers of their stored versions. Comparisons that Nomad has not made in time go on.
    """
    differing = await foreign(environment, {service: now for service, (now, _) in bases.items()})
    found = {service: Edited(problem=f"{UNKNOWN} yet: Nomad is still comparing") for service in differing}

    async def look(service: str) -> None:
        now, number = bases[service]
        try:
            found[service] = Edited(await asyncio.shield(drift_check(environment, service, now, number).places))
        except RemoteError as error:
            found[service] = Edited(problem=f"{UNKNOWN}: {error.message}")

    try:
        async with asyncio.timeout(environment.limits.question):
            await in_turns(look, differing)
    except TimeoutError:
        return found
    return found
