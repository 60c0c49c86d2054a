"""All that the faces may ask for, in one object: what is seen by its methods, what is done by its ``changes``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outrider.operations.answers.platform import PlatformState, without_file
from outrider.operations.answers.uploaded import ArtifactList, Uploaded
from outrider.operations.environment import environment_named
from outrider.operations.environment_view import EnvironmentView
from outrider.operations.execs import Execs
from outrider.operations.look import history
from outrider.operations.look.artifacts import content, kept_artifacts, no_artifact
from outrider.operations.look.endpoints import endpoints
from outrider.operations.look.graph import graph
from outrider.operations.look.logs import LogRequest, logs
from outrider.operations.look.status import ended_allocations, service_names, status, statuses
from outrider.operations.look.values import values
from outrider.operations.lookups import datacenter, stored_version
from outrider.operations.older import SidecarAges
from outrider.operations.outside import outside_changes
from outrider.operations.stops import Stops

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping

    from outrider.nomad.read.allocations import Allocation
    from outrider.operations.answers.endpoints import Endpoints
    from outrider.operations.answers.graph import TrafficGraph
    from outrider.operations.answers.lists import Releases
    from outrider.operations.answers.outside import OutsideChange
    from outrider.operations.answers.status import Status
    from outrider.operations.answers.values import ServiceValues
    from outrider.operations.changes import Changes
    from outrider.operations.environment import Environment
    from outrider.operations.events import Event
    from outrider.operations.journal import Journal
    from outrider.operations.observe.observation import Keeper
    from outrider.operations.principal import Principal
    from outrider.operations.records import Artifact, Deployment, Version, VersionSummary
    from outrider.operations.repositories import Store
    from outrider.spec.platform import Platform


@dataclass(frozen=True, slots=True)
class Application:
    """One portal's worth of operations; ``url`` is where nodes and people reach it, ``token`` what its API asks for.

    ``observers`` keep what runs, by environment; where there is none, whoever looks asks the servers.
    ``platform_state`` is what is known of the platform file; None where nobody watches one. ``url`` is None where the
    platform has no ``portal.url`` and the portal listens on no address of its own.
    Every method is told who asks, by a principal or by an order, which has one. Those that name an environment raise
    UsageError for one that the platform does not have.
    """

    platform: Platform
    environments: Mapping[str, Environment]
    store: Store
    journal: Journal
    url: str | None
    changes: Changes
    token: str | None = None
    observers: Mapping[str, Keeper] = field(default_factory=dict[str, "Keeper"])
    platform_state: PlatformState | None = None
    ages: SidecarAges = field(default_factory=SidecarAges)

    @property
    def stops(self) -> Stops:
        """What people put in the way of changes."""
        return Stops(self.environments)

    @property
    def execs(self) -> Execs:
        """What people run beside tasks."""
        return Execs(self.environments)

    def environment(self, principal: Principal, name: str) -> Environment:
        """The environment of that name, for whoever asks: all may ask for all of them."""
        return environment_named(self.environments, name)

    def in_force(self, principal: Principal) -> PlatformState:
        """The platform file that this portal goes by, and the changed one that it refuses."""
        return self.platform_state or without_file(self.platform.environments)

    def _view(self, principal: Principal, name: str) -> EnvironmentView:
        """The environment of that name as one looks at it."""
        return EnvironmentView(self.environment(principal, name), self.observers.get(name))

    async def datacenter(self, principal: Principal, environment: str) -> str | None:
        """Consul's name for the environment's datacenter; None where it does not answer."""
        return await datacenter(self.environment(principal, environment))

    async def status(self, principal: Principal, environment: str, service: str) -> Status:
        """What runs of a service."""
        found = await status(self._view(principal, environment), service)
        return self.ages.told(self.environments, [found])[0]

    async def statuses(self, principal: Principal, environment: str | None = None) -> tuple[Status, ...]:
        """What runs of all services, in one environment or in all."""
        wanted = [environment] if environment else self.environments
        found = await statuses([self._view(principal, name) for name in wanted])
        return self.ages.told(self.environments, found)

    async def ended_allocations(self, principal: Principal, environment: str, service: str) -> tuple[Allocation, ...]:
        """The last allocations that no longer run, as long as Nomad has them."""
        return await ended_allocations(self.environment(principal, environment), service)

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

    async def outside_changes(self, principal: Principal, environment: str, service: str) -> tuple[OutsideChange, ...]:
        """What others did to its job that Nomad still remembers, newest first."""
        return await outside_changes(self.environment(principal, environment), service)

    async def releases(self, principal: Principal, environment: str, service: str, limit: int = 50) -> Releases:
        """The last changes of any kind, newest first."""
        return await history.releases(self.environment(principal, environment), service, limit)

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

    async def values(self, principal: Principal, environment: str, service: str) -> ServiceValues:
        """The values that the service reads, and which of its allocations started before one changed."""
        return await values(self.environment(principal, environment), service)

    async def graph(self, principal: Principal, environment: str, window_s: float) -> TrafficGraph:
        """The declared calls with what flows on them during the next ``window_s`` seconds."""
        return await graph(self._view(principal, environment), window_s)

    async def logs(
        self, principal: Principal, environment: str, service: str, request: LogRequest
    ) -> AsyncIterator[bytes]:
        """The output of a task."""
        return await logs(self.environment(principal, environment), service, request)

    async def keep_artifact(self, principal: Principal, content: AsyncIterable[bytes], sha256: str) -> Uploaded:
        """Keep uploaded bytes under their hash; what nobody refers to goes after a day. OtherBytesError for other bytes."""
        return self._uploaded(await self.store.artifacts.add_artifact(content, sha256))

    async def uploaded(self, principal: Principal, sha256: str) -> Uploaded:
        """What is known of the bytes with that hash, which stay for another day; UsageError where they are not here."""
        found = await self.store.artifacts.artifact(sha256)
        if found is None or not await self.store.artifacts.renew_artifact(sha256):
            raise no_artifact(sha256)
        return self._uploaded(found)

    async def artifacts(self, principal: Principal) -> ArtifactList:
        """All bytes that are stored, with the versions that need them."""
        return await kept_artifacts(self.store.artifacts)

    async def fetched(self, principal: Principal, sha256: str, word: str | None) -> Artifact:
        """What a node asks for by an address of ours; for any other UsageError, as for bytes that are not here."""
        found = await self.store.artifacts.artifact(sha256)
        is_ours = found and (found.by_hash if word is None else self.store.artifacts.links.admits(sha256, word))
        if found is None or not is_ours:
            raise no_artifact(sha256)
        return found

    async def content(self, principal: Principal, artifact: Artifact, start: int, stop: int) -> AsyncIterator[bytes]:
        """Bytes ``start`` up to ``stop`` in pieces; RemoteError where the storage has lost them."""
        return await content(self.store.artifacts, artifact, start, stop)

    def _uploaded(self, kept: Artifact) -> Uploaded:
        url = self.url and f"{self.url.rstrip('/')}/{self.store.artifacts.links.path(kept.sha256, '')}"
        return Uploaded(kept.sha256, kept.size, url)
