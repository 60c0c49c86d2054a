"""consul-template's ``timestamp``: now, in UTC, in the layouts that Go describes by its reference time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

_RFC3339 = "2006-01-02T15:04:05Z07:00"
_LAYOUT: dict[str, Callable[[datetime], str]] = {
    "January": lambda now: now.strftime("%B"),
    "Jan": lambda now: now.strftime("%b"),
    "Monday": lambda now: now.strftime("%A"),
    "Mon": lambda now: now.strftime("%a"),
    "MST": lambda _: "UTC",
    "2006": lambda now: f"{now.year:04}",
    "-07:00:00": lambda _: "+00:00:00",
    "-070000": lambda _: "+000000",
    "-07:00": lambda _: "+00:00",
    "-0700": lambda _: "+0000",
    "-07": lambda _: "+00",
    "Z07:00:00": lambda _: "Z",
    "Z070000": lambda _: "Z",
    "Z07:00": lambda _: "Z",
    "Z0700": lambda _: "Z",
    "Z07": lambda _: "Z",
    "002": lambda now: f"{now.timetuple().tm_yday:03}",
    "__2": lambda now: f"{now.timetuple().tm_yday:3}",
    "01": lambda now: f"{now.month:02}",
    "02": lambda now: f"{now.day:02}",
    "03": lambda now: f"{now.hour % 12 or 12:02}",
    "04": lambda now: f"{now.minute:02}",
    "05": lambda now: f"{now.second:02}",
    "06": lambda now: f"{now.year % 100:02}",
    "15": lambda now: f"{now.hour:02}",
    "PM": lambda now: "PM" if now.hour >= 12 else "AM",  # noqa: PLR2004  # noon
    "pm": lambda now: "pm" if now.hour >= 12 else "am",  # noqa: PLR2004  # noon
    "_2": lambda now: f"{now.day:2}",
    "1": lambda now: str(now.month),
    "2": lambda now: str(now.day),
    "3": lambda now: str(now.hour % 12 or 12),
    "4": lambda now: str(now.minute),
    "5": lambda now: str(now.second),
}
_PART = re.compile("|".join(re.escape(word) for word in _LAYOUT) + r"|[.,]0+(?!\d)|[.,]9+(?!\d)")


def timestamp(*layouts: str) -> str:
    """Of now; ``unix`` are the seconds."""
    if len(layouts) > 1:
        raise ValueError(f"timestamp: wrong number of arguments, expected 0 or 1, but got {len(layouts)}")
    now = datetime.now(tz=UTC)
    if layouts == ("unix",):
        return str(int(now.timestamp()))
    return laid_out(now, layouts[0] if layouts else _RFC3339)


def laid_out(now: datetime, layout: str) -> str:
    """A time of UTC as Go formats it."""

    def part(found: re.Match[str]) -> str:
        word = found[0]
        if word in _LAYOUT:
            return _LAYOUT[word](now)
        fraction = f"{now.microsecond:06}000"[: len(word) - 1]
        return word[0] + fraction if "0" in word else (word[0] + fraction).rstrip("0").rstrip(word[0])

    return _PART.sub(part, layout)
