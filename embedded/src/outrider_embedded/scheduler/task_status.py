"""What is told of one task: its state, with the events that led to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from outrider_embedded.scheduler import task_events
from outrider_embedded.scheduler.documents import Document


class TaskStatus:
    """``state`` is as Nomad writes it; ``on_change`` hears of every change, and ``dead`` is set with the last one."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.state: Document = task_events.PENDING
        self.dead = asyncio.Event()
        self._on_change = on_change

    @property
    def is_dead(self) -> bool:
        return self.state["State"] == "dead"

    def emit(self, event: Document, **changes: Any) -> None:
        """Add an event to the state, with other changes of it."""
        self.state = task_events.with_event(self.state, event, **changes)
        self._on_change()

    def fail(self, event: Document) -> None:
        """Add the event for which the task has failed for good."""
        self.emit(event, Failed=True)

    def start(self) -> None:
        """The process runs."""
        self.emit(task_events.started(), State="running", StartedAt=task_events.now_stamp())

    def restart(self, delay_ns: int, reason: str) -> None:
        """The process has ended, and another will follow."""
        restarts, stamp = self.state["Restarts"] + 1, task_events.now_stamp()
        event = task_events.restarting(delay_ns, reason)
        self.emit(event, State="pending", Restarts=restarts, LastRestart=stamp)

    def bury(self) -> None:
        """Nothing follows any more."""
        self.state = {**self.state, "State": "dead", "FinishedAt": task_events.now_stamp()}
        self.dead.set()
        self._on_change()
