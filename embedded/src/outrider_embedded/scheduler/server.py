"""The scheduler put together: state, evaluator, watcher and client of one cluster, started and ended as one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import randrange

from outrider_ground.settings import VaultAccess

from outrider_embedded.scheduler import orphans
from outrider_embedded.scheduler.catalog import Catalog
from outrider_embedded.scheduler.client import Client
from outrider_embedded.scheduler.consul import ConsulAgent
from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.evaluator import Evaluator
from outrider_embedded.scheduler.events import EventBuffer
from outrider_embedded.scheduler.node import node_document
from outrider_embedded.scheduler.orphans import Ledger, end_orphans
from outrider_embedded.scheduler.ports import PortBook, is_port_free
from outrider_embedded.scheduler.readings import Readings
from outrider_embedded.scheduler.runner import NodeServices
from outrider_embedded.scheduler.state import State
from outrider_embedded.scheduler.variables_file import kept_state
from outrider_embedded.scheduler.vault import VaultReader
from outrider_embedded.scheduler.watcher import DeploymentWatcher

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scheduler is started with; ``host`` are the variables that tasks inherit, ``address`` is the node's.

    ``vault`` is what templates read secrets from; without it jobs that want a token of Vault are refused, as Nomad does.
    ``volumes`` is where a host volume is made that a job asks for; without, there are none. ``runs_commands`` is false for a
    node that refuses commands beside its tasks, as a real one does with ``disable_remote_exec``.
    """

    name: str
    directory: Path
    consul_address: str
    port_range: tuple[int, int]
    host: Mapping[str, str]
    address: str = LOOPBACK
    vault: VaultAccess | None = None
    volumes: Path | None = None
    runs_commands: bool = True


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The parts that the API speaks to."""

    state: State
    node: Document
    consul: ConsulAgent
    evaluator: Evaluator
    client: Client
    events: EventBuffer
    allocations: Path
    runs_commands: bool = True

    def announce(self, address: str) -> None:
        """Note where the API is served, which is known only once it is."""
        place = address.partition("://")[2]
        self.node["HTTPAddr"] = place
        self.node["Attributes"]["unique.advertise.address"] = place


@contextlib.asynccontextmanager
async def scheduling(setting: Setting) -> AsyncGenerator[Scheduler]:
    """Run a scheduler while the block runs; at its end every task has ended and every service is deregistered."""
    allocations = setting.directory / "allocations"
    allocations.mkdir(parents=True, exist_ok=True)
    ledger_file = allocations / "processes.json"
    await asyncio.to_thread(end_orphans, ledger_file)
    ledger = Ledger(ledger_file)
    consul = ConsulAgent(setting.consul_address)
    catalog = Catalog(consul, setting.directory / "services.json")
    await catalog.forget_leftovers()
    first, last = setting.port_range
    is_free = partial(is_port_free, addresses=(LOOPBACK, setting.address))
    book = PortBook(first, last, is_free, next_step=randrange(last - first))  # noqa: S311  like Nomad's own, anywhere
    node = node_document(setting.name, f"{setting.address}:0", setting.port_range, await consul.self_document())
    vault = VaultReader(setting.vault) if setting.vault else None
    state = kept_state(setting.directory / "variables.json", has_vault=vault is not None)
    shared = NodeServices(node, Readings(consul, state, vault), catalog, ledger, allocations, setting.host)
    events = EventBuffer(state)
    client = Client(state, shared, book)
    evaluator = Evaluator(state, node, book, setting.volumes)
    watcher = DeploymentWatcher(state)
    keeper = asyncio.create_task(catalog.keep())
    async with _guard(ledger_file):
        try:
            yield Scheduler(state, node, consul, evaluator, client, events, allocations, setting.runs_commands)
        finally:
            state.close()
            evaluator.close()
            watcher.close()
            await client.close()
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await consul.close()
            if vault is not None:
                await vault.close()
            await asyncio.to_thread(end_orphans, ledger_file)


@contextlib.asynccontextmanager
async def _guard(ledger_file: Path) -> AsyncGenerator[None]:
    """A small process that outlives a cluster which is killed, ends its tasks, and goes too."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        orphans.__file__,
        str(ledger_file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
