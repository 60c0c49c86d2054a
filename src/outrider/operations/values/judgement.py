"""Which allocations run with another value than the one that is there: what was seen, beside when they started. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from outrider.operations.answers.values import Value, ValueState
from outrider.operations.values.sighting import Sighting, shown
from outrider.spec.readings import BY_NOMAD

if TYPE_CHECKING:
    from outrider.operations.records import Seen
    from outrider.spec.readings import Reading
    from outrider.spec.references import Reference
    from outrider.spec.variables import OnChange

# Clocks of nodes and of the portal differ, and a change is seen a moment after it is made: who started so shortly after it
# may have read what was before.
BLUR = timedelta(seconds=2)
# Of a secret that is lent, this part of its life is left for the rollout.
LEFT_FOR_ROLLOUT = 1 / 3


@dataclass(frozen=True, slots=True)
class Start:
    """An allocation, and when its app and its Envoy were started last; None where that one has not started yet."""

    allocation: str
    app: datetime | None
    sidecar: datetime | None = None

    def of(self, reading: Reading) -> datetime | None:
        """When the one was started that reads it."""
        return self.sidecar if reading.by_sidecar else self.app


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known: of each reference how it looked, oldest first, and how it looks; ``default`` is the platform's word.

    ``rolled_at`` is when the last rollout of values of the service began that came to a good end: all that runs started
    after it, whatever the clocks of nodes say.
    """

    history: Mapping[Reference, Sequence[Seen]]
    sightings: Mapping[Reference, Sighting]
    default: OnChange
    now: datetime
    rolled_at: datetime | None = None
    starts: Sequence[Start] = field(default=())


def judged(readings: Iterable[Reading], ground: Ground) -> tuple[Value, ...]:
    """All that a service reads, each with the allocations that are behind."""
    return tuple(_judged(reading, ground) for reading in readings)


def _judged(reading: Reading, ground: Ground) -> Value:
    word = reading.word(ground.default)
    made = Value(str(reading.reference), reading.item, reading.purpose, word, "not_yet")
    sighting = ground.sightings.get(reading.reference)
    if sighting is None:
        return made
    if sighting.problem:
        return replace(made, state="unwatched", problem=sighting.problem)
    if sighting.lease_s is not None:
        return _lent(made, reading, sighting.lease_s, ground)
    return _compared(made, reading, sighting, ground)


def _compared(made: Value, reading: Reading, sighting: Sighting, ground: Ground) -> Value:
    history = ground.history.get(reading.reference, ())
    starts = {one.allocation: at for one in ground.starts if (at := one.of(reading))}
    read = {name: _read(history, at, ground.rolled_at) for name, at in starts.items()}
    behind = tuple(name for name, seen in read.items() if seen != sighting.fingerprint)
    since = history[-1].at if history else None
    state = _state(made.on_change, sighting, reading, is_behind=bool(behind))
    return replace(
        made,
        state=state,
        deployed=tuple(dict.fromkeys(shown(seen) for seen in read.values() if seen)),
        now=None if sighting.is_gone else shown(sighting.fingerprint),
        since=since,
        behind=() if state == "nomads" else behind,
        problem=_lacks(sighting, reading),
    )


def _read(history: Sequence[Seen], started: datetime, rolled_at: datetime | None) -> str | None:
    """What was there when it started; what changed before anybody looked is not known, and counts as there from the first."""
    there = history[0].fingerprint if history else None
    for seen in history:
        if seen.at + BLUR <= started or (rolled_at is not None and seen.at <= rolled_at):
            there = seen.fingerprint
    return there


def _state(word: OnChange, sighting: Sighting, reading: Reading, *, is_behind: bool) -> ValueState:
    if sighting.is_gone and not reading.may_lack:
        return "gone"
    if word in BY_NOMAD:
        return "nomads"
    if not is_behind:
        return "current"
    if sighting.is_empty:
        return "empty"
    return "left" if word == "nothing" else "pending"


def _lacks(sighting: Sighting, reading: Reading) -> str:
    if sighting.is_gone and not reading.may_lack:
        return "is gone: an allocation that starts now waits for it"
    return "is empty" if sighting.is_empty else ""


def _lent(made: Value, reading: Reading, lease_s: float, ground: Ground) -> Value:
    """A secret that is made for each allocation, and ends some time after that one's start."""
    if made.on_change in BY_NOMAD:
        return replace(made, state="nomads")
    starts = {one.allocation: at for one in ground.starts if (at := _later(one.of(reading), ground.rolled_at))}
    due = timedelta(seconds=lease_s * (1 - LEFT_FOR_ROLLOUT))
    behind = tuple(name for name, at in starts.items() if at + due <= ground.now)
    ends = min((at + timedelta(seconds=lease_s) for at in starts.values()), default=None)
    since = min((at + due for name, at in starts.items() if name in behind), default=None)
    state: ValueState = "current" if not behind else "left" if made.on_change == "nothing" else "pending"
    return replace(made, state=state, behind=behind, expires_at=ends, since=since)


def _later(started: datetime | None, rolled_at: datetime | None) -> datetime | None:
    """Not before the rollout that started it."""
    return started if started is None or rolled_at is None else max(started, rolled_at)
