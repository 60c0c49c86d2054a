"""How often values are asked for, and how long changed ones are collected: seconds."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ValuePace:
    """A few held queries that idle, and a look at what runs every few seconds."""

    look: float = 3.0
    """Between two looks at what runs and reads values; a changed one is looked at sooner."""
    held: float = 50.0
    """For which a query is held where nothing changes."""
    doubt: float = 1.0
    """Before what vanished is asked for once more."""
    turn: float = 10.0
    """Between two rounds of what is asked for in turns, and of what tells nothing by itself (Vault)."""
    breath: float = 0.1
    """Between an answer and the next query."""
    first: float = 0.5
    longest: float = 15.0
    silences: int = 4
    """No time, but a number: failures in a row after which a value counts as one that nobody can tell."""
    collect: float = 3.0
    """After the last change of a service's values, before they are rolled out together."""
    most_collect: float = 30.0
    """After the first: values that change all the time are rolled out too."""
    lease: float = 20.0
    """For which one portal has the right to roll values out."""
    retry: float = 30.0
    """Before a rollout that could not begin is tried again."""

    def after(self, failures: int) -> float:
        """How long to wait after so many failures in a row, with a share of chance so that portals spread."""
        return min(self.longest, self.first * 2 ** min(failures - 1, 16)) * random.uniform(0.75, 1.0)  # noqa: S311
