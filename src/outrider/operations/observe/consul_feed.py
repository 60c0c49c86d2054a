"""What Consul has registered, kept as it changes: one query on all checks is held, and what it tells of is read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.consul.standing import Standing, standing
from outrider.operations.observe.contact import Contact, silence_of
from outrider.operations.observe.listing import read, unwatched, wanted
from outrider.operations.observe.registrations import Registrations

if TYPE_CHECKING:
    from collections.abc import Callable

    from outrider.documents import Json
    from outrider.operations.observe.pace import Pace
    from outrider.operations.observe.scheduled import Scheduled
    from outrider.operations.ports import Consul


class ConsulFeed:
    """One datacenter; ``jobs`` says what Nomad runs, as far as that is known."""

    def __init__(self, consul: Consul, jobs: Callable[[], Scheduled | None], pace: Pace) -> None:
        self._consul, self._jobs, self._pace = consul, jobs, pace
        self._index = 0
        self.contact = Contact()
        self.registrations: Registrations | None = None
        self.is_fed = False

    async def run(self) -> None:
        """Follow it for ever."""
        failures = 0
        while True:
            try:
                await self._round()
                failures, pause, self.is_fed = 0, self._pace.breath, True
            except Exception as error:  # noqa: BLE001  whatever it is: what nobody follows would seem to stand still
                failures, self._index, self.is_fed = failures + 1, 0, False
                pause = self._pace.after(failures)
                self.contact.missed(silence_of(error))
            await asyncio.sleep(pause)

    async def _round(self) -> None:
        """One query, held where an index is known, and what has changed by it; an index that went back begins anew."""
        rows, index = await self._consul.checks(self._index, self._pace.held if self._index else 0)
        known = self.registrations or Registrations(Standing())
        now = known.standing if rows is None else _standing(rows, known)
        jobs = self._jobs()
        watched = wanted(now, jobs)
        known = known.after(now or Standing(), watched)
        self.registrations = await read(self._consul, known, {*known.stale(watched), *unwatched(jobs)})
        self._index = index if index >= self._index else 0
        self.contact.heard()


def _standing(rows: list[Json], known: Registrations) -> Standing:
    """How the rows stand. RemoteError where there is none any more: there is always one, so what shows them is taken away."""
    if not rows and known.standing and (known.standing.nodes or known.standing.registrations):
        raise RemoteError(
            "Consul shows no check at all any more, not even those of its own nodes",
            next_step='Look at CONSUL_HTTP_TOKEN: its policy needs node_prefix "" and service_prefix "" with read.',
        )
    return standing(rows)
