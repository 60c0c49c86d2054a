"""Watching a registered change to its verdict: evaluation, placement, deployment, allocations, promotion, return."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError

from outrider.nomad.read.allocations import allocations, healthy_ids
from outrider.nomad.read.deployment import (
    TERMINAL,
    Numbers,
    goes_back,
    numbers,
    progress_by,
    progress_deadline_s,
    promotes_itself,
    promotion_is_due,
)
from outrider.operations.change.outcomes import was_done
from outrider.operations.drive.allocation_lines import allocation_line, allocation_seen
from outrider.operations.drive.own_deployment import own_deployment
from outrider.operations.drive.pausing import Pausing
from outrider.operations.drive.placing import Placing
from outrider.operations.drive.progress import Progress, Verdict
from outrider.operations.drive.reasons import failure, standstill
from outrider.operations.drive.revert import returned
from outrider.operations.drive.settling import settled
from outrider.operations.drive.troubles import Troubles
from outrider.operations.event_details import Counted, Promotion, Warned

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.event_details import Detail
    from outrider.operations.records import Deployment
    from outrider.operations.states import State


class Following:
    """One registered deployment on its way to a verdict; every look and decision becomes an event."""

    def __init__(self, environment: Environment, deployment: Deployment) -> None:
        self.environment = environment
        self.deployment = deployment
        self.has_returned = False
        self._limits = environment.limits
        self._progress = Progress(time.monotonic)
        self._placing = Placing(environment, deployment, self.note)
        self._troubles = Troubles(environment, deployment, self.note, time.monotonic)
        self._pausing = Pausing(environment, deployment, self.note, time.monotonic)
        self._healthy: frozenset[str] = frozenset()

    async def verdict(self) -> Verdict:
        """Watch until the end. RemoteError: Nomad has been silent for too long; the caller may look again."""
        await self._placing.evaluated()
        found = await own_deployment(self.environment, self.deployment)
        if found is None:
            return await settled(self.environment, self.deployment, self._progress, self.note)
        return await self._watch(found["ID"])

    async def note(self, message: str, detail: Detail) -> None:
        """Write an event down."""
        await self.environment.journal.note(self.deployment.id, message, detail)

    async def _watch(self, deployment_id: str) -> Verdict:
        self.deployment = replace(self.deployment, nomad_deployment=deployment_id)
        await self.environment.store.deployments.save_deployment(self.deployment)
        index = 0
        while True:
            document, index = await self.environment.nomad.deployment(deployment_id, index, self._limits.look)
            await self._report(document)
            if document["Status"] in TERMINAL:
                return await self._end(document)
            if await self._pausing.holds(document, self._healthy):
                self._progress.restart()
            elif (verdict := await self._decide(document)) is not None:
                return verdict
            await asyncio.sleep(self._limits.look / 10)

    async def _decide(self, document: Json) -> Verdict | None:
        """Promote, wait for a person, or give up where nothing moves any more."""
        if promotion_is_due(document, self._healthy):
            await self._promotion(document)
            return None
        await self._state("running")
        if self._placing.unplaced and self._progress.still_for_s > self._limits.placement:
            return await self._give_up(document, "not_placed", "; ".join(self._placing.unplaced))
        if self._progress.failures >= self._limits.failures:
            return await self._give_up(document, "failed", f"{self._progress.failures} allocations became unhealthy")
        deadline = progress_deadline_s(document) + self._limits.stall
        if self._progress.still_for_s > deadline:
            return await self._give_up(document, "failed", f"nothing has moved for {deadline:.0f} s")
        return None

    async def _promotion(self, document: Json) -> None:
        """Promote by ourselves what no person has to decide on: Nomad forgets it at times (hashicorp/nomad#20308)."""
        if not promotes_itself(document):
            if self.deployment.state != "waiting":
                await self.note(f"the canary is healthy: {self._choice()}", Promotion(needed=True))
            await self._state("waiting")
            return
        if self._progress.still_for_s < self._limits.promotion:
            return
        self._progress.restart()
        try:
            await self.environment.nomad.promote(document["ID"])
        except (ConflictError, RemoteError) as error:
            await self.note(f"the promotion was refused: {error.message}", Warned())
        else:
            await self.note("promoted: all new allocations are healthy", Promotion(needed=False, by="outrider"))

    async def _report(self, document: Json) -> None:
        now = numbers(document)
        if self._progress.news_of(now):
            await self.note(str(now), _counted(document, now))
        stubs = allocations(await self.environment.nomad.allocations(self.deployment.service))
        ours = tuple(one for one in stubs if one.job_version == document["JobVersion"])
        self._healthy = healthy_ids(ours)
        for one in self._progress.news_among(ours):
            await self.note(allocation_line(one), allocation_seen(one))
        await self._troubles.tell(ours)
        await self._placing.look(now, self._progress.still_for_s)

    async def _end(self, document: Json) -> Verdict:
        status, said = document["Status"], str(document.get("StatusDescription", ""))
        if status == "successful":
            now = numbers(document)
            return Verdict("successful", f"{now.healthy} of {now.desired} allocations healthy")
        if status == "cancelled":
            return Verdict("superseded", f"Nomad has cancelled the deployment: {said}")
        why = await self._why(document)
        waited = f"it waited: {self._pausing.reason}" if self._pausing.reason else ""
        reason = "\n".join(part for part in (f"Nomad: {said}", waited, why) if part)
        if goes_back(document):
            await self.note(f"failed; {said}", _counted(document, numbers(document)))
            reason += "\n" + await self._return()
        return await self._unplaced("not_placed" if self._placing.unplaced else "failed", reason)

    async def _give_up(self, document: Json, state: State, reason: str) -> Verdict:
        """Fail the deployment at Nomad, so that it goes back by itself, and say why."""
        await self.note(f"given up: {reason}", Warned())
        why = await self._why(document)
        try:
            answer = await self.environment.nomad.fail(document["ID"])
        except ConflictError:  # it has ended by itself in this very moment
            return await self._end(await self._now(document))
        except RemoteError as error:
            if await was_done(self.environment, error, lambda: self._is_over(document)):
                return await self._end(await self._now(document))
            said = f"{reason}; Nomad did not take it back: {error.message}"
            return Verdict(state, "\n".join(part for part in (said, why) if part))
        if answer.get("RevertedJobVersion") is not None:
            reason += "\n" + await self._return()
        ended = await self._unplaced(state, reason)
        return Verdict(ended.state, "\n".join(part for part in (ended.reason, why) if part))

    async def _return(self) -> str:
        """What came of Nomad's return to the last good version, which waits for Consul as well."""
        self.has_returned = True
        return await returned(self.environment, self.deployment, self.note, self._pausing)

    async def _unplaced(self, state: State, reason: str) -> Verdict:
        """The verdict; a first version that found no room is stopped again."""
        if self.deployment.previous is not None or state != "not_placed":
            return Verdict(state, reason)
        await self.environment.nomad.deregister(self.deployment.service)
        return Verdict(
            state, f"{reason}\nthe job was stopped again: it would have started unwatched as soon as there is room"
        )

    async def _now(self, document: Json) -> Json:
        """The same deployment of Nomad's, as it is at this moment."""
        return (await self.environment.nomad.deployment(document["ID"]))[0]

    async def _is_over(self, document: Json) -> bool:
        """Whether Nomad has ended it."""
        return (await self._now(document))["Status"] in TERMINAL

    async def _why(self, document: Json) -> str:
        """What failed; where nothing has, what it waited for."""
        whose = self.environment, self.deployment.service, int(document["JobVersion"])
        return await failure(*whose) or ("" if self._placing.unplaced else await standstill(*whose))

    async def _state(self, state: State) -> None:
        if self.deployment.state != state:
            self.deployment = replace(self.deployment, state=state)
            await self.environment.store.deployments.save_deployment(self.deployment)

    def _choice(self) -> str:
        here = f"{self.deployment.service} -e {self.deployment.environment}"
        return f"`outrider promote {here}` or `outrider fail {here}`"


def _counted(document: Json, now: Numbers) -> Counted:
    return Counted(
        nomad_deployment=document["ID"],
        desired=now.desired,
        placed=now.placed,
        healthy=now.healthy,
        unhealthy=now.unhealthy,
        canaries=now.canaries,
        progress_by=progress_by(document),
    )
