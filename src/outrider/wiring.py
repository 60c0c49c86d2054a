"""The composition root: settings and platform become clients, store, environments and the application over them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from outrider.clients.agent_archive import carried_agent
from outrider.clients.consul import consul_client
from outrider.clients.envoy import LocalEnvoy
from outrider.clients.metrics import SidecarTraffic
from outrider.clients.nomad import nomad_client
from outrider.clients.sidecar import SidecarClient
from outrider.errors import UsageError
from outrider.operations.application import Application
from outrider.operations.environment import Environment
from outrider.operations.journal import Journal
from outrider.operations.runner import Runner
from outrider.private import private_directory
from outrider.store.store import opened_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from outrider.operations.ports import Store
    from outrider.settings import Settings
    from outrider.spec.platform import Platform
    from outrider.topology.sidecar import CarriedAgent

DATABASE_FILE = "portal.db"


@asynccontextmanager
async def application(settings: Settings, platform: Platform) -> AsyncGenerator[Application]:
    """Everything that a portal needs, running; what is unfinished in the store is taken up at once.

    UsageError for a token that is set but blank.
    """
    token = _token(settings)
    async with AsyncExitStack() as stack:
        store = await opened_store(settings.database or _own_database(settings))
        stack.push_async_callback(store.close)
        url = platform.portal.url if platform.portal else settings.address.value
        agent = carried_agent()
        journal = Journal(store)
        environments = {
            name: _environment(name, settings, platform, stack, (store, journal, agent))
            for name in platform.environments
        }
        runner = Runner(store, environments)
        runner.start()
        stack.push_async_callback(runner.close)
        yield Application(platform, environments, store, journal, runner, url, token)


def _token(settings: Settings) -> str | None:
    if settings.token is None:
        return None
    if settings.token.is_blank:
        raise UsageError(
            f"the token from {settings.token.source} is blank, and a portal asks for it",
            next_step="Set it to a secret that cannot be guessed (`openssl rand -hex 32`), or unset it.",
        )
    return settings.token.value


def _own_database(settings: Settings) -> str:
    return f"sqlite:///{private_directory(settings.data_directory) / DATABASE_FILE}"


def _environment(
    name: str, settings: Settings, platform: Platform, stack: AsyncExitStack, kept: tuple[Store, Journal, CarriedAgent]
) -> Environment:
    written, (store, journal, agent) = platform.environments[name], kept
    nomad = nomad_client(
        written.nomad.address, settings.nomad, region=written.nomad.region, namespace=written.nomad.namespace
    )
    consul = consul_client(written.consul.address, settings.consul)
    stack.push_async_callback(nomad.close)
    stack.push_async_callback(consul.close)
    return Environment(
        name=name,
        platform=platform,
        nomad=nomad,
        consul=consul,
        envoy=LocalEnvoy(settings.envoy, getattr(written.sidecar.envoy, "path", None)),
        sidecars=SidecarClient(),
        traffic=SidecarTraffic(consul),
        store=store,
        journal=journal,
        agent=agent,
    )
