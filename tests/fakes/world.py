"""An environment over simulators and a real store: what tests of operations and of the portal stand on."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fakes.consul_catalog import CatalogInMemory
from fakes.nomad import NomadSimulator
from outrider_ground.errors import RemoteError

from outrider.clients.addon_files import catalogue
from outrider.clients.vault import VaultClient
from outrider.operations.application import Application
from outrider.operations.change.digests import Digests
from outrider.operations.changes import Changes, Text
from outrider.operations.drive.batches import KNOWN_FOR_S, BatchRunner
from outrider.operations.drive.runner import Runner
from outrider.operations.environment import Environment, WatchLimits
from outrider.operations.journal import Journal
from outrider.operations.ports import Measured, Sidecar
from outrider.operations.principal import Principal
from outrider.operations.records import Deployment
from outrider.spec.platform import Platform
from outrider.spec.reading.files import read_platform
from outrider.store.database import opened
from outrider.store.store import SqlStore, opened_store
from outrider.telemetry.report import Report
from outrider.telemetry.traffic import Edge
from outrider.topology.sidecar import CarriedAgent

PLATFORM = """
environments:
  stage:
    nomad: {address: "http://127.0.0.1:4646"}
    consul: {address: "http://127.0.0.1:8500"}
    driver: raw_exec
    network: {mode: host}
  production:
    nomad: {address: "http://127.0.0.1:5646"}
    consul: {address: "http://127.0.0.1:9500"}
    driver: raw_exec
    network: {mode: host}
portal: {url: "http://127.0.0.1:7070"}
"""
SPEC = """
service: checkout
run: {command: [/usr/bin/checkout]}
"""


def someone(name: str) -> Principal:
    """Whoever has the token, under that name."""
    return Principal("token", name)


ADA, KIM = someone("ada"), someone("kim")
AGENT = CarriedAgent(serve="c2VydmU=", gate="Z2F0ZQ==", sha256="a" * 64)
# Its Consul shows what a test has registered, so that nothing waits for it unless a test wants that.
HURRY = WatchLimits(
    look=0.01, outage=60.0, placement=0.05, stall=0.05, promotion=0.02, appearance=0.1, question=0.2, silence=0.3
)


class EnvoyThatReads:
    """Accepts every bootstrap but those that hold a word it was told to refuse."""

    def __init__(self) -> None:
        self.refused_word: str | None = None
        self.seen: list[dict[str, Any]] = []

    async def validate(self, document: dict[str, Any]) -> tuple[str, ...]:
        self.seen.append(document)
        return (
            ("Didn't find a registered implementation",)
            if self.refused_word and self.refused_word in str(document)
            else ()
        )


class SidecarsThatKnow:
    """Answers of agents by the address of their metrics listener."""

    def __init__(self) -> None:
        self.answers: dict[str, Report] = {}

    async def endpoints(self, address: str) -> Report:
        return self.answers[address]


class TrafficThatFlowed:
    """Edges as they were measured."""

    def __init__(self) -> None:
        self.measured: tuple[Edge, ...] = ()
        self.left_out: tuple[str, ...] = ()
        self.asked: tuple[Sidecar, ...] = ()

    async def edges(self, sidecars: Sequence[Sidecar], window_s: float) -> Measured:
        self.asked = tuple(sidecars)
        return Measured(self.measured, self.left_out)


class RegistryThatHas:
    """Digests by reference; what is not among them cannot be asked for."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.asked: list[str] = []

    async def digest(self, image: str) -> str:
        self.asked.append(image)
        if image not in self.digests:
            raise RemoteError(f"the registry of {image} cannot be reached")
        return self.digests[image]


MIGRATED: list[bytes] = []


@dataclass
class World:
    """Everything outside, to be looked at and disturbed; ``nomads`` are those of environments with one of their own."""

    store: SqlStore
    agent: CarriedAgent = AGENT
    platform: Platform = field(default_factory=lambda: read_platform(PLATFORM, "platform.yaml"))
    nomad: NomadSimulator = field(default_factory=NomadSimulator)
    nomads: dict[str, NomadSimulator] = field(default_factory=dict[str, "NomadSimulator"])
    consul: CatalogInMemory = field(default_factory=CatalogInMemory)
    envoy: EnvoyThatReads = field(default_factory=EnvoyThatReads)
    sidecars: SidecarsThatKnow = field(default_factory=SidecarsThatKnow)
    traffic: TrafficThatFlowed = field(default_factory=TrafficThatFlowed)
    registry: RegistryThatHas = field(default_factory=RegistryThatHas)
    vault: VaultClient | None = None
    token: str | None = None
    url: str | None = "http://127.0.0.1:7070"
    limits: WatchLimits = HURRY
    runners: list[Runner] = field(default_factory=list["Runner"])
    batches: list[BatchRunner] = field(default_factory=list["BatchRunner"])

    def application(self, *, lease_s: float = 1.0) -> Application:
        """A portal's worth of operations over this world; a second call is a second portal."""
        journal = Journal(self.store.deployments, self.store.events, look_s=0.05)
        environments = {name: self._environment(name, journal) for name in self.platform.environments}
        runner = Runner(self.store.deployments, environments, lease_s=lease_s)
        self.runners.append(runner)
        batches = BatchRunner(self.store.batches, self.store.deployments, journal, lease_s=lease_s)
        self.batches.append(batches)
        digests = Digests(self.registry, self.store.digests)
        changes = Changes(
            self.platform, environments, self.store, runner.drive, self.url, batches, digests, catalogue()
        )
        batches.deploys_by(partial(changes.deploy, within_s=KNOWN_FOR_S))
        return Application(self.platform, environments, self.store, journal, self.url, changes, self.token)

    @property
    def runner(self) -> Runner:
        """That of the portal that was made last."""
        return self.runners[-1]

    def _environment(self, name: str, journal: Journal) -> Environment:
        return Environment(
            name=name,
            platform=self.platform,
            nomad=self.nomads.get(name, self.nomad),
            consul=self.consul,
            envoy=self.envoy,
            sidecars=self.sidecars,
            traffic=self.traffic,
            store=self.store,
            journal=journal,
            agent=self.agent,
            vault=self.vault,
            limits=self.limits,
        )


@asynccontextmanager
async def world(directory: Path) -> AsyncGenerator[World]:
    """A world over a fresh SQLite store."""
    store = await opened_store(await _migrated(directory / "portal.db"))
    made = World(store)
    try:
        yield made
    finally:
        for runner in (*made.batches, *made.runners):
            await runner.close()
        for nomad in (made.nomad, *made.nomads.values()):
            await nomad.close()
        await made.store.close()


async def _migrated(file: Path) -> str:
    """The URL of a database with all tables and nothing in them: to copy one takes less time than to migrate one."""
    url = f"sqlite:///{file}"
    if MIGRATED:
        await asyncio.to_thread(file.write_bytes, MIGRATED[0])
        return url
    await (await opened(url)).close()
    MIGRATED.append(await asyncio.to_thread(file.read_bytes))
    return url


def text(more: str = "", *, spec: str = SPEC) -> Text:
    """A spec with more lines."""
    return Text(spec + more)


async def in_pieces(content: bytes) -> AsyncGenerator[bytes]:
    """The bytes as they come from a network."""
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


async def kept(application: Application, content: bytes) -> str:
    """The SHA-256 of bytes that the portal keeps from now on."""
    sha256 = hashlib.sha256(content).hexdigest()
    return (await application.keep_artifact(ADA, in_pieces(content), sha256)).sha256


async def finished(application: Application, deployment: Deployment) -> Deployment:
    """The deployment after its verdict."""
    async for _ in await application.feed(ADA, deployment.id):
        pass
    return await application.deployment(ADA, deployment.id)


async def messages(application: Application, deployment: Deployment) -> list[str]:
    """The events' lines."""
    return [event.message for event in await application.events(ADA, deployment.id)]
