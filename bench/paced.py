"""Latencies at a constant rate: requests are sent on the clock, however long the answers to earlier ones take."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque

HOST = "127.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
GOOD = b"HTTP/1.1 200"
PATIENCE_S = 5.0  # for the last answers
SEVERAL = 8  # connections that are open before the first request


class Connection(asyncio.Protocol):
    """One kept connection: a request at a time, its latency entered when the last byte is there."""

    def __init__(self, paced: Paced) -> None:
        self._paced = paced
        self._received = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or not length or len(body) < int(length[1]):
            return
        self._paced.has_answer(self, time.perf_counter() - self._sent, is_good=head.startswith(GOOD))
        self._received, self._sent = b"", 0.0

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._paced.has_lost(self, is_busy=self._sent > 0)

    def close(self) -> None:
        self._transport.abort()


class Paced:
    """The account of a run: seconds for each answer, and how many requests failed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self.latencies: list[float] = []
        self.failed = 0
        self.is_over = False

    def has_answer(self, connection: Connection, seconds: float, *, is_good: bool) -> None:
        self.latencies.append(seconds)
        self.failed += not is_good
        self._idle.append(connection)

    def has_lost(self, connection: Connection, *, is_busy: bool) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self.failed += is_busy and not self.is_over

    async def opened(self) -> Connection:
        _, made = await asyncio.get_running_loop().create_connection(lambda: Connection(self), HOST, self._port)
        self._all.add(made)
        return made

    async def run(self, rate: float, seconds: float) -> None:
        self._idle.extend([await self.opened() for _ in range(SEVERAL)])
        begin = time.perf_counter()
        for number in range(int(rate * seconds)):
            wait = begin + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            self._send()
        end = time.perf_counter() + PATIENCE_S
        while len(self.latencies) < int(rate * seconds) and time.perf_counter() < end:  # noqa: ASYNC110  the very end
            await asyncio.sleep(0.01)
        self.is_over = True
        for connection in tuple(self._all):
            connection.close()
        self.failed += int(rate * seconds) - len(self.latencies)

    def _send(self) -> None:
        """Over an idle connection, else over one that is opened now: no request waits for another's answer."""
        if self._idle:
            self._idle.popleft().send()
            return
        task = asyncio.create_task(self._send_over_new())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _send_over_new(self) -> None:
        (await self.opened()).send()


def latencies(port: int, rate: float, seconds: float) -> tuple[list[float], int]:
    """Milliseconds of each answer, sorted, and how many requests failed or had no answer in the end."""
    paced = Paced(port)
    asyncio.run(paced.run(rate, seconds))
    return sorted(one * 1_000 for one in paced.latencies), paced.failed


def at(share: float, ordered: list[float]) -> float:
    """A quantile; 0 where there is nothing."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
