"""What the scheduler is told of one allocation: its tasks' states, what follows from them, and its health."""

from __future__ import annotations

from collections.abc import Callable

from outrider_embedded.scheduler.allocation import client_status
from outrider_embedded.scheduler.documents import Document


class AllocationReport:
    """``states`` are those told last; while it ``is_silent``, none are told."""

    def __init__(self, allocation: str, report: Callable[[str, Document], None]) -> None:
        self.states: dict[str, Document] = {}
        self.is_silent = False
        self._allocation, self._report = allocation, report

    def tell(self, states: dict[str, Document]) -> None:
        """Tell of the tasks' states."""
        if self.is_silent:
            return
        self.states = states
        status, description = client_status(states)
        changes = {"TaskStates": states, "ClientStatus": status, "ClientDescription": description}
        self._report(self._allocation, changes)

    def tell_health(self, is_healthy: bool) -> None:  # noqa: FBT001
        self._report(self._allocation, {"Healthy": is_healthy})
