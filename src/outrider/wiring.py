"""The composition root: settings and platform become clients, store, environments and the application over them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError
from outrider_ground.private import private_directory

from outrider.clients.agent_archive import carried_agent
from outrider.clients.consul import consul_client
from outrider.clients.envoy import LocalEnvoy
from outrider.clients.metrics import SidecarTraffic
from outrider.clients.nomad import nomad_client
from outrider.clients.registry import RegistryClient
from outrider.clients.sidecar import SidecarClient
from outrider.operations.application import Application
from outrider.operations.change.digests import Digests
from outrider.operations.changes import Changes
from outrider.operations.drive.batches import BatchRunner
from outrider.operations.drive.runner import Runner
from outrider.operations.environment import Environment
from outrider.operations.journal import Journal
from outrider.operations.observe.observer import Observer
from outrider.operations.upkeep.retention import Bounds
from outrider.operations.upkeep.upkeep import Upkeep
from outrider.store.storage.address import storage_at
from outrider.store.store import SqlStore, folder_beside, opened_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from outrider.operations.repositories import Store
    from outrider.settings import Settings
    from outrider.spec.platform import Keep, Platform
    from outrider.store.storage.storage import Storage
    from outrider.topology.sidecar import CarriedAgent

DATABASE_FILE = "portal.db"
ARTIFACTS = "artifacts"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all environments of one portal have in common."""

    settings: Settings
    platform: Platform
    store: Store
    journal: Journal
    agent: CarriedAgent


@asynccontextmanager
async def application(
    settings: Settings, platform: Platform, listening: str | None = None
) -> AsyncGenerator[Application]:
    """Everything that a portal needs, running; what is unfinished in the store is taken up at once.

    ``listening`` is where the portal is reached when the platform does not say, None where that is nowhere. UsageError
    for a token that is set but blank.
    """
    token = _token(settings)
    async with AsyncExitStack() as stack:
        store = await store_of(settings)
        stack.push_async_callback(store.close)
        url = platform.portal.url if platform.portal else listening
        journal = Journal(store.deployments, store.events)
        shared = _Shared(settings, platform, store, journal, carried_agent())
        environments = {name: _environment(name, shared, stack) for name in platform.environments}
        observers = {name: _observer(one, stack) for name, one in environments.items()}
        runner = Runner(store.deployments, environments)
        runner.start()
        upkeep = Upkeep(store, environments, partial(_bounds, platform.keep))
        upkeep.start()
        stack.push_async_callback(upkeep.close)
        stack.push_async_callback(runner.close)
        batches = BatchRunner(store.batches, store.deployments, journal)
        stack.push_async_callback(batches.close)
        registry = RegistryClient(platform.registries.plain_http, settings.registries)
        digests = Digests(registry, store.releases)
        stack.push_async_callback(digests.close)
        changes = Changes(platform, environments, store, runner.drive, url, batches, digests)
        batches.deploys_by(changes.deploy)
        batches.start()
        yield Application(platform, environments, store, journal, url, changes, token, observers)


def _bounds(keep: Keep) -> Bounds:
    return Bounds(keep.versions, datetime.now(UTC) - timedelta(days=keep.days))


def _token(settings: Settings) -> str | None:
    if settings.token is None:
        return None
    if settings.token.is_blank:
        raise UsageError(
            f"the token from {settings.token.source} is blank, and a portal asks for it",
            next_step="Set it to a secret that cannot be guessed (`openssl rand -hex 32`), or unset it.",
        )
    return settings.token.value


async def store_of(settings: Settings, *, migrates: bool = True) -> SqlStore:
    """The store that the settings name: a SQLite file and a folder beside it, unless they say otherwise."""
    url = database_url(settings)
    return await opened_store(url, storage_of(settings), migrates=migrates)


def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name: else a folder beside the database's file, or one of this machine's user."""
    if settings.artifacts:
        return storage_at(settings.artifacts, settings.s3)
    url = database_url(settings)
    return folder_beside(url) if url.startswith("sqlite:") else storage_at(str(settings.data_directory / ARTIFACTS))


def database_url(settings: Settings) -> str:
    """The database that the settings name, or a file of this machine's user."""
    return settings.database or _own_database(settings)


def _own_database(settings: Settings) -> str:
    return f"sqlite:///{private_directory(settings.data_directory) / DATABASE_FILE}"


def _environment(name: str, shared: _Shared, stack: AsyncExitStack) -> Environment:
    written, settings = shared.platform.environments[name], shared.settings
    region, namespace = written.nomad.region, written.nomad.namespace
    nomad = nomad_client(written.nomad.address, settings.nomad, region=region, namespace=namespace)
    consul = consul_client(written.consul.address, settings.consul)
    stack.push_async_callback(nomad.close)
    stack.push_async_callback(consul.close)
    return Environment(
        name=name,
        platform=shared.platform,
        nomad=nomad,
        consul=consul,
        envoy=LocalEnvoy(settings.envoy, getattr(written.sidecar.envoy, "path", None)),
        sidecars=SidecarClient(),
        traffic=SidecarTraffic(),
        store=shared.store,
        journal=shared.journal,
        agent=shared.agent,
    )


def _observer(environment: Environment, stack: AsyncExitStack) -> Observer:
    """An observer that runs until the stack is left, which is before the clients are closed."""
    names = partial(environment.store.versions.services, environment.name)
    made = Observer(environment.name, environment.nomad, environment.consul, names)
    made.start()
    stack.push_async_callback(made.close)
    return made
