"""Durations as Go writes and reads them (time.ParseDuration), because Consul's API is full of them."""

from __future__ import annotations

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECOND = 1e-9


def seconds(value: str | float) -> float:
    """Seconds of ``"1m30s"``, or of a number of nanoseconds; raises ValueError with Go's own words."""
    if not isinstance(value, str):
        return float(value) * _NANOSECOND
    sign, text = (-1.0, value[1:]) if value.startswith("-") else (1.0, value.removeprefix("+"))
    if text == "0":
        return 0.0
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(_complaint(value, text))
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


def _complaint(value: str, text: str) -> str:
    if re.fullmatch(r"\d+\.?\d*|\.\d+", text):
        return f'time: missing unit in duration "{value}"'
    return f'time: invalid duration "{value}"'
