"""All that the faces may ask to be done with services: each method is one change in one environment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from outrider.operations.blockers.check import checked_overrides
from outrider.operations.change import canary
from outrider.operations.change.batch import batch_plan, check_batch, known_batch
from outrider.operations.change.batch_order import asked_of, begun_batch, repeated_batch
from outrider.operations.change.deploy import deploy, with_blockers
from outrider.operations.change.difference import Subject, Wanted, difference
from outrider.operations.change.documents import Source, Text
from outrider.operations.change.plan import named, prepared
from outrider.operations.change.platform_part import platform_since
from outrider.operations.change.redeploy import version_to_renew
from outrider.operations.change.release import approve, releasable, release_plan, release_source
from outrider.operations.change.restart import Restart, restart
from outrider.operations.change.roll import roll
from outrider.operations.change.rollback import roll_back, version_to_go_to
from outrider.operations.change.scale import scale
from outrider.operations.change.sources import Sources, text_of
from outrider.operations.change.start import start
from outrider.operations.change.stop import remove, stop
from outrider.operations.environment import environment_named
from outrider.operations.event_details import Validated
from outrider.operations.opening import Order, answered, repeated
from outrider.operations.registered import registered
from outrider.operations.stored_specs import spec_of
from outrider.operations.turns import turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from outrider.operations.answers.batch import BatchPlan
    from outrider.operations.answers.difference import Difference
    from outrider.operations.answers.plan import Plan
    from outrider.operations.answers.release import ReleasePlan
    from outrider.operations.batches import Batch
    from outrider.operations.change.digests import Digests
    from outrider.operations.change.plans import Prepared
    from outrider.operations.change.release import ApprovedVersion, Releasable
    from outrider.operations.drive.batches import BatchRunner
    from outrider.operations.environment import Environment
    from outrider.operations.principal import Principal
    from outrider.operations.records import Deployment, Version
    from outrider.operations.registered import Registered
    from outrider.operations.release_records import Approval
    from outrider.operations.repositories import Store
    from outrider.spec.addon import AddOn
    from outrider.spec.platform import Platform


@dataclass(frozen=True, slots=True)
class ChangeGround:
    """What every change of one portal stands on; ``url`` is where nodes reach it, for what they fetch from it, ``addons`` the catalogue.

    ``drive`` carries what was begun to its verdict, in the background; ``batches`` what is deployed as one plan.
    """

    platform: Platform
    environments: Mapping[str, Environment]
    store: Store
    drive: Callable[[Deployment], object]
    url: str | None
    batches: BatchRunner
    digests: Digests
    addons: Mapping[str, AddOn] = field(default_factory=dict[str, "AddOn"])

    @property
    def _sources(self) -> Sources:
        return Sources(self.platform, self.url, self.store.artifacts)

    def environment(self, principal: Principal, name: str) -> Environment:
        """The environment of that name, for whoever asks: all may change all of them."""
        return environment_named(self.environments, name)

    async def _deployed(self, here: Environment, source: Source, order: Order, within_s: float = 0) -> Deployment:
        known = await registered(here, within_s=within_s)
        made = await deploy(here, await prepared(here, source, renews=order.renews, known=known), order)
        self.digests.note(here, made)
        return made

    async def _of_version(self, here: Environment, version: Version, order: Order) -> Deployment:
        """Its spec, rendered today."""
        source = await self._sources.stored(text_of(version))
        return await self._deployed(here, source, order)

    async def _changed(
        self, environment: str, service: str, order: Order, change: Callable[[Environment], Awaitable[Deployment]]
    ) -> Deployment:
        """What the change makes, driven from now on; of a request that was made before, what it made then."""
        checked_overrides(order)
        here = self.environment(order.by, environment)
        async with turn(here, service, order.by.name):
            deployment = await repeated(here, order) or await answered(here, order, await change(here))
        self.drive(deployment)
        return deployment


@dataclass(frozen=True, slots=True)
class Changes(ChangeGround):
    """What one portal can change.

    Every change is asked for by an order, which says by whom. Those that name an environment raise UsageError for one
    that the platform does not have.
    """

    async def plan(self, principal: Principal, environment: str, text: Text, *, renews: bool = False) -> Plan:
        """What deploying the text would change, with ``renews`` also where only today's sidecar is another."""
        here, source = self.environment(principal, environment), self._sources.sent(text)
        return (await _shown(here, source, Order(principal, renews=renews))).plan

    async def plan_batch(
        self, principal: Principal, environment: str, texts: Sequence[Text], *, renews: bool = False
    ) -> BatchPlan:
        """What deploying the texts would change, callees first."""
        here, order = self.environment(principal, environment), Order(principal, renews=renews)
        sources, known = [self._sources.sent(text) for text in texts], await registered(here)
        return await batch_plan(self.platform, environment, sources, lambda one: _shown(here, one, order, known))

    async def deploy_batch(self, environment: str, texts: Sequence[Text], order: Order) -> Batch:
        """Deploy the texts as one plan, in the background; nothing begins where something speaks against one of them."""
        checked_overrides(order)
        if found := await repeated_batch(self.store.batches, texts, environment, order):
            return found
        plan = await self.plan_batch(order.by, environment, texts, renews=order.renews)
        for text in texts:
            await self._sources.stored(text)
        check_batch(plan, order)
        return await self.batches.begin(begun_batch(plan, order), asked_of(texts, environment, order))

    async def batch(self, principal: Principal, batch_id: str) -> Batch:
        """How far a batch has come."""
        return await known_batch(self.store.batches, batch_id)

    async def difference(self, principal: Principal, before: Wanted, after: Wanted) -> Difference:
        """How two versions differ, or a text and what runs, also of two environments. Nothing is changed."""
        return await difference(self._subject(principal, before), self._subject(principal, after))

    def _subject(self, principal: Principal, wanted: Wanted) -> Subject:
        source = self._sources.sent(wanted.text) if wanted.text else None
        return Subject(self.environment(principal, wanted.environment), wanted.service, wanted.number, source)

    async def deploy(self, environment: str, text: Text, order: Order, *, within_s: float = 0) -> Deployment:
        """Deploy the text, in the background; what is registered may be known for ``within_s`` seconds."""
        source = await self._sources.stored(text)
        service, made = await named(self.environment(order.by, environment), source), self._deployed
        return await self._changed(environment, service, order, lambda here: made(here, source, order, within_s))

    async def redeploy(self, environment: str, service: str, order: Order) -> Deployment:
        """Bring up the version that runs with today's sidecar."""
        return await self._changed(environment, service, order, lambda here: self._renewed(here, service, order))

    async def _renewed(self, here: Environment, service: str, order: Order) -> Deployment:
        version = await version_to_renew(here, service)
        return await self._of_version(here, version, replace(order, renews=True))

    async def plan_release(
        self, principal: Principal, environment: str, service: str, source: str | None
    ) -> ReleasePlan:
        """What bringing over what runs in ``source`` would change."""
        here = self.environment(principal, environment)
        found = await self._releasable(principal, here, service, source)
        order = Order(principal, origin=found.brought)
        ready = await _shown(here, self._sources.sent(found.text), order)
        return release_plan(found, ready, await self.store.approvals.approvals(environment, service))

    async def release(self, environment: str, service: str, source: str | None, order: Order) -> Deployment:
        """Bring over exactly what runs in ``source``, by default where the platform says that versions come from."""
        return await self._changed(
            environment, service, order, lambda here: self._released(here, service, source, order)
        )

    async def _released(self, here: Environment, service: str, source: str | None, order: Order) -> Deployment:
        found = await self._releasable(order.by, here, service, source)
        return await self._deployed(here, await self._sources.stored(found.text), replace(order, origin=found.brought))

    async def _releasable(
        self, principal: Principal, here: Environment, service: str, source: str | None
    ) -> Releasable:
        there = self.environment(principal, release_source(self.platform, here.name, source))
        return await releasable(there, here, service, self.digests)

    async def approve(self, environment: str, service: str, meant: ApprovedVersion, order: Order) -> Approval:
        """Remember that somebody is for a version's release to the environment."""
        here = self.environment(order.by, environment)
        source = self.environment(order.by, release_source(self.platform, environment, meant.source))
        return await approve(source, here, service, meant.number, order)

    async def start(self, environment: str, service: str, order: Order) -> Deployment:
        """Start what was stopped, as it was."""
        return await self._changed(environment, service, order, lambda here: start(here, service, order))

    async def roll(self, environment: str, service: str, order: Order) -> Deployment:
        """Start all allocations anew by the service's own update rules, with the values of now."""
        return await self._changed(environment, service, order, lambda here: roll(here, service, order))

    async def roll_back(
        self, environment: str, service: str, number: int | None, order: Order, *, with_platform: bool = False
    ) -> Deployment:
        """Bring a stored version back, by default the one before: as it ran, or its spec with today's platform and Outrider."""
        change = self._rolled_back if with_platform else roll_back
        return await self._changed(environment, service, order, lambda here: change(here, service, number, order))

    async def _rolled_back(self, here: Environment, service: str, number: int | None, order: Order) -> Deployment:
        version = await version_to_go_to(here, service, number)
        found = await self._of_version(here, version, replace(order, renews=True, goes_back=True))
        if not found.is_final:
            said = f"the spec of version {version.number}, with the platform file and the Outrider of today"
            since = await platform_since(here, version, spec_of(version).service)
            said += f"; since then the file says: {since}" if since else ""
            await here.journal.note(found.id, said, Validated())
        return found

    async def scale(self, environment: str, service: str, count: int, order: Order) -> Deployment:
        """Change the count of a running service."""
        return await self._changed(environment, service, order, lambda here: scale(here, service, count, order))

    async def restart(self, environment: str, service: str, wanted: Restart, order: Order) -> Deployment:
        """Restart what runs, as it is."""
        return await self._changed(environment, service, order, lambda here: restart(here, service, wanted, order))

    async def stop(self, environment: str, service: str, order: Order, *, purge: bool = False) -> Deployment:
        """Stop a service."""
        return await self._changed(environment, service, order, lambda here: stop(here, service, order, purge=purge))

    async def remove(self, environment: str, service: str, order: Order) -> Deployment:
        """Stop a service for good: its job is forgotten, and its name is free for another add-on."""
        return await self._changed(environment, service, order, lambda here: remove(here, service, order))

    async def promote(self, environment: str, service: str, order: Order) -> Deployment:
        """Promote the waiting canary."""
        return await self._changed(environment, service, order, lambda here: canary.promote(here, service, order))

    async def fail(self, environment: str, service: str, order: Order) -> Deployment:
        """Fail the active deployment."""
        return await self._changed(environment, service, order, lambda here: canary.fail(here, service, order))


async def _shown(here: Environment, source: Source, order: Order, known: Registered | None = None) -> Prepared:
    """What is prepared as people see it, with all that would stop it now."""
    ready = await prepared(here, source, renews=order.renews, known=known, is_shown=True)
    return await with_blockers(here, ready, order)
