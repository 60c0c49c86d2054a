"""How things stand, as a shape and a mood, so that colour is never alone: one table for pages and terminals alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from outrider.operations.event_details import AllocationSeen, Ended
from outrider.operations.events import Event, UnknownEvent

Mood = Literal["good", "busy", "warn", "calm", "bad"]


@dataclass(frozen=True, slots=True)
class Sign:
    """A shape, and what it means: a page has a class for each mood, a terminal a colour."""

    shape: str
    mood: Mood


GOOD, BUSY, UNSURE = Sign("●", "good"), Sign("◐", "busy"), Sign("▲", "warn")
WAITING, OVER, BAD = Sign("◑", "warn"), Sign("○", "calm"), Sign("■", "bad")
DONE, FAILED, NOTED = Sign("✓", "good"), Sign("✗", "bad"), Sign("·", "calm")

# Of services, deployments, allocations, instances and endpoints, in the words of all of them.
STATES: dict[str, Sign] = {
    **dict.fromkeys(("running", "successful", "passing", "healthy", "live", "ok", "yes"), GOOD),
    "complete": Sign("●", "calm"),
    **dict.fromkeys(("deploying", "pending", "under_way", "not_yet"), BUSY),
    **dict.fromkeys(("waiting", "canary"), WAITING),
    **dict.fromkeys(("warning", "degraded", "absent", "replaced"), UNSURE),
    **dict.fromkeys(("superseded", "stopped", "not_deployed"), OVER),
    **dict.fromkeys(("failed", "unhealthy", "not_placed", "critical", "lost", "unknown"), BAD),
}
EVENTS: dict[str, Sign] = {
    "accepted": Sign("•", "calm"),
    "override": Sign("!", "warn"),
    "validated": DONE,
    "registered": DONE,
    "unanswered": Sign("?", "warn"),
    "evaluation": NOTED,
    "deployment": NOTED,
    "allocation": NOTED,
    "trouble": Sign("!", "bad"),
    "pause": Sign("‖", "warn"),
    "promotion": Sign("!", "warn"),
    "resumed": Sign("↻", "warn"),
    "restart": Sign("↻", "calm"),
    "warning": Sign("!", "warn"),
    "value": NOTED,
    "verdict": FAILED,
}


def sign_of(state: str) -> Sign | None:
    """The sign of a word for a state; None for one that is none."""
    return STATES.get(state.strip().replace(" ", "_"))


def event_sign(event: Event) -> Sign:
    """The sign of an event: that of its kind, unless what it tells is good or bad."""
    match event.detail:
        case AllocationSeen(healthy=bool() as healthy):
            return DONE if healthy else FAILED
        case Ended(state="successful"):
            return DONE
        case Ended(state=state):
            return Sign(FAILED.shape, STATES[state].mood)
        case _:
            return NOTED if isinstance(event, UnknownEvent) else EVENTS[event.kind]


def progress(state: str) -> str:
    """A deployment's state in a word of its own: what `running` is for a service is `under_way` for a deployment."""
    return "under_way" if state == "running" else state
