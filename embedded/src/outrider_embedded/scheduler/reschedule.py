"""Rescheduling: whether and when a failed allocation is replaced, by its group's policy (pure)."""

from __future__ import annotations

from outrider_embedded.scheduler.documents import Document, fields, rows
from outrider_embedded.scheduler.times import stamp_ns


def is_reschedule_eligible(allocation: Document, policy: Document | None, now: int) -> bool:
    """Whether the policy lets this allocation be replaced after a failure; ``now`` in nanoseconds."""
    if not policy:
        return False
    if policy["Unlimited"]:
        return True
    if not policy["Attempts"] or not policy["Interval"]:
        return False
    recent = [event for event in _events(allocation) if event["RescheduleTime"] > now - policy["Interval"]]
    return len(recent) < policy["Attempts"]


def reschedule_time(allocation: Document, policy: Document) -> int:
    """Nanoseconds of the time at which the allocation is to be replaced."""
    return _failure_time(allocation) + next_delay(allocation, policy)


def next_delay(allocation: Document, policy: Document) -> int:
    """Nanoseconds between the failure and the replacement, grown by the policy's function."""
    delays = [event["Delay"] for event in _events(allocation)]
    first: int = policy["Delay"]
    if policy["DelayFunction"] == "constant" or not delays:
        return first
    before = delays[-2] if len(delays) > 1 else 0
    grown = delays[-1] * 2 if policy["DelayFunction"] == "exponential" else delays[-1] + (before or delays[-1])
    return min(grown, policy["MaxDelay"]) if policy["MaxDelay"] else grown


def tracker_after(allocation: Document, policy: Document, now: int) -> Document:
    """The tracker of the replacement: the failed allocation's history with one event more."""
    event = {
        "Delay": next_delay(allocation, policy),
        "PrevAllocID": allocation["ID"],
        "PrevNodeID": allocation["NodeID"],
        "RescheduleTime": now,
    }
    return {"Events": [*_events(allocation), event][-5:], "LastReschedule": ""}


def _events(allocation: Document) -> list[Document]:
    return rows(fields(allocation["RescheduleTracker"]).get("Events"))


def _failure_time(allocation: Document) -> int:
    finished = [state["FinishedAt"] for state in fields(allocation["TaskStates"]).values() if state["FinishedAt"]]
    return max(map(stamp_ns, finished), default=allocation["ModifyTime"])
