"""The events of deployments: writing them down, then telling whoever listens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outrider.operations.events import Event, EventKind
    from outrider.operations.ports import Store
    from outrider.operations.records import Deployment, State


class Journal:
    """Events are stored before anybody sees them; listeners hear of them at once, or by looking (another portal's)."""

    def __init__(self, store: Store, *, look_s: float = 1.0) -> None:
        self._store = store
        self._look_s = look_s
        self._listeners: dict[str, set[asyncio.Event]] = {}

    async def note(self, deployment_id: str, kind: EventKind, message: str, /, **detail: Any) -> Event:
        """Store the deployment's next event and wake its listeners."""
        event = await self._store.add_event(deployment_id, kind, message, detail)
        self._ring(deployment_id)
        return event

    async def end(self, deployment: Deployment, state: State, reason: str) -> Deployment:
        """Store the verdict, as the deployment's last event and as its state; the deployment as it is then."""
        over = replace(deployment, state=state, reason=reason, ended_at=datetime.now(UTC))
        await self._store.end_deployment(over, {"state": state, "placed": state != "not_placed", "reason": reason})
        self._ring(deployment.id)
        return over

    async def feed(self, deployment_id: str, after: int = 0) -> AsyncIterator[Event | None]:
        """The events with a number above ``after`` up to the verdict; None whenever ``look_s`` passed without one."""
        bell = asyncio.Event()
        self._listeners.setdefault(deployment_id, set()).add(bell)
        try:
            while True:
                bell.clear()
                # The state is read first: what is final by then has all its events in the store.
                is_over = await self._is_over(deployment_id)
                for event in await self._store.events(deployment_id, after):
                    after = event.number
                    yield event
                    is_over = is_over or event.kind == "verdict"
                if is_over:
                    return
                if not await _rings(bell, self._look_s):
                    yield None
        finally:
            self._forget(deployment_id, bell)

    def _ring(self, deployment_id: str) -> None:
        for listener in self._listeners.get(deployment_id, ()):
            listener.set()

    async def _is_over(self, deployment_id: str) -> bool:
        deployment = await self._store.deployment(deployment_id)
        return deployment is None or deployment.is_final

    def _forget(self, deployment_id: str, bell: asyncio.Event) -> None:
        listeners = self._listeners.get(deployment_id, set())
        listeners.discard(bell)
        if not listeners:
            self._listeners.pop(deployment_id, None)


async def _rings(bell: asyncio.Event, seconds: float) -> bool:
    try:
        # Not wait_for: on Python 3.11 it loses a cancellation that arrives in the turn in which the bell rings.
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return False
    return True
