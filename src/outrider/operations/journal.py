"""The events of deployments: writing them down, then telling whoever listens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider.operations.event_details import Ended
from outrider.operations.journal_watch import Watch, rings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from outrider.operations.event_details import Detail
    from outrider.operations.events import Event
    from outrider.operations.records import Deployment
    from outrider.operations.repositories import Deployments, Events
    from outrider.operations.states import State


class Journal:
    """Events are stored before anybody sees them; listeners hear of them at once, or by looking (another portal's).

    However many listen to a deployment, one look at the store serves them all.
    """

    def __init__(self, deployments: Deployments, events: Events, *, look_s: float = 1.0) -> None:
        self._deployments = deployments
        self._events = events
        self._look_s = look_s
        self._watches: dict[str, Watch] = {}

    async def note(self, deployment_id: str, message: str, detail: Detail) -> Event:
        """Store the deployment's next event and wake its listeners."""
        event = await self._events.add_event(deployment_id, message, detail)
        self._ring(deployment_id)
        return event

    async def end(self, deployment: Deployment, state: State, reason: str) -> Deployment:
        """Store the verdict, as the deployment's last event and as its state; the deployment as it is then."""
        over = replace(deployment, state=state, reason=reason, ended_at=datetime.now(UTC))
        await self._events.end_deployment(over, Ended(state, state != "not_placed", reason))
        self._ring(deployment.id)
        return over

    async def feed(self, deployment_id: str, after: int = 0) -> AsyncGenerator[Event | None]:
        """The events with a number above ``after`` up to the verdict; None whenever ``look_s`` passed without one."""
        watch = self._watches.get(deployment_id)
        if watch is None or watch.has_ended:
            watch = self._watches[deployment_id] = Watch(self._deployments, self._events, deployment_id, self._look_s)
        bell = watch.joined()
        try:
            while True:
                bell.clear()
                is_over = watch.has_ended
                for event in watch.events(after):
                    after = event.number
                    yield event
                if is_over:
                    watch.check()
                    return
                if not await rings(bell, self._look_s):
                    yield None
        finally:
            if watch.left(bell) and self._watches.get(deployment_id) is watch:
                del self._watches[deployment_id]

    def _ring(self, deployment_id: str) -> None:
        watch = self._watches.get(deployment_id)
        if watch is not None:
            watch.ring()
