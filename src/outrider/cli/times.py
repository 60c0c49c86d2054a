"""Times for a person: in the zone of their machine (TZ counts), and always with its name."""

from __future__ import annotations

from datetime import datetime


def clock(at: datetime) -> str:
    """``14:03:09 CET``."""
    return _written(at, "%H:%M:%S %Z")


def moment(at: datetime) -> str:
    """``2026-11-27 14:03:09 CET``."""
    return _written(at, "%Y-%m-%d %H:%M:%S %Z")


def _written(at: datetime, form: str) -> str:
    """A time without a zone would be a guess, servers of ours say UTC; one at the end of time has no other zone."""
    try:
        return f"{at.astimezone():{form}}" if at.tzinfo else at.isoformat()
    except (ValueError, OverflowError):
        return at.isoformat()
