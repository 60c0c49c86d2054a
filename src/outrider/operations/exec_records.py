"""What is remembered of commands that people ran beside tasks: never what these were told, and never what they answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Exec:
    """A command that somebody ran beside a task. ``exit_code`` is None where none was told, and ``reason`` says why.

    ``ended_at`` is None while it runs, and where its portal died before its end.
    """

    id: str
    environment: str
    service: str
    allocation: str
    task: str
    command: tuple[str, ...]
    has_terminal: bool
    by: str
    at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    reason: str = ""
