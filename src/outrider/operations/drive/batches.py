"""Batches that this process carries to their end: each service is deployed once those that it calls are up."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.batches import NOT_UP, UP, Batch, BatchMember, MemberState
from outrider.operations.change.batch_order import order_of, text_of
from outrider.operations.drive.leased import LEASE_S, LeasedWork, while_claimed
from outrider.operations.events import PromotionEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from outrider.documents import Json
    from outrider.operations.change.documents import Text
    from outrider.operations.journal import Journal
    from outrider.operations.opening import Order
    from outrider.operations.records import Deployment
    from outrider.operations.repositories import Batches, Deployments

    Deploy = Callable[[str, Text, Order], Awaitable[Deployment]]

AT_A_TIME = 8
"""Steps of one batch that are under way together: a circle counts once, since none of it comes up alone."""
KNOWN_FOR_S = 5.0
"""What others speak need not be asked anew for each of a batch: what its own services speak, the batch says itself."""
FAILED: Mapping[MemberState, str] = {
    "failed": "failed",
    "not_placed": "found no room",
    "superseded": "was replaced by another deployment",
}

log = logging.getLogger("outrider.batches")


class BatchRunner:
    """Drives batches; those of a portal that is gone are taken up as their lease ends.

    Nothing is done twice: each member is deployed under a key of its own, so that a second try finds the first one's
    deployment.
    """

    def __init__(
        self, batches: Batches, deployments: Deployments, journal: Journal, *, lease_s: float = LEASE_S
    ) -> None:
        self._batches, self._deployments, self._journal = batches, deployments, journal
        self._holder, self._lease_s = str(uuid.uuid4()), lease_s
        self._work = LeasedWork("batches", self._take_up, lease_s)
        self._deploy: Deploy | None = None

    def deploys_by(self, deploy: Deploy) -> None:
        """What brings one service up, known before anything begins."""
        self._deploy = deploy

    def start(self) -> None:
        """Take up what is unfinished, now and whenever something turns up."""
        self._work.start()

    async def close(self) -> None:
        """Let go of everything; whoever starts next takes it up."""
        await self._work.close()

    async def begin(self, batch: Batch, asked: Json) -> Batch:
        """Remember the batch and drive it in the background; the one that is there already where its id is known."""
        kept = await self._batches.add_batch(batch, asked)
        self.drive(kept)
        return kept

    def drive(self, batch: Batch) -> None:
        """Drive the batch in the background, once."""
        if batch.state == "running":
            self._work.begin(batch.id, lambda: self._driven(batch.id))

    async def _take_up(self) -> None:
        for batch in await self._batches.unfinished():
            self.drive(batch)

    async def _claim(self, batch_id: str) -> bool:
        return await self._batches.claim(batch_id, self._holder, self._lease_s)

    async def _driven(self, batch_id: str) -> None:
        """Drive it for as long as the lease is ours; whoever takes it up goes on from what is written down."""
        if self._deploy is None or not await self._claim(batch_id):
            return
        work = self._finished(batch_id, self._deploy)
        try:
            await while_claimed(work, lambda: self._claim(batch_id), self._lease_s)
        except OutriderError as error:
            log.warning("batch %s is taken up again later: %s", batch_id, error.message)
        except Exception:  # whatever it is: a batch that nobody can drive would be under way for ever
            log.exception("batch %s", batch_id)
            await self._batches.end_batch(batch_id, "failed")

    async def _finished(self, batch_id: str, deploy: Deploy) -> None:
        batch, asked = await self._batches.with_id(batch_id), await self._batches.asked(batch_id)
        if batch is None or asked is None or batch.state != "running":
            return
        under_way = _UnderWay(self, batch, asked, deploy)
        members = await under_way.ended()
        is_good = all(one.state in UP for one in members)
        await self._batches.end_batch(batch.id, "successful" if is_good else "failed")

    async def save(self, batch: Batch, member: BatchMember) -> None:
        """Write down how far a member has come."""
        await self._batches.save_member(batch.id, member)

    async def settled(self, deployment: Deployment) -> tuple[MemberState, str]:
        """How the deployment ended, or that its canary waits for a person."""
        async with aclosing(self._journal.feed(deployment.id)) as events:
            async for event in events:
                if isinstance(event, PromotionEvent) and event.detail.needed:
                    return "waiting", event.message
        ended = await self._deployments.with_id(deployment.id)
        return (ended.state, ended.reason) if ended else ("failed", "nothing is known of its deployment")


class _UnderWay:
    """One batch on its way: who is up, and who waits for whom."""

    def __init__(self, runner: BatchRunner, batch: Batch, asked: Json, deploy: Deploy) -> None:
        self._runner, self._batch, self._asked, self._deploy = runner, batch, asked, deploy
        self._members = {one.service: one for one in batch.members}
        self._decided = {one.service: asyncio.Event() for one in batch.members}
        self._free = asyncio.Semaphore(AT_A_TIME)

    async def ended(self) -> tuple[BatchMember, ...]:
        """All members, each with how it ended."""
        by_step: dict[int, list[str]] = {}
        for one in self._batch.members:
            by_step.setdefault(one.step, []).append(one.service)
        async with asyncio.TaskGroup() as group:
            for services in by_step.values():
                group.create_task(self._step(services))
        return tuple(self._members.values())

    async def _step(self, services: list[str]) -> None:
        """All of a step begin together, once whatever one of them calls is decided on."""
        awaited = sorted({callee for service in services for callee in self._members[service].after})
        for callee in awaited:
            await self._decided[callee].wait()
        why = _why_not(self._members[callee] for callee in awaited)
        async with self._free:
            await asyncio.gather(*(self._brought_up(service, why) for service in services))

    async def _brought_up(self, service: str, why_not: str) -> None:
        member = self._members[service]
        if not member.is_final:
            member = await self._outcome(member, why_not)
            await self._keep(member)
        self._decided[service].set()

    async def _outcome(self, member: BatchMember, why_not: str) -> BatchMember:
        if why_not:
            return replace(member, state="not_deployed", reason=why_not)
        try:
            deployment = await self._deploy(self._batch.environment, *self._order(member))
            begun = replace(member, state="running", deployment=deployment.id, version=deployment.version)
            await self._keep(begun)
            state, reason = await self._runner.settled(deployment)
        except OutriderError as error:
            return replace(member, state="failed", reason=error.message)
        except Exception:  # whatever it is: those that wait for it would wait for ever
            log.exception("batch %s: %s", self._batch.id, member.service)
            return replace(member, state="failed", reason="a defect of Outrider; the portal's log has its traceback")
        return replace(begun, state=state, reason=reason)

    async def _keep(self, member: BatchMember) -> None:
        self._members[member.service] = member
        await self._runner.save(self._batch, member)

    def _order(self, member: BatchMember) -> tuple[Text, Order]:
        """What is deployed for the member, as it was asked for; its key makes a second try find the first."""
        text = text_of(self._asked, member.service)
        digest = hashlib.sha256(text.spec.encode()).hexdigest()
        return text, replace(order_of(self._asked), key=f"{self._batch.id}/{member.service}", request_hash=digest)


def _why_not(callees: Iterable[BatchMember]) -> str:
    """Which of those that have to be up is not, first of all of them; empty where all are."""
    for one in callees:
        if one.state in NOT_UP:
            return one.reason if one.state == "not_deployed" else f"{one.service} {FAILED[one.state]}"
    return ""
