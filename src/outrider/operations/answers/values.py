"""The values that a service reads, as they are told: by fingerprints only, never themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from outrider.spec.variables import OnChange

ValueState = Literal["current", "pending", "left", "gone", "empty", "unwatched", "nomads", "not_yet"]


@dataclass(frozen=True, slots=True)
class Value:
    """What one variable, file or password of a service is made of.

    ``deployed`` are the fingerprints (8 hex) of what its allocations have read, ``now`` that of what is there. ``state``:
    ``pending`` is to be rolled out, ``left`` is left alone by ``on_change: nothing``, ``nomads`` is acted on by Nomad itself,
    ``gone`` and ``empty`` are not rolled into, ``unwatched`` cannot be told (``problem``), ``not_yet`` was not looked at.
    ``behind`` are allocations that started before it changed. ``expires_at`` is when the first secret lent to one ends.
    """

    reference: str
    item: str
    purpose: str
    on_change: OnChange
    state: ValueState
    deployed: tuple[str, ...] = ()
    now: str | None = None
    since: datetime | None = None
    behind: tuple[str, ...] = ()
    expires_at: datetime | None = None
    problem: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether allocations run with another value than the one that is there, and somebody is to act on it."""
        return self.state == "pending" or (bool(self.behind) and self.state in {"gone", "empty"})


@dataclass(frozen=True, slots=True)
class Started:
    """When the app of an allocation was started last: what it reads it has read then."""

    allocation: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceValues:
    """All of a service; ``held`` says why what is pending is not rolled out by itself, and is empty where nothing holds it."""

    environment: str
    service: str
    values: tuple[Value, ...]
    allocations: tuple[Started, ...] = ()
    held: str = ""

    @property
    def pending(self) -> tuple[Value, ...]:
        """Those that wait to be rolled out."""
        return tuple(one for one in self.values if one.is_pending)


def changed(value: Value) -> str:
    """``Consul key config/checkout/flag has changed: 1a2b3c4d → 5e6f7a8b``."""
    if value.expires_at is not None:
        return f"{value.reference} is lent until {value.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{value.reference} has changed: {', '.join(value.deployed) or 'unknown'} → {value.now or 'nothing'}"
