"""What a reconciliation decides, as frozen data: placements, stops, updates, and the numbers that a plan shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from outrider_embedded.scheduler.documents import Document

NOT_NEEDED = "alloc not needed due to job update"
UPDATING = "alloc is being updated due to job update"
MIGRATING = "alloc is being migrated"


@dataclass(frozen=True, slots=True)
class Placement:
    """An allocation to place; ``previous`` is the one that it replaces, and waits for."""

    name: str
    group: Document
    is_canary: bool = False
    previous: Document | None = None
    is_rescheduling: bool = False


@dataclass(frozen=True, slots=True)
class Updates:
    """How many allocations of a group see which change; Nomad's ``DesiredTGUpdates``."""

    ignore: int = 0
    place: int = 0
    migrate: int = 0
    stop: int = 0
    in_place: int = 0
    destructive: int = 0
    canary: int = 0
    reschedule_now: int = 0
    reschedule_later: int = 0


@dataclass(frozen=True, slots=True)
class GroupDecisions:
    """The decisions on one group; ``state`` is its part of the deployment."""

    name: str
    updates: Updates
    place: tuple[Placement, ...] = ()
    stop: tuple[Document, ...] = ()
    inplace: tuple[Document, ...] = ()
    later: tuple[tuple[Document, int], ...] = ()
    state: Document | None = None
    needs_deployment: bool = False
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions on a job.

    ``stop`` and ``inplace`` hold allocations as they shall become, ``later`` pairs of a failed allocation and the
    time (nanoseconds) at which to look again, ``deployment`` a new or changed one, ``cancelled`` an ended one.
    """

    place: tuple[Placement, ...] = ()
    stop: tuple[Document, ...] = ()
    inplace: tuple[Document, ...] = ()
    later: tuple[tuple[Document, int], ...] = ()
    deployment: Document | None = None
    cancelled: Document | None = None
    updates: dict[str, Updates] = field(default_factory=dict[str, Updates])


def desired_updates(updates: Updates) -> Document:
    """The numbers as Nomad writes them."""
    return {
        "Canary": updates.canary,
        "DestructiveUpdate": updates.destructive,
        "Disconnect": 0,
        "Ignore": updates.ignore,
        "InPlaceUpdate": updates.in_place,
        "Migrate": updates.migrate,
        "Place": updates.place,
        "Preemptions": 0,
        "Reconnect": 0,
        "RescheduleLater": updates.reschedule_later,
        "RescheduleNow": updates.reschedule_now,
        "Stop": updates.stop,
    }
