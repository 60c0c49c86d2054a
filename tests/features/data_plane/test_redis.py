"""Redis through two sidecars, with a real server: pipelines, a password, several apps at once, and the way out."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from support.redis_cart import cart
from support.street import Sidecar, Street, ended

pytestmark = pytest.mark.needs("redis")
PASSWORD = 'pa"ss {{ word }}'


async def answered(sidecar: Sidecar, said: bytes, ending: bytes) -> bytes:
    """What comes back until it ends so; all of it where the connection ends first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sidecar.ports["egress_sessions"])
    writer.write(said)
    try:
        async with asyncio.timeout(10):
            return await reader.readuntil(ending)
    except asyncio.IncompleteReadError as error:
        return error.partial
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_c12_pipelines_of_many_apps_are_answered_in_order_and_never_crossed(
    street: Street, redis_bin: str
) -> None:
    shop = await cart(street, await street.redis(redis_bin))

    async def pipelined(number: int) -> bytes:
        said = b"".join(b"SET k%d-%d v%d-%d\r\nGET k%d-%d\r\n" % ((number, each) * 3) for each in range(50))
        return await answered(shop, said + b"ECHO end\r\n", b"end\r\n")

    for number, answer in enumerate(await asyncio.gather(*(pipelined(number) for number in range(20)))):
        values = [line for line in answer.split(b"\r\n") if line.startswith(b"v")]
        assert values == [b"v%d-%d" % (number, each) for each in range(50)]


async def test_c12_a_redis_that_is_gone_is_an_error_at_once_and_answers_again_when_it_is_back(
    street: Street, redis_bin: str
) -> None:
    port = await street.redis(redis_bin)
    shop = await cart(street, port)
    assert await answered(shop, b"SET a 1\r\n", b"\r\n") == b"+OK\r\n"
    await street.shows(shop, r"^envoy_redis_command_set_total\{.*egress_sessions.*\} 1$")
    await ended(street.programs[-1])
    assert (await answered(shop, b"GET a\r\n", b"\r\n")).startswith(b"-")
    await street.redis(redis_bin, port=port)
    assert await answered(shop, b"PING\r\nSET a 2\r\nGET a\r\n", b"$1\r\n2\r\n") == b"+PONG\r\n+OK\r\n$1\r\n2\r\n"


async def test_the_password_is_the_templates_and_the_app_needs_none(street: Street, redis_bin: str) -> None:
    street.secret = PASSWORD
    port = await street.redis(redis_bin, "--requirepass", PASSWORD)
    without = await cart(street, port)
    assert (await answered(without, b"GET a\r\n", b"\r\n")).startswith(b"-NOAUTH")
    shop = await cart(street, port, knobs={"password": {"vault": "secret/data/cart#password"}})
    assert await answered(shop, b"SET a 1\r\n", b"\r\n") == b"+OK\r\n"


async def test_what_the_proxy_refuses_passes_by_protocol_tcp(street: Street, redis_bin: str) -> None:
    sessions = await street.sidecar({"service": "sessions", "protocol": "tcp"}, await street.redis(redis_bin))
    street.discovery.names("sessions", sessions.ports["ingress"])
    upstreams = {"sessions": {"protocol": "tcp"}}
    shop = await street.sidecar({"service": "cart", "port": "none", "upstreams": upstreams})
    await street.knows(shop, "sessions", 1)
    assert b"subscribe" in await answered(shop, b"SUBSCRIBE news\r\n", b":1\r\n")
    assert b"jobs" in await answered(shop, b"RPUSH jobs 1\r\nBLPOP jobs 0\r\n", b"$1\r\n1\r\n")
