"""Values told by a server that answers as they change: a few held queries, and what is too much for them in turns."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Protocol, TypeAlias

from outrider_ground.errors import OutriderError

from outrider.operations.values.groups import MOST_GROUPS, Group, groups
from outrider.operations.values.refusal import told_by

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from outrider.operations.values.pace import ValuePace
    from outrider.operations.values.sighting import Told
    from outrider.spec.references import Reference

Answer: TypeAlias = "tuple[Mapping[str, Told] | None, int]"


class Source(Protocol):
    """Where values of one kind are kept. RemoteError as the server's."""

    def path(self, reference: Reference) -> str:
        """By which the server knows it; what lies in another scope of the server begins otherwise."""
        ...

    async def ask(self, group: Group, index: int, wait_s: float) -> Answer:
        """What is told of each path, None where nothing is newer than ``index``; and the index of the answer."""
        ...


class HeldFeed:
    """All references of one kind; ``tell`` is called with what is said of each whenever it may be something new."""

    def __init__(self, source: Source, tell: Callable[[Reference, Told], Awaitable[None]], pace: ValuePace) -> None:
        self._source, self._tell, self._pace = source, tell, pace
        self._references: dict[str, Reference] = {}
        self._held: dict[Group, asyncio.Task[None]] = {}
        self._in_turns: tuple[Group, ...] = ()
        self._turning: asyncio.Task[None] | None = None

    def watch(self, references: Iterable[Reference]) -> None:
        """Follow these from now on, and no others."""
        wanted = {self._source.path(one): one for one in references}
        if wanted == self._references:
            return
        self._references = wanted
        held, self._in_turns = groups(wanted, MOST_GROUPS)
        for group in [one for one in self._held if one not in held]:
            self._held.pop(group).cancel()
        self._held |= {one: asyncio.create_task(self._follow(one)) for one in held if one not in self._held}
        if self._in_turns and self._turning is None:
            self._turning = asyncio.create_task(self._turn())

    async def close(self) -> None:
        """Follow nothing any more."""
        tasks = [*self._held.values(), *([self._turning] if self._turning else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._held, self._turning = {}, None

    async def _follow(self, group: Group) -> None:
        """One query, held for ever. An index that goes back begins anew, and so does whatever fails: what was known stays."""
        index, failures = 0, 0
        while True:
            try:
                found, now = await self._asked(group, index)
                await self._told(found or {})
                index, failures, pause = now if now >= index else 0, 0, self._pace.breath
            except OutriderError as error:
                index, failures = 0, failures + 1
                await self._failed(group, error, failures)
                pause = self._pace.after(failures)
            await asyncio.sleep(pause)

    async def _asked(self, group: Group, index: int) -> Answer:
        """What vanishes is asked for once more: a server that has just come back may know nothing yet (consul-template#1131)."""
        wait = self._pace.held * random.uniform(0.9, 1.0) if index else 0  # noqa: S311  portals spread
        found, now = await self._source.ask(group, index, wait)
        if found is not None and any(one.text is None and not one.problem for one in found.values()):
            await asyncio.sleep(self._pace.doubt)
            found, now = await self._source.ask(group, 0, 0)
        return found, now

    async def _turn(self) -> None:
        """One after the other, what cannot be held."""
        while True:
            for group in self._in_turns:
                try:
                    await self._told((await self._asked(group, 0))[0] or {})
                except OutriderError as error:
                    await self._failed(group, error, 1)
            await asyncio.sleep(self._pace.turn)

    async def _told(self, found: Mapping[str, Told]) -> None:
        for path, told in found.items():
            if reference := self._references.get(path):
                await self._tell(reference, told)

    async def _failed(self, group: Group, error: OutriderError, failures: int) -> None:
        """What that tells holds for all that was asked about."""
        told = told_by(error, failures, self._pace)
        if told is not None:
            await self._told(dict.fromkeys(group.paths, told))
