"""Requests at a constant rate, each one accounted for: sent on the clock, whatever became of the one before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx2

CONNECTIONS = 64
TIMEOUT_S = 15.0
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; one of a ring that the load goes through again and again."""

    method: str
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: ``started`` and ``ended`` are monotonic seconds, ``status`` is 0 without an answer."""

    number: int
    method: str
    started: float
    ended: float
    status: int
    detail: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether the caller did not get what they asked for."""
        return self.status == 0 or self.status >= SERVER_ERROR

    def was_in_flight(self, begin: float, end: float) -> bool:
        """Whether the request was under way at some moment between the two."""
        return self.started <= end and self.ended >= begin

    def __str__(self) -> str:
        took = (self.ended - self.started) * 1000
        return f"request {self.number}: {self.method}, {self.status or 'no answer'} after {took:.0f} ms {self.detail}".rstrip()


@dataclass(slots=True)
class Load:
    """The account of a running load; ``outcomes`` grows in the order in which requests end."""

    rate: float
    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    @property
    def lost(self) -> list[Outcome]:
        """Every request that failed, oldest first."""
        return sorted((outcome for outcome in self.outcomes if outcome.is_lost), key=lambda outcome: outcome.started)


@asynccontextmanager
async def load(requests: Sequence[Request], rate: float) -> AsyncGenerator[Load]:
    """Send ``rate`` requests a second for as long as the context lasts, then wait for what is still under way.

    Open loop: each request starts at its appointed time, so a slow answer does not thin out those that follow
    (no coordinated omission).
    """
    account = Load(rate)
    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    under_way: set[asyncio.Task[None]] = set()
    async with httpx2.AsyncClient(limits=limits, timeout=TIMEOUT_S, trust_env=False) as client:
        sender = asyncio.create_task(_send_on_the_clock(client, requests, account, under_way))
        try:
            yield account
        finally:
            sender.cancel()
            await asyncio.gather(*under_way)


async def _send_on_the_clock(
    client: httpx2.AsyncClient, requests: Sequence[Request], account: Load, under_way: set[asyncio.Task[None]]
) -> None:
    begin = time.monotonic()
    for number in count():
        await asyncio.sleep(max(0.0, begin + number / account.rate - time.monotonic()))
        task = asyncio.create_task(_send(client, requests[number % len(requests)], number, account))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


async def _send(client: httpx2.AsyncClient, request: Request, number: int, account: Load) -> None:
    started = time.monotonic()
    try:
        answer = await client.request(request.method, request.url)
        status, detail = answer.status_code, answer.text[:200] if answer.status_code >= SERVER_ERROR else ""
    except httpx2.HTTPError as error:
        status, detail = 0, f"{type(error).__name__}: {error}"
    account.outcomes.append(Outcome(number, request.method, started, time.monotonic(), status, detail))
