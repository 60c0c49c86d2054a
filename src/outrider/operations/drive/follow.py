"""Watching a registered change to its verdict: evaluation, placement, deployment, allocations, promotion, return."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError

from outrider.nomad.read import placement
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
from outrider.operations.drive.allocation_lines import allocation_line, allocation_seen
from outrider.operations.drive.progress import Progress, Verdict
from outrider.operations.drive.reasons import failure, standstill
from outrider.operations.drive.revert import returned
from outrider.operations.drive.settling import settled
from outrider.operations.event_details import Counted, Evaluated, Promotion, Warned

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.event_details import Detail
    from outrider.operations.records import Deployment
    from outrider.operations.states import State

DECIDED = frozenset({"complete", "failed", "canceled", "blocked"})


class Following:
    """One registered deployment on its way to a verdict; every look and decision becomes an event."""

    def __init__(self, environment: Environment, deployment: Deployment) -> None:
        self.environment = environment
        self.deployment = deployment
        self._limits = environment.limits
        self._progress = Progress(time.monotonic)
        self._unplaced: tuple[str, ...] = ()
        self._healthy: frozenset[str] = frozenset()

    async def verdict(self) -> Verdict:
        """Watch until the end. RemoteError: Nomad has been silent for too long; the caller may look again."""
        await self._evaluate()
        found = await self._find()
        if found is None:
            return await settled(self.environment, self.deployment, self._progress, self.note)
        return await self._watch(found["ID"])

    async def note(self, message: str, detail: Detail) -> None:
        """Write an event down."""
        await self.environment.journal.note(self.deployment.id, message, detail)

    async def _evaluate(self) -> None:
        """Wait for the scheduler, and say where it found no node."""
        if not self.deployment.evaluation:
            return
        while True:
            document = await self.environment.nomad.evaluation(self.deployment.evaluation)
            if document.get("Status") in DECIDED:
                break
            await asyncio.sleep(self._limits.look / 4)
        self._unplaced = placement.failures(document)
        message = "; ".join(self._unplaced) or "Nomad has scheduled it"
        await self.note(message, Evaluated(document.get("Status"), self._unplaced))

    async def _find(self) -> Json | None:
        """The deployment that belongs to the registration; scaling down makes none.

        Just after a registration Nomad still shows the one before.
        """
        give_up = time.monotonic() + self._limits.appearance
        while True:
            document = await self.environment.nomad.deployment_of(self.deployment.service)
            if document and document.get("JobSpecModifyIndex") == self.deployment.modify_index:
                return document
            if document and int(document.get("JobSpecModifyIndex") or 0) > (self.deployment.modify_index or 0):
                return None
            if time.monotonic() > give_up:
                return None
            await asyncio.sleep(self._limits.look / 4)

    async def _watch(self, deployment_id: str) -> Verdict:
        self.deployment = replace(self.deployment, nomad_deployment=deployment_id)
        await self.environment.store.deployments.save_deployment(self.deployment)
        index = 0
        while True:
            document, index = await self.environment.nomad.deployment(deployment_id, index, self._limits.look)
            await self._report(document)
            if document["Status"] in TERMINAL:
                return await self._end(document)
            verdict = await self._decide(document)
            if verdict is not None:
                return verdict
            await asyncio.sleep(self._limits.look / 10)

    async def _decide(self, document: Json) -> Verdict | None:
        """Promote, wait for a person, or give up where nothing moves any more."""
        if promotion_is_due(document, self._healthy):
            await self._promotion(document)
            return None
        await self._state("running")
        if self._unplaced and self._progress.still_for_s > self._limits.placement:
            return await self._give_up(document, "not_placed", "; ".join(self._unplaced))
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
        if now.placed >= now.desired:
            self._unplaced = ()

    async def _end(self, document: Json) -> Verdict:
        status, said = document["Status"], str(document.get("StatusDescription", ""))
        if status == "successful":
            now = numbers(document)
            return Verdict("successful", f"{now.healthy} of {now.desired} allocations healthy")
        if status == "cancelled":
            return Verdict("superseded", f"Nomad has cancelled the deployment: {said}")
        why = await self._why(document)
        reason = "\n".join(part for part in (f"Nomad: {said}", why) if part)
        if goes_back(document):
            await self.note(f"failed; {said}", _counted(document, numbers(document)))
            reason += "\n" + await returned(self.environment, self.deployment, self.note)
        return Verdict("not_placed" if self._unplaced else "failed", reason)

    async def _give_up(self, document: Json, state: State, reason: str) -> Verdict:
        """Fail the deployment at Nomad, so that it goes back by itself, and say why."""
        await self.note(f"given up: {reason}", Warned())
        why = await self._why(document)
        try:
            answer = await self.environment.nomad.fail(document["ID"])
        except ConflictError:  # it has ended by itself in this very moment
            return await self._end((await self.environment.nomad.deployment(document["ID"]))[0])
        except RemoteError as error:
            said = f"{reason}; Nomad did not take it back: {error.message}"
            return Verdict(state, "\n".join(part for part in (said, why) if part))
        if answer.get("RevertedJobVersion") is not None:
            reason += "\n" + await returned(self.environment, self.deployment, self.note)
        elif self.deployment.previous is None and state == "not_placed":
            await self.environment.nomad.deregister(self.deployment.service)
            reason += "\nthe job was stopped again: it would have started unwatched as soon as there is room"
        return Verdict(state, "\n".join(part for part in (reason, why) if part))

    async def _why(self, document: Json) -> str:
        """What failed; where nothing has, what it waited for."""
        whose = self.environment, self.deployment.service, int(document["JobVersion"])
        return await failure(*whose) or ("" if self._unplaced else await standstill(*whose))

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
