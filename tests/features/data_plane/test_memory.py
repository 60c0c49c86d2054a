"""What a sidecar's memory holds under a thousand connections with large bodies: it sheds load and stays alive."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

from support.http_app import Request
from support.street import Sidecar, Street

CONNECTIONS = 1_000
LIMIT_MB = 64
BODY = b"x" * 200_000


def memory_mb(sidecar: Sidecar) -> float:
    """Private memory: pages of the program itself are shared and can be dropped (proc(5))."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{sidecar.process.pid}/status").read_text().splitlines())
    return int(rows["RssAnon"].split()[0]) / 1_024


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
