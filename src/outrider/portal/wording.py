"""How the pages say things: times, states, knobs and links; pure functions, used as filters of the templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from outrider.nomad.read.allocations import Task
from outrider.operations.signs import BAD, event_sign, progress, sign_of
from outrider.spec.notation import knobs_written

STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (365, "day"))


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
    return (sign_of(state) or BAD).shape


def kind(state: str) -> str:
    """The mood of a state, which is a class of the style sheet; bad where nobody knows the word."""
    return (sign_of(state) or BAD).mood


def words(state: str) -> str:
    return state.replace("_", " ")


def task_words(task: Task) -> str:
    """A task's state; a gate that has ended well is not dead to a person."""
    ended = "failed" if task.failed else "done"
    restarts = f", {task.restarts} restart{'' if task.restarts == 1 else 's'}" if task.restarts else ""
    return (ended if task.state == "dead" else task.state) + restarts


def safe_url(url: str) -> str | None:
    """The URL where it is http or https with a host; anything else (``javascript:``) is no link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc and url.isprintable() else None


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "utc": utc,
    "clock": clock,
    "sign": sign,
    "kind": kind,
    "event_sign": event_sign,
    "words": words,
    "progress": progress,
    "task_words": task_words,
    "knobs": knobs_written,
}
