"""All that the faces may ask to be done with services: each method is one change in one environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.operations.blockers.check import blockers, checked_overrides
from outrider.operations.change import canary
from outrider.operations.change.deploy import change_of, deployed
from outrider.operations.change.documents import Source
from outrider.operations.change.plan import prepared
from outrider.operations.change.redeploy import version_to_renew
from outrider.operations.change.rollback import roll_back
from outrider.operations.change.scale import scale
from outrider.operations.change.start import start
from outrider.operations.change.stop import stop
from outrider.operations.environment import environment_named
from outrider.operations.opening import Order, answered, repeated
from outrider.operations.stored_specs import spec_of
from outrider.topology.sidecar import Artifact

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from outrider.operations.answers.plan import Plan
    from outrider.operations.environment import Environment
    from outrider.operations.principal import Principal
    from outrider.operations.records import Deployment
    from outrider.operations.repositories import Store
    from outrider.spec.platform import Platform

DIRECTORY_FILE = "directory.tar.gz"


@dataclass(frozen=True, slots=True)
class Text:
    """A service spec as a face hands it in; ``artifact`` is the SHA-256 of its packed directory, uploaded before."""

    spec: str
    file: str = "outrider.yaml"
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one portal can change; ``url`` is where nodes reach it, for what they fetch from it.

    ``drive`` carries what was begun to its verdict, in the background.

    Every change is asked for by an order, which says by whom. Those that name an environment raise UsageError for one
    that the platform does not have.
    """

    platform: Platform
    environments: Mapping[str, Environment]
    store: Store
    drive: Callable[[Deployment], object]
    url: str | None

    def environment(self, principal: Principal, name: str) -> Environment:
        """The environment of that name, for whoever asks: all may change all of them."""
        return environment_named(self.environments, name)

    async def plan(self, principal: Principal, environment: str, text: Text, *, renews: bool = False) -> Plan:
        """What deploying the text would change, with ``renews`` also where only today's sidecar is another."""
        source = sent(self.platform, self.url, text)
        here = self.environment(principal, environment)
        ready = await prepared(here, source, renews=renews)
        if not ready.plan.has_changes:
            return ready.plan
        return replace(ready.plan, blockers=await blockers(here, change_of(ready, Order(principal, renews=renews))))

    async def deploy(self, environment: str, text: Text, order: Order) -> Deployment:
        """Deploy the text; the deployment goes on in the background."""
        return await self._changed(environment, order, lambda here: self._deployed(here, text, order))

    async def _deployed(self, here: Environment, text: Text, order: Order) -> Deployment:
        source = await self._source(text)
        return await deployed(here, lambda: prepared(here, source, renews=order.renews), order)

    async def redeploy(self, environment: str, service: str, order: Order) -> Deployment:
        """Bring up the version that runs with today's sidecar."""
        return await self._changed(environment, order, lambda here: self._renewed(here, service, order))

    async def _renewed(self, here: Environment, service: str, order: Order) -> Deployment:
        version = await version_to_renew(here, service)
        artifact = next(iter(version.artifacts), None) if spec_of(version).has_directory else None
        return await self._deployed(here, Text(version.spec, version.file, artifact), replace(order, renews=True))

    async def start(self, environment: str, service: str, order: Order) -> Deployment:
        """Start what was stopped, as it was."""
        return await self._changed(environment, order, lambda here: start(here, service, order))

    async def roll_back(self, environment: str, service: str, number: int | None, order: Order) -> Deployment:
        """Bring a stored version back, by default the one before."""
        return await self._changed(environment, order, lambda here: roll_back(here, service, number, order))

    async def scale(self, environment: str, service: str, count: int, order: Order) -> Deployment:
        """Change the count of a running service."""
        return await self._changed(environment, order, lambda here: scale(here, service, count, order))

    async def stop(self, environment: str, service: str, order: Order, *, purge: bool = False) -> Deployment:
        """Stop a service."""
        return await self._changed(environment, order, lambda here: stop(here, service, order, purge=purge))

    async def promote(self, environment: str, service: str, order: Order) -> Deployment:
        """Promote the waiting canary."""
        return await self._changed(environment, order, lambda here: canary.promote(here, service, order))

    async def fail(self, environment: str, service: str, order: Order) -> Deployment:
        """Fail the active deployment."""
        return await self._changed(environment, order, lambda here: canary.fail(here, service, order))

    async def _source(self, text: Text) -> Source:
        """The text with its directory, which is stored."""
        if text.artifact is not None and not await self.store.artifacts.has_artifact(text.artifact):
            raise UsageError(f"no artifact {text.artifact} is stored", next_step="Upload it first.")
        return sent(self.platform, self.url, text)

    async def _changed(
        self, environment: str, order: Order, change: Callable[[Environment], Awaitable[Deployment]]
    ) -> Deployment:
        """What the change makes, driven from now on; of a request that was made before, what it made then."""
        here = self.environment(order.by, environment)
        checked_overrides(order)
        deployment = await repeated(here, order) or await answered(here, order, await change(here))
        self.drive(deployment)
        return deployment


def sent(platform: Platform, portal: str | None, text: Text) -> Source:
    """The text with its directory; for a plan its hash is enough."""
    packed = None if text.artifact is None else packed_directory(platform, portal, text.artifact)
    return Source(text.spec, text.file, packed)


def packed_directory(platform: Platform, portal: str | None, sha256: str) -> Artifact:
    """Where nodes fetch a packed directory: from the operators' store where the platform names one, else the portal.

    Nomad's getter takes the kind of archive from the end of the name. UsageError where there is neither.
    """
    if platform.artifacts is None and portal is None:
        raise UsageError(
            "run.directory cannot be fetched by any node: the platform file has neither portal.url nor artifacts.url",
            next_step="Set portal.url to an address of the portal that every node reaches, or artifacts.url to a store.",
        )
    store = platform.artifacts.url if platform.artifacts else f"{(portal or '').rstrip('/')}/artifacts"
    url = f"{store.rstrip('/')}/{sha256}/{DIRECTORY_FILE}"
    return Artifact(url, sha256, is_portals=platform.artifacts is None)
