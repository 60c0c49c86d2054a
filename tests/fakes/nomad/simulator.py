"""A Nomad in memory as operations and tests hold it: the product's own client over HTTP, and what tests steer and ask.

Server, plans, deployments and refusals are those of the one-machine cluster, held to real Nomad by `tests/contract/nomad`,
which this one passes as well. Only what runs is not there: each look at a deployment lets one of its allocations come to
what `outcomes` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from fakes.nomad.commands import CommandInMemory
from fakes.nomad.fates import Outcome
from fakes.nomad.server import ADDRESS, Server
from fakes.nomad.transport import InProcess
from outrider_embedded.scheduler import deployment as rules
from outrider_embedded.scheduler import watcher
from outrider_embedded.scheduler.allocation import alloc_index, is_terminal
from outrider_embedded.scheduler.api.app import scheduler_app

from outrider.clients.http import Connection
from outrider.clients.http import Server as Place
from outrider.clients.nomad import NomadClient
from outrider.operations.nomad_port import Listing

Json = dict[str, Any]
_QUIET_TURNS = 8
"""After so many turns of the loop without a change, nothing follows from the last one any more."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One allocation, as far as tests ask for it."""

    id: str
    index: int
    version: int
    status: str


class NomadSimulator(NomadClient):
    """Nomad as operations see it. ``outcomes`` decides by a job's version hash what becomes of its allocations.

    ``outcome``: what becomes of the allocations of a job, where something else than its version hash decides.
    """

    def __init__(self, outcome: Callable[[Json], Outcome] | None = None) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.fails_first = False
        self.beaten_by: Json | None = None
        self.usually: Outcome = "healthy"
        self.progress_deadline_s: float | None = None
        self.away: Exception | None = None
        self.delay_s = 0.0
        self.registrations = 0
        self.lists = 0
        self.stderr = b"boom\n"
        self.stdout: bytes = b"one\ntwo\nthree\n"
        self.commands: list[CommandInMemory] = []
        self.server = Server(outcome or self._by_hash)
        self.transport = InProcess(scheduler_app(self.server.scheduler), self._refuse, self.settled)
        place = Place(name="Nomad", address=f"http://{ADDRESS}", advice="")
        super().__init__(Connection(place, self.transport), Connection(place, self.transport))

    # What operations call

    async def register(self, job: Any, modify_index: int | None = None) -> Json:
        answer = await super().register(job, modify_index)
        self.registrations += 1
        if self.beaten_by is not None:
            beaten_by, self.beaten_by = self.beaten_by, None
            await super().register(beaten_by)
        return answer

    async def jobs(self, prefix: str = "") -> list[Json]:
        self.lists += 1
        await asyncio.sleep(self.delay_s)
        return await super().jobs(prefix)

    async def listing(self) -> Listing:
        await asyncio.sleep(self.delay_s)
        return await super().listing()

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        self._refuse_while_away()
        await self.step(deployment_id)
        found, now = await super().deployment(deployment_id, index, wait_s)
        if self.progress_deadline_s is None:
            return found, now
        told = {"ProgressDeadline": int(self.progress_deadline_s * 1_000_000_000)}
        return {**found, "TaskGroups": {name: one | told for name, one in found["TaskGroups"].items()}}, now

    async def fail(self, deployment_id: str) -> Json:
        found = self.server.state.deployments.get(deployment_id)
        if self.fails_first and rules.is_active(found) and found is not None:
            watcher.fail(
                self.server.state,
                found,
                rules.UNHEALTHY,
                is_reverting=any(one["AutoRevert"] for one in found["TaskGroups"].values()),
            )
        return await super().fail(deployment_id)

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        self._refuse_while_away()
        text = self.stderr if kind == "stderr" else self.stdout
        yield text[-rest["offset"] :] if rest.get("origin") == "end" and rest["offset"] < len(text) else text

    @asynccontextmanager
    async def exec(
        self, allocation_id: str, task: str, command: Sequence[str], *, has_terminal: bool
    ) -> AsyncGenerator[Any]:
        self._refuse_while_away()
        self.commands.append(CommandInMemory(tuple(command)))
        yield self.commands[-1]

    async def close(self) -> None:
        await super().close()
        await self.server.close()

    # What tests steer

    @property
    def forgets_promotion(self) -> bool:
        """Whether canaries that shall promote themselves do not."""
        return self.server.watcher.forgets_promotion

    @forgets_promotion.setter
    def forgets_promotion(self, forgets: bool) -> None:
        self.server.watcher.forgets_promotion = forgets

    def offer(self, driver: str) -> None:
        """Let the node run tasks of that driver."""
        drivers = self.server.node["Drivers"]
        drivers[driver] = drivers["raw_exec"]

    async def step(self, deployment: str = "") -> None:
        """Let one allocation come to its outcome, with all that follows."""
        self.server.fates.step(deployment)
        await self.settled()

    async def settled(self) -> None:
        """Let everything follow that follows at once."""
        quiet, index = 0, self.server.state.index
        while quiet < _QUIET_TURNS:
            await asyncio.sleep(0)
            quiet, index = (quiet + 1 if index == self.server.state.index else 0), self.server.state.index

    async def crash(self, allocation: str) -> None:
        """The allocation fails, and from now on a replacement is waited for as long as its policy says."""
        self.server.evaluator.is_hasty = False
        self.server.fates.crash(self.server.state.allocations[allocation])
        await self.settled()

    def hold(self, job_id: str, task: str) -> None:
        """The task has not started in any allocation of the job."""
        for one in self.server.state.job_allocations(job_id):
            self.server.fates.hold(one, task)

    def forget(self, job_id: str) -> None:
        """Its allocations were collected as garbage."""
        for one in self.server.state.job_allocations(job_id):
            del self.server.state.allocations[one["ID"]]

    # What tests ask

    def running(self, job_id: str) -> list[Copy]:
        """The allocations that live."""
        found = [one for one in self.server.state.job_allocations(job_id) if not is_terminal(one)]
        return [Copy(one["ID"], alloc_index(one), one["Job"]["Version"], one["ClientStatus"]) for one in found]

    def ports(self, job_id: str) -> dict[str, int]:
        """The ports that are booked for the only allocation that lives, by label."""
        (one,) = self.running(job_id)
        shared = self.server.state.allocations[one.id]["AllocatedResources"]["Shared"]
        return {port["Label"]: port["Value"] for port in shared["Ports"]}

    def count(self, job_id: str) -> int:
        """What the job asks for."""
        return int(self.server.state.jobs[job_id]["TaskGroups"][0]["Count"])

    # What happens inside

    def _refuse(self, request: httpx2.Request) -> None:
        """What only processes could answer is not made up."""
        self._refuse_while_away()
        if request.url.path.startswith("/v1/client/"):
            raise NotImplementedError(
                "no process runs in the Nomad in memory: nothing can be read from one or sent to it"
            )

    def _refuse_while_away(self) -> None:
        if self.away is not None:
            raise self.away

    def _by_hash(self, job: Json) -> Outcome:
        return self.outcomes.get(str((job.get("Meta") or {}).get("outrider_version")), self.usually)
