"""The services that run and read values: what they read by the version that runs, and when their allocations started."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider.operations.answers.values import ServiceValues, Started
from outrider.operations.values.judgement import Ground, Start, judged
from outrider.spec.readings import readings
from outrider.spec.stored import UnreadableSpecError, stored_spec
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outrider.nomad.read.allocations import Allocation
    from outrider.nomad.read.summary import JobSummary
    from outrider.operations.observe.observation import Keeper
    from outrider.operations.records import Deployment, Seen
    from outrider.operations.values.followed import Followed
    from outrider.operations.values.sighting import Sighting
    from outrider.spec.readings import Reading
    from outrider.spec.references import Reference
    from outrider.spec.variables import OnChange


@dataclass(frozen=True, slots=True)
class Reader:
    """A service that runs and reads something."""

    environment: str
    service: str
    default: OnChange
    readings: tuple[Reading, ...]
    starts: tuple[Start, ...]
    rolled_at: datetime | None

    def values(self, told: Mapping[Reference, Sighting], history: Mapping[Reference, Sequence[Seen]]) -> ServiceValues:
        """What it reads, as it stands now."""
        now = datetime.now(UTC)
        ground = Ground(history, told, self.default, now, self.rolled_at, self.starts)
        allocations = tuple(Started(one.allocation, one.app) for one in self.starts)
        return ServiceValues(self.environment, self.service, judged(self.readings, ground), allocations)


class Readers:
    """Of one environment; what a version reads is worked out once for each deployment."""

    def __init__(self, environment: Followed, keeper: Keeper) -> None:
        self._environment, self._keeper = environment, keeper
        self._known: dict[str, tuple[tuple[str | None, str], tuple[Reading, ...]]] = {}

    async def found(self) -> tuple[Reader, ...]:
        """All of them; none while Nomad was never heard."""
        observation = await self._keeper.seen()
        jobs: Mapping[str, JobSummary] = observation.scheduled.jobs if observation.scheduled else {}
        live = [job for job in jobs.values() if job.now.is_live and job.environment == self._environment.name]
        deployments, environment = self._environment.store.deployments, self._environment.name
        last: Mapping[str, Deployment] = await deployments.last_deployments(environment) if live else {}
        self._known = {name: kept for name, kept in self._known.items() if name in jobs}
        found = [(job, some) for job in live if (some := await self._readings(job, last.get(job.id)))]
        rolled: Mapping[str, datetime] = await deployments.last_rolled(environment) if found else {}
        default = self._environment.default()
        return tuple(
            Reader(environment, job.id, default, some, _starts(observation.allocations(job.id)), rolled.get(job.id))
            for job, some in found
        )

    async def _readings(self, job: JobSummary, last: Deployment | None) -> tuple[Reading, ...]:
        """What the version reads that runs; nothing where this portal does not know it."""
        mark = (job.now.hash, last.id if last else "")
        known = self._known.get(job.id)
        if known is None or known[0] != mark:
            known = self._known[job.id] = (mark, await self._read(job))
        return known[1]

    async def _read(self, job: JobSummary) -> tuple[Reading, ...]:
        versions, environment = self._environment.store.versions, self._environment.name
        version = await versions.running_version(environment, job.id, job.now.hash) if job.now.hash else None
        try:
            return readings(stored_spec(version.merged, version.format, job.id).service) if version else ()
        except UnreadableSpecError:
            return ()  # status says so


def _starts(found: tuple[Allocation, ...]) -> tuple[Start, ...]:
    return tuple(
        Start(one.id, _started(one, names.APP_TASK), _started(one, names.ENVOY_TASK)) for one in found if one.is_live
    )


def _started(allocation: Allocation, name: str) -> datetime | None:
    task = next((one for one in allocation.tasks if one.name == name), None)
    return (
        datetime.fromtimestamp(task.started_at, UTC) if task and task.started_at and task.state == "running" else None
    )
