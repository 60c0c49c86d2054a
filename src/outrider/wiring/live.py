"""A portal's application, and how another platform takes the place of the one it goes by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.clients.addon_files import catalogue
from outrider.clients.registry import RegistryClient
from outrider.operations.answers.platform import PlatformState, without_file
from outrider.operations.application import Application
from outrider.operations.change.digests import Digests
from outrider.operations.changes import Changes
from outrider.operations.drive.batches import KNOWN_FOR_S, BatchRunner
from outrider.operations.drive.runner import Runner
from outrider.operations.environment import Environment
from outrider.operations.environment_view import EnvironmentView
from outrider.operations.opening import Order
from outrider.operations.platform_change import is_elsewhere
from outrider.operations.principal import Principal
from outrider.operations.upkeep.retention import Bounds
from outrider.operations.upkeep.upkeep import Upkeep
from outrider.wiring.environments import Shared, environment, observer, renewed
from outrider.wiring.values import ValueWatchers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outrider.operations.change.documents import Text
    from outrider.operations.records import Deployment
    from outrider.spec.platform import Keep, Platform

JUDGED_EVERY_S = 5.0


class LiveApplication:
    """A portal's application, replaced whole where its platform file is another one: the one place that changes.

    Whoever began something has the environment of then, and goes on with it.
    """

    def __init__(self, shared: Shared, stack: AsyncExitStack, url: str | None, token: str | None) -> None:
        self._shared, self._stack = shared, stack
        environments = {name: environment(name, shared, stack) for name in shared.platform.environments}
        observers = {name: observer(one, stack) for name, one in environments.items()}
        self._runner = Runner(shared.store.deployments, _EnvironmentsNow(self))
        self._batches = BatchRunner(shared.store.batches, shared.store.deployments, shared.journal)
        self._batches.deploys_by(self._deploy)
        registry = RegistryClient(lambda: self.now.platform.registries.plain_http, shared.settings.registries)
        digests = Digests(registry, shared.store.digests)
        self._upkeep = Upkeep(shared.store, _EnvironmentsNow(self), lambda: _bounds(self.now.platform.keep))
        changes = Changes(
            shared.platform,
            environments,
            shared.store,
            self._runner.drive,
            url,
            self._batches,
            digests,
            catalogue(shared.platform.addons),
        )
        state = without_file(environments)
        self._observers = observers
        self._values = ValueWatchers(shared.vault, self._roll, lambda: self.now.platform)
        self._show: Callable[[Application], object] = lambda _: None
        self.now = Application(
            shared.platform, environments, shared.store, shared.journal, url, changes, token, observers, state
        )

    @property
    def state(self) -> PlatformState:
        """What is said of the platform file."""
        return self.now.platform_state or without_file(self.now.environments)

    async def _deploy(self, environment: str, text: Text, order: Order) -> Deployment:
        return await self.now.changes.deploy(environment, text, order, within_s=KNOWN_FOR_S)

    async def _roll(self, environment: str, service: str) -> Deployment:
        return await self.now.changes.roll(environment, service, Order(Principal("portal", "outrider")))

    async def start(self) -> None:
        """Take up what is unfinished; everything ends with the stack."""
        self._stack.push_async_callback(self.now.changes.digests.close)
        for worker in (self._upkeep, self._runner, self._batches):
            worker.start()
            self._stack.push_async_callback(worker.close)
        self._stack.push_async_callback(self._values.close)
        await self._values.follow(self.now.environments, self._observers)
        judging = asyncio.create_task(self._judging(), name="outrider-sidecars")
        self._stack.push_async_callback(_cancelled, judging)

    async def _judging(self) -> None:
        """Which sidecars are older than today's: a server that is away is asked again, and says so elsewhere."""
        while True:
            with suppress(OutriderError):
                now = self.now
                for name, one in now.environments.items():
                    await now.ages.look(EnvironmentView(one, now.observers.get(name)))
            await asyncio.sleep(JUDGED_EVERY_S)

    def shown_by(self, show: Callable[[Application], object]) -> None:
        """``show`` is called with the application whenever it is another one."""
        self._show = show
        show(self.now)

    def tell(self, state: PlatformState) -> None:
        """Say this of the platform file from now on."""
        self._replace(replace(self.now, platform_state=state))

    async def deployed(self) -> Mapping[str, int]:
        """How many services the store knows in each environment."""
        versions = self._shared.store.versions
        return {name: len(await versions.services(name)) for name in self.now.environments}

    async def take(self, platform: Platform) -> None:
        """Go by that platform from now on: in one step, after all that may fail."""
        shared = replace(self._shared, platform=platform)
        kept = {name: one for name, one in self.now.environments.items() if self._stays(name, platform)}
        environments = {
            name: renewed(kept[name], shared) if name in kept else environment(name, shared, self._stack)
            for name in platform.environments
        }
        fresh = {name: observer(one, self._stack) for name, one in environments.items() if name not in kept}
        left = [one for name, one in self._observers.items() if name not in kept]
        self._observers = {name: fresh.get(name) or self._observers[name] for name in environments}
        changes = replace(
            self.now.changes, platform=platform, environments=environments, addons=catalogue(platform.addons)
        )
        self._shared = shared
        self._replace(
            replace(self.now, platform=platform, environments=environments, changes=changes, observers=self._observers)
        )
        await self._values.follow(environments, self._observers)
        for one in left:
            await one.close()

    def _stays(self, name: str, platform: Platform) -> bool:
        before, after = self.now.platform.environments[name], platform.environments.get(name)
        return after is not None and not is_elsewhere(before, after)

    def _replace(self, now: Application) -> None:
        self.now = now
        self._show(now)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class _EnvironmentsNow(Mapping[str, Environment]):
    """The environments as they are at the moment of asking."""

    def __init__(self, live: LiveApplication) -> None:
        self._live = live

    def __getitem__(self, name: str) -> Environment:
        return self._live.now.environments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._live.now.environments)

    def __len__(self) -> int:
        return len(self._live.now.environments)


def _bounds(keep: Keep) -> Bounds:
    return Bounds(keep.versions, datetime.now(UTC) - timedelta(days=keep.days))
