"""The values that the services of one environment read, followed for as long as the portal runs."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError

from outrider.operations.records import Seen
from outrider.operations.values.held_feed import HeldFeed
from outrider.operations.values.pace import ValuePace
from outrider.operations.values.readers import Readers
from outrider.operations.values.rollouts import Rollouts
from outrider.operations.values.sighting import sighting
from outrider.operations.values.sources import ConsulKeys, NomadVariables
from outrider.operations.values.vault_feed import VaultFeed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.operations.observe.observation import Keeper
    from outrider.operations.values.followed import Followed
    from outrider.operations.values.rollouts import Roll
    from outrider.operations.values.sighting import Told
    from outrider.spec.references import Reference

log = logging.getLogger("outrider.values")
USUAL = ValuePace()


class ValueWatcher:
    """One environment; ``keeper`` knows what runs, ``roll`` brings a service up anew by its own update rules."""

    def __init__(self, environment: Followed, keeper: Keeper, roll: Roll, pace: ValuePace = USUAL) -> None:
        self._environment, self._pace = environment, pace
        self._readers = Readers(environment, keeper)
        self._rollouts = Rollouts(environment, roll, pace)
        self._feeds = {
            "consul": HeldFeed(ConsulKeys(environment.consul), self._hear, pace),
            "nomad_variable": HeldFeed(NomadVariables(environment.nomad), self._hear, pace),
            "vault": VaultFeed(environment.vault, self._hear, pace),
        }
        self._key = b""
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch from now on."""
        self._task = asyncio.create_task(self._run(), name=f"outrider-values-{self._environment.name}")

    async def close(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for feed in self._feeds.values():
            await feed.close()

    async def look(self) -> None:
        """Once: who reads what, what of it has changed, and what is rolled out now. RemoteError where the store is away."""
        self._key = self._key or await self._environment.store.values.key()
        board = self._environment.board
        found = await self._readers.found()
        wanted = {reading.reference for one in found for reading in one.readings}
        for kind, feed in self._feeds.items():
            feed.watch(one for one in wanted if one.store.removesuffix("_prefix") == kind)
        board.sightings = {name: one for name, one in board.sightings.items() if name in wanted}
        # First what is there, then how it looked: a feed writes it down before it tells, so nothing told lacks in the store.
        told = dict(board.sightings)
        board.history = await self._environment.store.values.sightings(self._environment.name) if wanted else {}
        services = {one.service: one.values(told, board.history) for one in found}
        board.services = await self._rollouts.begun(services)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except OutriderError as error:
                log.warning("values of %s: %s", self._environment.name, error.message)
            except Exception:  # whatever it is: what nobody follows would seem to stand still
                log.exception("values of %s", self._environment.name)
            await self._news()

    async def _news(self) -> None:
        try:
            async with asyncio.timeout(self._pace.look):
                await self._bell.wait()
        except TimeoutError:
            return
        self._bell.clear()

    async def _hear(self, reference: Reference, told: Told) -> None:
        """What a feed says; what is new of it goes into the store, with the moment from which it is known."""
        found, board = sighting(self._key, str(reference), told), self._environment.board
        is_new = board.sightings.get(reference) != found
        if is_new and found.fingerprint:
            at = _moment(told.changed_at, board.history.get(reference, ()))
            await self._environment.store.values.add_sighting(
                self._environment.name, reference, Seen(found.fingerprint, at)
            )
        board.sightings[reference] = found
        if is_new:
            self._bell.set()


def _moment(changed_at: datetime | None, history: Sequence[Seen]) -> datetime:
    """When it changed, by the server where it tells so credibly; what is seen for the first time counts from now."""
    now = datetime.now(UTC)
    return changed_at if changed_at and history and history[-1].at < changed_at <= now else now
