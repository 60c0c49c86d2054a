"""How the pages say things: times, states, knobs and links; pure functions, used as filters of the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from outrider.nomad.read.allocations import Task
from outrider.spec.values import duration

STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (365, "day"))
SIGNS = {
    "running": "●",
    "successful": "●",
    "passing": "●",
    "complete": "●",
    "deploying": "◐",
    "pending": "◐",
    "under_way": "◐",
    "waiting": "◑",
    "warning": "▲",
    "degraded": "▲",
    "superseded": "○",
    "stopped": "○",
}
KINDS = {
    "running": "good",
    "successful": "good",
    "passing": "good",
    "deploying": "busy",
    "pending": "busy",
    "under_way": "busy",
    "waiting": "warn",
    "warning": "warn",
    "degraded": "warn",
    "stopped": "calm",
    "superseded": "calm",
    "complete": "calm",
}


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """``3 minutes ago``."""
    if moment is None:
        return "never"
    number = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    for size, unit in STEPS:
        if number < size:
            return f"{int(number)} {unit}{'' if int(number) == 1 else 's'} ago"
        number /= size
    return f"{int(number)} years ago"


def utc(moment: datetime | None) -> str:
    """``2026-11-23 05:12:38 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else ""


def clock(moment: datetime) -> str:
    """``05:12:38``."""
    return moment.astimezone(UTC).strftime("%H:%M:%S")


def sign(state: str) -> str:
    """A shape for the state, so that colour is never alone."""
    return SIGNS.get(state, "■")


def kind(state: str) -> str:
    """Which of the four moods a state has: good, busy, warn, calm, and bad for all others."""
    return KINDS.get(state, "bad")


def words(state: str) -> str:
    return state.replace("_", " ")


def progress(state: str) -> str:
    """A deployment's state; what `running` is for a service is `under way` for a deployment."""
    return "under_way" if state == "running" else state


def task_words(task: Task) -> str:
    """A task's state; a gate that has ended well is not dead to a person."""
    ended = "failed" if task.failed else "done"
    restarts = f", {task.restarts} restart{'' if task.restarts == 1 else 's'}" if task.restarts else ""
    return (ended if task.state == "dead" else task.state) + restarts


def knobs(written: Mapping[str, Any]) -> str:
    """The knobs that are set; a stored timeout is in milliseconds."""
    said = {name: value for name, value in written.items() if value not in (None, False, [], {})}
    return ", ".join(f"{name} {duration(value) if name == 'timeout' else value}" for name, value in said.items())


def safe_url(url: str) -> str | None:
    """The URL where it is http or https with a host; anything else (``javascript:``) is no link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc and url.isprintable() else None


FILTERS = {
    "ago": ago,
    "utc": utc,
    "clock": clock,
    "sign": sign,
    "kind": kind,
    "words": words,
    "progress": progress,
    "task_words": task_words,
    "knobs": knobs,
}
