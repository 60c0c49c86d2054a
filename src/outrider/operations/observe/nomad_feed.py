"""What Nomad runs, kept as it changes: listed, then followed by its event stream, and listed anew where that breaks."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.nomad.read.events import TOPICS
from outrider.operations.observe.contact import Contact, silence_of
from outrider.operations.observe.listing import listed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.documents import Json
    from outrider.operations.nomad_port import Nomad
    from outrider.operations.observe.pace import Pace
    from outrider.operations.observe.scheduled import Scheduled

log = logging.getLogger("outrider.observer")


class NomadFeed:
    """One namespace of one Nomad. ``names`` are the services that the store knows, whoever has a job under their names."""

    def __init__(self, nomad: Nomad, names: Callable[[], Awaitable[tuple[str, ...]]], pace: Pace) -> None:
        self._nomad, self._names, self._pace = nomad, names, pace
        self._listing = asyncio.Lock()
        self._listed_at = 0.0
        self._meanwhile: list[Json] = []
        self.contact = Contact()
        self.scheduled: Scheduled | None = None
        self.is_streaming = False

    async def run(self) -> None:
        """Follow it for ever."""
        failures = 0
        while True:
            try:
                pause, failures = await self._followed(), 0
            except Exception as error:  # noqa: BLE001  whatever it is: what nobody follows would seem to stand still
                failures += 1
                pause = self._pace.after(failures)
                self.contact.missed(silence_of(error))
            await asyncio.sleep(pause)

    async def relisted(self) -> None:
        """List it now; who asks while another listing begins later than that has its answer. RemoteError as Nomad's."""
        asked_at = time.monotonic()
        async with self._listing:
            if self._listed_at < asked_at:
                await self._relist()

    async def _relist(self) -> None:
        began, self._meanwhile = time.monotonic(), []
        found = await listed(self._nomad, await self._names(), self.scheduled)
        # The stream goes on meanwhile, and what it has told since the list was made is not in it.
        for batch in self._meanwhile:
            found = found.after(batch)
        self.scheduled, self._listed_at, self._meanwhile = found, began, []
        self.contact.heard()

    async def _followed(self) -> float:
        """List it and follow the stream to its end; how long to wait before the next time. RemoteError where no list is had."""
        await self.relisted()
        began = time.monotonic()
        try:
            async with aclosing(self._nomad.events(topics=TOPICS)) as stream:
                async for batch in stream:
                    await self._take(batch)
        except RemoteError as error:
            log.info("the event stream of Nomad ended, which is listed instead: %s", error.message)
        finally:
            self.is_streaming = False
        lasted = time.monotonic() - began > self._pace.unstreamed
        return self._pace.breath if lasted else self._pace.unstreamed

    async def _take(self, batch: Json) -> None:
        if not self.is_streaming or time.monotonic() - self._listed_at > self._pace.relist:
            # What happened between the listing and the stream's beginning neither of them has told.
            await self.relisted()
        self.is_streaming = True
        if self._listing.locked():
            self._meanwhile.append(batch)
        if self.scheduled is not None:
            self.scheduled = self.scheduled.after(batch)
        self.contact.heard()
