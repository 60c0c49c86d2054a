"""One observer per environment: it keeps what runs there for everybody who looks, however many they are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.operations.observe.consul_feed import ConsulFeed
from outrider.operations.observe.contact import Contact, ContactState
from outrider.operations.observe.liveness import pulse
from outrider.operations.observe.nomad_feed import NomadFeed
from outrider.operations.observe.observation import Observation
from outrider.operations.observe.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.operations.nomad_port import Nomad
    from outrider.operations.ports import Consul

USUAL = Pace()


class Observer:
    """What Nomad and Consul of one environment are seen to run; ``names`` are the services that the store knows there."""

    def __init__(
        self,
        environment: str,
        nomad: Nomad,
        consul: Consul,
        names: Callable[[], Awaitable[tuple[str, ...]]],
        pace: Pace = USUAL,
    ) -> None:
        self._environment, self._pace = environment, pace
        self._leaders = (nomad.leader, consul.leader)
        self._nomad = NomadFeed(nomad, names, pace)
        self._consul = ConsulFeed(consul, lambda: self._nomad.scheduled, pace)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_running(self) -> bool:
        """Whether it keeps anything."""
        return bool(self._tasks)

    def start(self) -> None:
        """Watch from now on."""
        nomad, consul = self._leaders
        here = f" of {self._environment}"
        work = (
            self._nomad.run(),
            self._consul.run(),
            pulse(f"Nomad{here}", nomad, self._nomad.contact, lambda: self._nomad.is_streaming, self._pace),
            pulse(f"Consul{here}", consul, self._consul.contact, lambda: self._consul.is_fed, self._pace),
        )
        self._tasks = [asyncio.create_task(one, name=f"outrider-observer-{self._environment}") for one in work]

    async def close(self) -> None:
        """Watch no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def seen(self, at_least: int = 0) -> Observation:
        """What is known now, of Nomad as of that index of a job at least: whoever has changed it sees the change.

        The first time it waits for both servers, as long as a short question may take.
        """
        await self._begun()
        await self._caught_up(at_least)
        nomad, consul = self._nomad, self._consul
        return Observation(
            nomad.scheduled,
            consul.registrations,
            self._heard("Nomad", nomad.contact),
            self._heard("Consul", consul.contact),
        )

    async def _begun(self) -> None:
        """Both were heard, or will not be in time."""
        try:
            async with asyncio.timeout(self._pace.question):
                for contact in (self._nomad.contact, self._consul.contact):
                    while not contact.is_known:
                        await contact.news()
        except TimeoutError:
            return

    async def _caught_up(self, index: int) -> None:
        """An event tells of it soon; where none does, Nomad is listed. Where it does not answer, its age tells enough."""
        if not self._is_behind(index):
            return
        if self._nomad.is_streaming:
            await self._told_of(index)
        if self._is_behind(index):
            try:
                async with asyncio.timeout(self._pace.question):
                    await self._nomad.relisted()
            except RemoteError as error:
                self._nomad.contact.missed(error)
            except TimeoutError:
                self._nomad.contact.missed(self._unanswered("Nomad"))

    async def _told_of(self, index: int) -> None:
        try:
            async with asyncio.timeout(self._pace.event):
                while self._is_behind(index):
                    await self._nomad.contact.news()
        except TimeoutError:
            return

    def _is_behind(self, index: int) -> bool:
        """Whether a change is still to be heard of that a Nomad that answers would tell."""
        known = self._nomad.scheduled
        return known is not None and known.jobs_at < index and self._nomad.contact.now.silence is None

    def _heard(self, server: str, contact: Contact) -> ContactState:
        return contact.now if contact.is_known else ContactState(None, self._unanswered(server))

    def _unanswered(self, server: str) -> RemoteError:
        return RemoteError(f"{server} of {self._environment} has not answered within {self._pace.question:g} s")
