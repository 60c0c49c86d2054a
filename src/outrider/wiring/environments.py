"""An environment with the clients of its servers and its observer, by the platform as it is now."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from outrider.clients.consul import consul_client
from outrider.clients.envoy import LocalEnvoy
from outrider.clients.metrics import SidecarTraffic
from outrider.clients.nomad import nomad_client
from outrider.clients.sidecar import SidecarClient
from outrider.operations.environment import Environment
from outrider.operations.journal import Journal
from outrider.operations.observe.observer import Observer

if TYPE_CHECKING:
    from outrider.clients.vault import VaultClient
    from outrider.operations.repositories import Store
    from outrider.settings import Settings
    from outrider.spec.platform import Platform
    from outrider.topology.sidecar import CarriedAgent


@dataclass(frozen=True, slots=True)
class Shared:
    """What all environments of one portal have in common."""

    settings: Settings
    platform: Platform
    store: Store
    journal: Journal
    agent: CarriedAgent
    vault: VaultClient | None = None


def environment(name: str, shared: Shared, stack: AsyncExitStack) -> Environment:
    """The environment of that name with clients of its own, which are closed with the stack."""
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
        envoy=_envoy(name, shared),
        sidecars=SidecarClient(),
        traffic=SidecarTraffic(),
        store=shared.store,
        journal=shared.journal,
        agent=shared.agent,
        vault=shared.vault,
    )


def renewed(environment: Environment, shared: Shared) -> Environment:
    """The same servers under another platform, which renders other documents."""
    return replace(environment, platform=shared.platform, envoy=_envoy(environment.name, shared), outcomes={})


def _envoy(name: str, shared: Shared) -> LocalEnvoy:
    written = shared.platform.environments[name]
    return LocalEnvoy(shared.settings.envoy, getattr(written.sidecar.envoy, "path", None))


def observer(environment: Environment, stack: AsyncExitStack) -> Observer:
    """An observer that runs until the stack is left, which is before the clients are closed."""
    names = partial(environment.store.versions.services, environment.name)
    made = Observer(environment.name, environment.nomad, environment.consul, names)
    made.start()
    stack.push_async_callback(made.close)
    return made
