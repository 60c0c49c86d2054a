"""All that the faces may ask for, in one object: each method is one operation in one environment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.operations.change import canary
from outrider.operations.change.deploy import deployed
from outrider.operations.change.documents import Source
from outrider.operations.change.plan import prepared
from outrider.operations.change.redeploy import version_to_renew
from outrider.operations.change.rollback import roll_back
from outrider.operations.change.scale import scale
from outrider.operations.change.start import start
from outrider.operations.change.stop import stop
from outrider.operations.environment_view import EnvironmentView
from outrider.operations.look import history
from outrider.operations.look.endpoints import endpoints
from outrider.operations.look.graph import graph
from outrider.operations.look.logs import LogRequest, logs
from outrider.operations.look.status import service_names, status, statuses
from outrider.operations.lookups import datacenter, spec_of, stored_version
from outrider.operations.opening import Order, answered, repeated
from outrider.topology.sidecar import Artifact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from outrider.operations.answers.endpoints import Endpoints
    from outrider.operations.answers.graph import TrafficGraph
    from outrider.operations.answers.plan import Plan
    from outrider.operations.answers.status import Status
    from outrider.operations.drive.runner import Runner
    from outrider.operations.environment import Environment
    from outrider.operations.events import Event
    from outrider.operations.journal import Journal
    from outrider.operations.observe.observation import Keeper
    from outrider.operations.principal import Principal
    from outrider.operations.records import Deployment, Version, VersionSummary
    from outrider.operations.repositories import Store
    from outrider.spec.platform import Platform

DIRECTORY_FILE = "directory.tar.gz"
UNUSED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Text:
    """A service spec as a face hands it in; ``artifact`` is the SHA-256 of its packed directory, uploaded before."""

    spec: str
    file: str = "outrider.yaml"
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """One portal's worth of operations; ``url`` is where nodes and people reach it, ``token`` what its API asks for.

    ``observers`` keep what runs, by environment; where there is none, whoever looks asks the servers.
    ``url`` is None where the platform has no ``portal.url`` and the portal listens on no address of its own.
    Every method is told who asks, by a principal or by an order, which has one. Those that name an environment raise
    UsageError for one that the platform does not have.
    """

    platform: Platform
    environments: Mapping[str, Environment]
    store: Store
    journal: Journal
    runner: Runner
    url: str | None
    token: str | None = None
    observers: Mapping[str, Keeper] = field(default_factory=dict[str, "Keeper"])

    def environment(self, principal: Principal, name: str) -> Environment:
        """The environment of that name, for whoever asks: all may ask for all of them."""
        if name not in self.environments:
            known = ", ".join(self.environments)
            raise UsageError(f"there is no environment {name}", next_step=f"The platform has: {known}.")
        return self.environments[name]

    def _view(self, principal: Principal, name: str) -> EnvironmentView:
        """The environment of that name as one looks at it."""
        return EnvironmentView(self.environment(principal, name), self.observers.get(name))

    async def plan(self, principal: Principal, environment: str, text: Text, *, renews: bool = False) -> Plan:
        """What deploying the text would change, with ``renews`` also where only today's sidecar is another."""
        source = sent(self.platform, self.url, text)
        return (await prepared(self.environment(principal, environment), source, renews=renews)).plan

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

    async def datacenter(self, principal: Principal, environment: str) -> str | None:
        """Consul's name for the environment's datacenter; None where it does not answer."""
        return await datacenter(self.environment(principal, environment))

    async def status(self, principal: Principal, environment: str, service: str) -> Status:
        """What runs of a service."""
        return await status(self._view(principal, environment), service)

    async def statuses(self, principal: Principal, environment: str | None = None) -> tuple[Status, ...]:
        """What runs of all services, in one environment or in all."""
        wanted = [environment] if environment else self.environments
        return await statuses([self._view(principal, name) for name in wanted])

    async def services(self, principal: Principal, environment: str) -> frozenset[str]:
        """The names of all services there, those that run and those that were deployed."""
        return await service_names(self._view(principal, environment))

    async def versions(
        self, principal: Principal, environment: str, service: str, limit: int | None = None
    ) -> tuple[VersionSummary, ...]:
        """The stored versions, newest first, without their documents."""
        return await history.versions(self.environment(principal, environment), service, limit)

    async def version(self, principal: Principal, environment: str, service: str, number: int) -> Version:
        """One stored version."""
        return await stored_version(self.environment(principal, environment), service, number)

    async def deployments(self, principal: Principal, environment: str, service: str) -> tuple[Deployment, ...]:
        """The last deployments, newest first."""
        return await history.deployments(self.environment(principal, environment), service)

    async def deployment(self, principal: Principal, deployment_id: str) -> Deployment:
        """One deployment."""
        return await history.deployment(self.store.deployments, deployment_id)

    async def events(self, principal: Principal, deployment_id: str, after: int = 0) -> tuple[Event, ...]:
        """The events so far with a number above ``after``."""
        await self.deployment(principal, deployment_id)
        return await self.store.events.after(deployment_id, after)

    async def feed(self, principal: Principal, deployment_id: str, after: int = 0) -> AsyncIterator[Event | None]:
        """The events as they come, up to the verdict; None now and then while nothing happens."""
        await self.deployment(principal, deployment_id)
        return self.journal.feed(deployment_id, after)

    async def endpoints(self, principal: Principal, environment: str, service: str) -> Endpoints:
        """Where the service's calls can go, by Consul, agents and Envoys."""
        return await endpoints(self._view(principal, environment), service)

    async def graph(self, principal: Principal, environment: str, window_s: float) -> TrafficGraph:
        """The declared calls with what flows on them during the next ``window_s`` seconds."""
        return await graph(self._view(principal, environment), window_s)

    async def logs(
        self, principal: Principal, environment: str, service: str, request: LogRequest
    ) -> AsyncIterator[bytes]:
        """The output of a task."""
        return await logs(self.environment(principal, environment), service, request)

    async def keep_artifact(self, principal: Principal, content: bytes) -> None:
        """Keep uploaded bytes under their hash; what nobody refers to goes after a day."""
        await self.store.artifacts.drop_artifacts(datetime.now(UTC) - UNUSED_FOR)
        await self.store.artifacts.add_artifact(content)

    async def artifact(self, principal: Principal, sha256: str) -> bytes:
        """The bytes with that hash, or UsageError."""
        found = await self.store.artifacts.content(sha256)
        if found is None:
            raise UsageError(f"no artifact {sha256} is stored", next_step="Deploy the spec that needs it again.")
        return found

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
        deployment = await repeated(here, order) or await answered(here, order, await change(here))
        self.runner.drive(deployment)
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
