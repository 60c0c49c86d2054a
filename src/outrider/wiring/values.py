"""What follows the values of a portal's environments, as its platform is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.operations.values.followed import Followed
from outrider.operations.values.watcher import ValueWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outrider.clients.vault import VaultClient
    from outrider.operations.environment import Environment
    from outrider.operations.observe.observer import Observer
    from outrider.operations.values.rollouts import Roll
    from outrider.spec.platform import Platform
    from outrider.spec.variables import OnChange


class ValueWatchers:
    """One per environment; ``roll`` begins a rollout, ``platform`` is the one of now."""

    def __init__(self, vault: VaultClient | None, roll: Roll, platform: Callable[[], Platform]) -> None:
        self._vault = vault
        self._roll, self._platform = roll, platform
        self._running: dict[str, tuple[Observer, ValueWatcher]] = {}

    async def follow(self, environments: Mapping[str, Environment], observers: Mapping[str, Observer]) -> None:
        """Follow these from now on: one whose servers are others begins anew, one that is gone is left."""
        left = [name for name, (seen, _) in self._running.items() if observers.get(name) is not seen]
        for name in left:
            await self._running.pop(name)[1].close()
        for name, one in environments.items():
            if name not in self._running:
                self._running[name] = observers[name], self._started(one, observers[name])

    async def close(self) -> None:
        """Follow nothing any more."""
        await self.follow({}, {})

    def _started(self, one: Environment, observer: Observer) -> ValueWatcher:
        def default(name: str = one.name) -> OnChange:
            return self._platform().environments[name].on_change

        followed = Followed(one.name, default, one.nomad, one.consul, one.store, one.values, self._vault)
        made = ValueWatcher(followed, observer, self._roll)
        made.start()
        return made
