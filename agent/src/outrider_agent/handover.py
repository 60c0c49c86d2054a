"""What a watch knows beside its endpoints and a successor must know too: the index, losses, and since when what holds.

Times are readings of the monotonic clock, which goes on over a restart of the agent and stands for no wall clock's jump.
"""

from __future__ import annotations

from outrider_agent.departures import Departed
from outrider_agent.documents import Json, list_in, object_in
from outrider_agent.endpoints import DEGRADED, HEALTHY, Endpoint, Identity
from outrider_agent.instances import instance, whole_text

NEVER_HEARD = 0


class Handover:
    """One upstream's; ``spent`` are the seconds that a critical instance has been kept beside healthy ones."""

    __slots__ = ("departed", "empty_since", "heard", "lost_at", "spent")

    def __init__(self) -> None:
        self.heard = NEVER_HEARD
        self.departed: list[Departed] = []
        self.spent: dict[Identity, float] = {}
        self.empty_since: float | None = None
        self.lost_at: float | None = None


def document(handover: Handover) -> Json:
    """What is written of a memory beside its endpoints."""
    return {
        "heard": handover.heard,
        "departed": [[*one.endpoint.row, one.at, one.is_gone] for one in handover.departed],
        "spent": [[*who, seconds] for who, seconds in handover.spent.items()],
        "empty_since": handover.empty_since,
        "lost_at": handover.lost_at,
    }


def handover(written: object, later: float) -> Handover:
    """What was written, with ``later`` added to each reading; raise ValueError for what is none."""
    held = object_in(written)
    found = Handover()
    found.heard = _index(held.get("heard"))
    found.departed = [_departed(list_in(row), later) for row in list_in(held.get("departed"))]
    found.spent = dict(_spent(list_in(row)) for row in list_in(held.get("spent")))
    found.empty_since = _moment(held.get("empty_since"), later)
    found.lost_at = _moment(held.get("lost_at"), later)
    return found


def written_endpoint(row: list[object]) -> Endpoint:
    """An endpoint from its row; raise ValueError for one that Envoy would not take."""
    address, port, health, weight, is_canary, version = row
    found = instance({"Service": {"Address": address, "Port": port, "Weights": {"Passing": weight}}})
    restored = Endpoint(found.address, found.port, HEALTHY if health == HEALTHY else DEGRADED, found.weight)
    restored.is_canary = is_canary is True
    restored.version = whole_text(version) if isinstance(version, str) else ""
    return restored


def seconds(value: object) -> float:
    """Raise ValueError for what is no finite number."""
    if isinstance(value, (int, float)) and value is not True and value is not False and abs(value) < float("inf"):
        return float(value)
    raise ValueError(f"{value!r} is no time")


def _index(value: object) -> int:
    if isinstance(value, int) and value is not True and value >= NEVER_HEARD:
        return value
    raise ValueError(f"{value!r} is no index")


def _departed(row: list[object], later: float) -> Departed:
    *endpoint, at, is_gone = row
    return Departed(written_endpoint(endpoint), seconds(at) + later, is_gone=is_gone is True)


def _spent(row: list[object]) -> tuple[Identity, float]:
    address, port, spent = row
    found = instance({"Service": {"Address": address, "Port": port}})
    return found.identity, seconds(spent)


def _moment(value: object, later: float) -> float | None:
    return None if value is None else seconds(value) + later
