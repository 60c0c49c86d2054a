"""What happens to connections between two sidecars: TCP passes, redis is understood, both find another instance."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

Street = Any


async def exchanged(port: int, said: bytes, until: bytes) -> bytes:
    """What comes back on a connection of its own, up to and with ``until``; less where it breaks off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.readuntil(until)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"echo " + line)
        await writer.drain()


async def echoing(street: Street) -> int:
    server = await asyncio.start_server(street.connections.handler(echo), "127.0.0.1", 0)
    street.stack.push_async_callback(street.connections.close, server)
    return server.sockets[0].getsockname()[1]


async def test_bytes_pass_both_sidecars_and_a_dead_endpoint_costs_no_connection(street: Street) -> None:
    ledger = await street.sidecar({"service": "ledger", "protocol": "tcp"}, await echoing(street))
    dead = await echoing(street)
    street.discovery.names("ledger", ledger.ports["ingress"], dead + 1 if dead < 65_000 else 1)
    spec = {"service": "reports", "port": "none", "upstreams": {"ledger": {"protocol": "tcp", "retries": 2}}}
    reports = await street.sidecar(spec)
    await street.knows(reports, "ledger", 2)
    answers = [await exchanged(reports.ports["egress_ledger"], b"hello\n", b"\n") for _ in range(8)]
    assert set(answers) == {b"echo hello\n"}


async def test_connections_above_the_limit_are_closed(street: Street) -> None:
    ledger = await street.sidecar({"service": "ledger", "protocol": "tcp"}, await echoing(street))
    street.discovery.names("ledger", ledger.ports["ingress"])
    upstreams = {"ledger": {"protocol": "tcp", "limit": 2, "retries": 0}}
    reports = await street.sidecar({"service": "reports", "port": "none", "upstreams": upstreams})
    await street.knows(reports, "ledger", 1)
    port = reports.ports["egress_ledger"]
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    for reader, writer in held:
        writer.write(b"hello\n")
        assert await reader.readline() == b"echo hello\n"
    assert await exchanged(port, b"hello\n", b"\n") == b""
    for _, writer in held:
        writer.close()
        await writer.wait_closed()


@pytest.mark.needs("redis")
async def test_redis_commands_pass_and_what_the_proxy_cannot_do_is_an_error(
    street: Street, redis_bin: str, tmp_path: Path
) -> None:
    port = await street.redis(redis_bin)
    sessions = await street.sidecar({"service": "sessions", "protocol": "redis"}, port)
    street.discovery.names("sessions", sessions.ports["ingress"])
    cart = await street.sidecar({"service": "cart", "port": "none", "upstreams": {"sessions": {"protocol": "redis"}}})
    await street.knows(cart, "sessions", 1)
    proxy = cart.ports["egress_sessions"]
    assert await exchanged(proxy, b"SET a 1\r\nINCR a\r\nGET a\r\n", b"$1\r\n2\r\n") == b"+OK\r\n:2\r\n$1\r\n2\r\n"
    for refused in (b"SUBSCRIBE a\r\n", b"BLPOP a 0\r\n"):
        assert (await exchanged(proxy, refused, b"\r\n")).startswith(b"-")
    counted = (await street.client.get(cart.metrics + "/stats/prometheus")).text
    assert 'envoy_redis_command_incr_total{outrider_service="cart"' in counted
    assert 'envoy_redis_prefix="egress_sessions"' in counted
