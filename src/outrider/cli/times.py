"""Times for a person: in the zone of their machine (TZ counts), and always with its name."""

from __future__ import annotations

from datetime import datetime


def clock(text: object) -> str:
    """``14:03:09 CET`` of a time in ISO 8601; what is none stays as it is."""
    found = _local(text)
    return str(text) if found is None else f"{found:%H:%M:%S %Z}"


def moment(text: object) -> str:
    """``2026-11-27 14:03:09 CET``."""
    found = _local(text)
    return str(text) if found is None else f"{found:%Y-%m-%d %H:%M:%S %Z}"


def _local(text: object) -> datetime | None:
    """A time without a zone would be a guess: servers of ours say UTC."""
    try:
        found = datetime.fromisoformat(str(text))
        return found.astimezone() if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
