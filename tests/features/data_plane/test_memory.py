"""What a sidecar's memory holds under a thousand connections with large bodies: it sheds load and stays alive."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from outrider_harness.usage import mapped
from support.http_app import Request
from support.street import Sidecar, Street

CONNECTIONS = 1_000
LIMIT_MB = 64
# Envoy's timers, so that a test need not wait for a minute.
SOON = {
    "merge": {
        "overload_manager": {
            "actions": {
                "envoy.overload_actions.reduce_timeouts": {
                    "typed_config": {"timer_scale_factors": {"0": {"min_timeout": "1s"}}}
                }
            }
        }
    }
}
BODY = b"x" * 200_000


def memory_mb(sidecar: Sidecar) -> float:
    """Private memory: pages of the program itself are shared and can be dropped (proc(5))."""
    return mapped(sidecar.process.pid)["Anonymous"] / 2**20


async def test_c10_a_thousand_connections_with_large_bodies_stay_within_the_memory(street: Street) -> None:
    everybody_is_there = asyncio.Event()

    async def slow(request: Request) -> tuple[int, bytes]:
        await everybody_is_there.wait()
        return 200, BODY

    app = await street.app(slow)
    payments = await street.sidecar({"service": "payments"}, app.port, {"sidecar": {"memory": {"envoy": LIMIT_MB}}})
    peaks, sent, stop = list[float](), list[int](), asyncio.Event()

    async def watching() -> None:
        while not stop.is_set():
            peaks.append(memory_mb(payments))
            await asyncio.sleep(0.1)
            if len(sent) == CONNECTIONS:
                everybody_is_there.set()

    async def sending() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", payments.ports["ingress"])
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY)
        sent.append(1)
        try:
            async with asyncio.timeout(60):
                return await reader.readline()
        except (ConnectionError, TimeoutError):
            return b""
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    watch = asyncio.create_task(watching())
    firsts = await asyncio.gather(*(sending() for _ in range(CONNECTIONS)))
    stop.set()
    await watch
    answered = Counter(firsts)
    assert max(peaks) < LIMIT_MB
    assert answered[b"HTTP/1.1 200 OK\r\n"] > CONNECTIONS / 10
    assert answered[b""] > CONNECTIONS / 4  # closed: more connections than the memory is good for
    assert (await street.client.get(payments.metrics + "/health")).status_code in {200, 503}
    assert payments.process.returncode is None


Held = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def held(sidecar: Sidecar) -> Held:
    """A connection at ingress that has had an answer and says no more, or was closed at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sidecar.ports["ingress"])
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    return reader, writer


def closed(connections: list[Held]) -> int:
    return sum(reader.at_eof() for reader, _ in connections)


async def ended(connection: Held) -> None:
    reader, writer = connection
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()


async def test_idle_connections_are_bounded_and_make_room_where_they_are_many(street: Street) -> None:
    async def empty(_: Request) -> tuple[int, bytes]:
        return 200, b""

    app = await street.app(empty)
    few = {"sidecar": {"memory": {"envoy": 32}}, "patches": {"soon": SOON}}
    payments = await street.sidecar({"service": "payments", "patches": ["soon"]}, app.port, few)
    idle = [await held(payments) for _ in range(200)]
    await asyncio.sleep(3)
    assert closed(idle) == 0
    more = [await held(payments) for _ in range(150)]
    assert closed(more) > 0
    assert memory_mb(payments) < 32
    async with asyncio.timeout(60):
        await asyncio.gather(*(ended(connection) for connection in (*idle, *more)))
    assert (await street.client.get(payments.ingress)).status_code == 200
