"""What a sidecar's Envoy takes: at 100 requests a second with three upstreams, and when it is asked for too much.

Too much is 1,000 connections at once, half of them to ingress and half to one upstream, which upload and download
large bodies faster than the other side takes them. The Envoy must not grow beyond its limit nor end: it refuses some of
it, and answers as before when it is over.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

from outrider_harness.asking import fetched
from outrider_harness.ports import free_ports
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul, entry
from outrider_harness.sidecars import Sidecar, resolved, running_sidecar
from outrider_harness.usage import mapped
from outrider_harness.waiting import eventually
from paced import latencies
from report import Figure, report
from ways import answering

HERE = "127.0.0.1"
UPSTREAMS = ("catalog", "payments", "sessions")
RATE = 100.0
CALM_S, FLOOD_S = 30.0, 30.0
CALM_LIMIT_MB, FLOOD_LIMIT_MB = 20.0, 150.0
CONNECTIONS = 1_000
BODY = 4 * 1_048_576
PIECE = 65_536
SLOWLY_S = 0.05  # between two pieces that the slow side takes
GIVEN_UP = "no answer when time was up"


def private_mb(pid: int) -> float:
    """What one more Envoy costs a node: written pages. Those of its program are shared by every Envoy there."""
    return mapped(pid)["Private_Dirty"] / 2**20


@contextlib.contextmanager
def sidecar(directory: Path, app: int) -> Generator[Sidecar]:
    """Ingress before the app, and three upstreams that are the same app."""
    spec = {"service": "checkout", "upstreams": {name: {} for name in UPSTREAMS}}
    tracing = {"tracing": {"collector": "http://127.0.0.1:9"}}
    with FakeConsul().running() as consul:
        for name in UPSTREAMS:
            consul.put(name, entry(HERE, app))
        with running_sidecar(directory / "sidecar", resolved(spec, tracing), consul.address, app) as made:
            eventually(lambda: fetched(f"{HERE}:{made.ports['ingress']}", "/")[0] == 200)
            yield made


def calm(directory: Path, seconds: float) -> tuple[dict[str, float], int]:
    """MB at rest, under the load and with everything that is shared; how many requests failed."""
    (port,) = free_ports(1)
    (directory / "app").mkdir()
    app = answering(directory / "app", port)
    try:
        with sidecar(directory, port) as made:
            time.sleep(1)
            at_rest = private_mb(made.pid)
            listening = [made.ports["ingress"], *(made.egress(name) for name in UPSTREAMS)]
            failed = sum(latencies(port, RATE, seconds / len(listening))[1] for port in listening)
            return {"rest": at_rest, "load": private_mb(made.pid), "all": mapped(made.pid)["Rss"] / 2**20}, failed
    finally:
        app.end(at_once=True)


async def slow_app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a body slowly; gives a large one to GET /large."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if head.startswith("post"):
                await taken_slowly(reader, BODY)
            size = BODY if " /large " in head else 2
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            for _ in range(max(1, size // PIECE)):
                writer.write(b"x" * min(size, PIECE))
                await writer.drain()


async def taken_slowly(reader: asyncio.StreamReader, size: int) -> None:
    """Read so many bytes, a piece at a time."""
    while size > 0:
        data = await reader.read(PIECE)
        if not data:
            raise ConnectionError
        size -= len(data)
        await asyncio.sleep(SLOWLY_S)


async def uploaded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Send a large body as fast as it is taken; the answer's status."""
    writer.write(b"POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: %d\r\n\r\n" % BODY)
    answer = asyncio.create_task(reader.readuntil(b"\r\n"))
    try:
        for _ in range(BODY // PIECE):
            writer.write(b"x" * PIECE)
            await writer.drain()
            if answer.done():
                break
        return (await answer).split()[1].decode()
    finally:
        answer.cancel()


async def downloaded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Ask for a large body and take it slowly; the answer's status."""
    writer.write(b"GET /large HTTP/1.1\r\nhost: bench\r\n\r\n")
    status = (await reader.readuntil(b"\r\n")).split()[1].decode()
    if status == "200":
        await reader.readuntil(b"\r\n\r\n")
        await taken_slowly(reader, BODY)
    return status


async def asked(number: int, ports: tuple[int, int], seconds: float) -> str:
    """What became of one connection."""
    transfer = (uploaded, downloaded)[number // 2 % 2]
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(HERE, ports[number % 2])
            with contextlib.closing(writer):
                return await transfer(reader, writer)
    except TimeoutError:
        return GIVEN_UP
    except (OSError, asyncio.IncompleteReadError):
        return "closed"


@contextlib.asynccontextmanager
async def running_app() -> AsyncGenerator[int]:
    """The slow application's port."""
    open_ones: set[asyncio.StreamWriter] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        await slow_app(reader, writer)
        writer.close()
        open_ones.discard(writer)

    server = await asyncio.start_server(kept, HERE, 0, backlog=CONNECTIONS)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in tuple(open_ones):
            writer.transport.abort()
        while open_ones:  # noqa: ASYNC110  each ends by itself with its next read or write
            await asyncio.sleep(SLOWLY_S)


async def peak(pid: int) -> float:
    """The most private MB, until cancelled."""
    most = 0.0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            most = max(most, await asyncio.to_thread(private_mb, pid))
            await asyncio.sleep(0.1)
    return most


async def flooded(directory: Path, seconds: float) -> tuple[float, Counter[str], bool]:
    """The most private MB, what became of each connection, and whether the same Envoy answers afterwards."""
    async with running_app() as port:
        starting = sidecar(directory, port)
        made = await asyncio.to_thread(starting.__enter__)
        try:
            watching = asyncio.create_task(peak(made.pid))
            ports = (made.ports["ingress"], made.egress(UPSTREAMS[0]))
            outcomes = Counter(await asyncio.gather(*(asked(one, ports, seconds) for one in range(CONNECTIONS))))
            watching.cancel()
            most = await watching
            return most, outcomes, await asyncio.to_thread(is_well, made)
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)


def is_well(made: Sidecar) -> bool:
    """The process still runs, and both directions answer within the patience."""
    ports = (made.ports["ingress"], made.egress(UPSTREAMS[0]))
    try:
        eventually(lambda: all(fetched(f"{HERE}:{port}", "/")[0] == 200 for port in ports))
    except TimeoutError:
        return False
    return made.process.poll() is None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a third of the time")
    return parser.parse_args()


def main() -> int:
    share = 1 / 3 if arguments().short else 1.0
    with short_directory() as directory:
        calm_mb, failed = calm(directory, CALM_S * share)
    with short_directory() as directory:
        most, outcomes, is_alive = asyncio.run(flooded(directory, FLOOD_S * share))
    figures = [
        Figure(f"{len(UPSTREAMS)} upstreams at {RATE:.0f} requests/s: private", calm_mb["load"], CALM_LIMIT_MB, "MB"),
        Figure("of it at rest", calm_mb["rest"], None, "MB"),
        Figure("with the pages of the program (RSS)", calm_mb["all"], None, "MB"),
        Figure("requests that failed", failed, 0),
        Figure(f"{CONNECTIONS:,} connections with bodies of {BODY >> 20} MiB: private", most, FLOOD_LIMIT_MB, "MB"),
        Figure("the same Envoy answers afterwards", float(is_alive), 1, at_least=True),
        *(Figure(f"connections: {name}", times) for name, times in sorted(outcomes.items())),
    ]
    return report("envoy_memory", figures, ("memory of the task as the platform's default has it: 64 MB",))


if __name__ == "__main__":
    sys.exit(main())
