"""The events of one deployment as they come into the store, looked for once for all who listen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from outrider.operations.events import Event
    from outrider.operations.records import Deployment


class Known(Protocol):
    """What a watch asks of deployments."""

    async def with_id(self, deployment_id: str) -> Deployment | None: ...


class Told(Protocol):
    """What a watch asks of events."""

    async def after(self, deployment_id: str, after: int = 0) -> tuple[Event, ...]: ...


class Watch:
    """One deployment that somebody listens to; the store is looked at whenever it rings, and every ``look_s``."""

    def __init__(self, deployments: Known, events: Told, deployment_id: str, look_s: float) -> None:
        self._deployments = deployments
        self._stored = events
        self._id = deployment_id
        self._look_s = look_s
        self._events: list[Event] = []
        self._listeners: set[asyncio.Event] = set()
        self._bell = asyncio.Event()
        self._task = asyncio.create_task(self._look())
        self._task.add_done_callback(_seen)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come: the verdict is there, or the store has failed (`check`)."""
        return self._task.done()

    def check(self) -> None:
        """Raise what ended the watch, where that was not the verdict."""
        error = None if self._task.cancelled() else self._task.exception()
        if error is not None:
            raise error

    def events(self, after: int) -> list[Event]:
        """Those with a number above ``after``; numbers have no gaps."""
        return [event for event in self._events[max(0, after) :] if event.number > after]

    def joined(self) -> asyncio.Event:
        """The bell of one more listener, which rings for every event and at the end."""
        bell = asyncio.Event()
        self._listeners.add(bell)
        return bell

    def left(self, bell: asyncio.Event) -> bool:
        """One listener less; whether it was the last, with which the watch ends."""
        self._listeners.discard(bell)
        if self._listeners:
            return False
        self._task.cancel()
        return True

    def ring(self) -> None:
        """Look now."""
        self._bell.set()

    async def _look(self) -> None:
        try:
            while not await self._has_verdict():
                self._wake()
                await rings(self._bell, self._look_s)
        finally:
            # After the task is done, so that whoever wakes sees the end as well.
            asyncio.get_running_loop().call_soon(self._wake)

    async def _has_verdict(self) -> bool:
        """Take in what is new; whether it was all."""
        self._bell.clear()
        # The state is read first: what is final by then has all its events in the store.
        deployment = await self._deployments.with_id(self._id)
        last = self._events[-1].number if self._events else 0
        new = await self._stored.after(self._id, last)
        self._events.extend(new)
        is_over = deployment is None or deployment.is_final
        return is_over or any(event.kind == "verdict" for event in new)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()


def _seen(task: asyncio.Task[None]) -> None:
    """An error that came when the last listener had left is nobody's."""
    if not task.cancelled():
        task.exception()


async def rings(bell: asyncio.Event, seconds: float) -> bool:
    """Whether the bell rings in time."""
    try:
        # Not wait_for: on Python 3.11 it loses a cancellation that arrives in the turn in which the bell rings.
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return False
    return True
