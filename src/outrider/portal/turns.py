"""How many of the costly things one portal does at once; the others wait, or are told to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from outrider_ground.edge.refusal import Refusal, TurnedAwayError

FOLLOWED = Refusal(
    503,
    "Too many followers",
    "as many follow deployments here as this portal serves at once",
    "Ask for the list of events instead (`Accept: application/json`), or try again later.",
    {"Retry-After": "5"},
)

EXECUTED = Refusal(
    503,
    "Too many sessions",
    "as many commands run here as this portal serves at once",
    "End one of yours, or try again later.",
    {"Retry-After": "5"},
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Plans and deployments being prepared (each may run an Envoy), uploads being received, followers of events, commands."""

    plans: int = 2
    deployments: int = 4
    uploads: int = 8
    followers: int = 256
    execs: int = 32


class Turns:
    """One portal's worth of them."""

    def __init__(self, bounds: Bounds) -> None:
        self.plans = asyncio.Semaphore(bounds.plans)
        self.deployments = asyncio.Semaphore(bounds.deployments)
        self.uploads = asyncio.Semaphore(bounds.uploads)
        self._free = bounds.followers
        self._execs = bounds.execs

    def check_follower(self) -> None:
        """TurnedAwayError (503) where no follower may come any more."""
        if self._free <= 0:
            raise TurnedAwayError(FOLLOWED)

    @contextmanager
    def follower(self) -> Generator[None]:
        """One follower more while the block runs."""
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    @contextmanager
    def exec(self) -> Generator[None]:
        """One command more while the block runs; TurnedAwayError (503) where there is no room for it."""
        if self._execs <= 0:
            raise TurnedAwayError(EXECUTED)
        self._execs -= 1
        try:
            yield
        finally:
            self._execs += 1


def turns_of(request: HTTPConnection) -> Turns:
    """Those of this portal."""
    found: Turns = request.app.state.turns
    return found


Waiting = Annotated[Turns, Depends(turns_of)]
