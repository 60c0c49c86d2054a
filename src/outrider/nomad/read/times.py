"""Times of Nomad's that are numbers: nanoseconds."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND_NS = 1_000_000_000


def moment(nanoseconds: int | None) -> datetime:
    """Counted since 1970, which is what stands where there is none."""
    return datetime.fromtimestamp((nanoseconds or 0) / SECOND_NS, UTC)


def longest_s(nanoseconds: list[int]) -> float:
    """The longest of these in seconds; 0 for none."""
    return max([*nanoseconds, 0]) / SECOND_NS
