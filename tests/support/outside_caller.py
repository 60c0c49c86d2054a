"""A caller outside the mesh, as a process: no sidecar, no retries, kept connections, Consul asked each second.

``outside_caller.py CONSUL SERVICE RATE`` sends GET and POST by turns on the clock, whatever became of those before,
until its stdin closes. It prints a line when its connections are open, and one of JSON at the end: ``sent``, ``lost``
(each with its reason), ``told`` (answers that said ``connection: close``) and ``opened`` (connections).

A new connection goes to an instance that Consul listed as passing at most a second ago. A kept one is used, in turn with
the others, for as long as the server lets it: nothing but ``connection: close`` sends this caller away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2

RESOLVE_S = 1.0
ANSWER_S = 10.0
KEPT = 4  # connections to each instance that are open before the first request
BODY = b"what is posted"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: close", re.IGNORECASE)
Place = tuple[str, int]


class Connection(asyncio.Protocol):
    """One request at a time; ``is_open`` is false as soon as the server's end is known here."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.is_open = True
        self.is_told_to_close = False
        self._received = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def status(self, request: bytes) -> int:
        """Send, and wait for the whole answer; ConnectionError where the connection ends first."""
        self._answer, self._received = asyncio.get_running_loop().create_future(), b""
        self._transport.write(request)
        async with asyncio.timeout(ANSWER_S):
            return await self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or not length or len(body) < int(length[1]) or not self._answer or self._answer.done():
            return
        self.is_told_to_close = CLOSE.search(head) is not None
        self._answer.set_result(int(head.split(b" ", 2)[1]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the connection ended before the answer: {exc or 'FIN'}"))

    def close(self) -> None:
        self.is_open = False
        self._transport.close()


@dataclass
class Caller:
    """What it knows, keeps and has counted."""

    service: str
    places: list[Place] = field(default_factory=list[Place])
    idle: deque[Connection] = field(default_factory=deque[Connection])
    lost: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    sent: int = 0
    told: int = 0
    opened: int = 0

    async def resolve(self, consul: httpx2.AsyncClient) -> None:
        answer = await consul.get(f"/v1/health/service/{self.service}", params={"passing": "1"})
        services = [one["Service"] for one in answer.raise_for_status().json()]
        self.places = [(one["Address"], one["Port"]) for one in services]

    async def connection(self) -> Connection:
        """The one that has been idle longest, else a new one."""
        while self.idle:
            kept = self.idle.popleft()
            if kept.is_open:
                return kept
        return await self.new(self.places[self.opened % len(self.places)])

    async def new(self, place: Place) -> Connection:
        self.opened += 1
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: Connection(place), *place))[1]

    async def send(self, number: int) -> None:
        started, place = time.monotonic(), ("nowhere", 0)
        self.sent += 1
        try:
            connection = await self.connection()
            place = connection.place
            status = await connection.status(request(number))
            self.keep(connection)
            problem = "" if status == 200 else f"status {status}"
        except (OSError, TimeoutError, ZeroDivisionError) as reason:
            problem = repr(reason)
        if problem:
            took = round(time.monotonic() - started, 3)
            self.lost.append({"number": number, "at": started, "took": took, "place": place, "problem": problem})

    def keep(self, connection: Connection) -> None:
        self.told += connection.is_told_to_close
        if connection.is_told_to_close:
            connection.close()
        elif connection.is_open:
            self.idle.append(connection)


def request(number: int) -> bytes:
    """GET and POST by turns, each with a path of its own."""
    method, body = ("GET", b"") if number % 2 else ("POST", BODY)
    return (
        f"{method} /{method}/{number} HTTP/1.1\r\nhost: outside\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    )


async def resolving(caller: Caller, consul: httpx2.AsyncClient) -> None:
    """Ask each second, for ever; what a Consul in trouble said last stays."""
    while True:
        await asyncio.sleep(RESOLVE_S)
        with contextlib.suppress(httpx2.HTTPError):
            await caller.resolve(consul)


async def sending(caller: Caller, rate: float, under_way: set[asyncio.Task[None]]) -> None:
    begin = time.monotonic()
    for number in count():
        await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
        task = asyncio.create_task(caller.send(number))
        under_way.add(task)
        task.add_done_callback(under_way.discard)


async def main(consul_address: str, service: str, rate: float) -> None:
    caller, under_way = Caller(service), set[asyncio.Task[None]]()
    async with httpx2.AsyncClient(base_url=consul_address, trust_env=False) as consul:
        await caller.resolve(consul)
        caller.idle.extend([await caller.new(place) for _ in range(KEPT) for place in caller.places])
        print("calling", flush=True)
        work = [asyncio.create_task(resolving(caller, consul)), asyncio.create_task(sending(caller, rate, under_way))]
        await asyncio.to_thread(sys.stdin.read)
        for task in work:
            task.cancel()
        await asyncio.gather(*under_way)
    counts = {"sent": caller.sent, "told": caller.told, "opened": caller.opened, "lost": caller.lost}
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
