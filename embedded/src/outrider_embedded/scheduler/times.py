"""Times and durations as Nomad writes them: RFC 3339 with nanoseconds, and Go's durations."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_SECOND = 1_000_000_000
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def stamp(nanoseconds: int | None = None) -> str:
    """RFC 3339 in UTC with nine decimals less trailing zeros; now by default."""
    nanoseconds = time.time_ns() if nanoseconds is None else nanoseconds
    seconds, rest = divmod(nanoseconds, _SECOND)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    decimals = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{whole}{decimals}Z"


def stamp_ns(text: str) -> int:
    """Nanoseconds since 1970 of a time that `stamp` wrote."""
    whole, _, decimals = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * _SECOND + int(decimals.ljust(9, "0") or 0)


def duration_ns(text: str) -> int:
    """Nanoseconds of Go's ``1m30s``; a bare number is nanoseconds. Raises ValueError."""
    if text.isdecimal():
        return int(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'time: invalid duration "{text}"')
    return int(sum(float(number) * _UNITS[unit] for number, unit in parts))


def duration_text(nanoseconds: int) -> str:
    """``5s``, ``1m0s``, ``1.5s``, ``250ms`` as Go prints them."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < _SECOND:
        return _small(nanoseconds)
    minutes, rest = divmod(nanoseconds, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = _number(rest, _SECOND) + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _small(nanoseconds: int) -> str:
    for unit in ("ms", "µs"):
        if nanoseconds >= _UNITS[unit]:
            return _number(nanoseconds, _UNITS[unit]) + unit
    return f"{nanoseconds}ns"


def _number(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    decimals = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)
