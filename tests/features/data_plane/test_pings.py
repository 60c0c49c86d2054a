"""Quiet streams: a server of gRPC that counts pings is not pinged, and a host that is gone without a word is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from support.far_host import SERVICE, far_host
from support.street import Sidecar, Street

# Longer than three pings every 15 s would take, of which a server that allows one per five minutes forgives one.
QUIET_S = 60
# Notice of a dead host comes after 45 s; without it a stream ends after 5 minutes.
NOTICED_S = 120
# As they are by default (grpc, doc/keepalive.md), but for one strike less.
STRICT = (("grpc.http2.max_ping_strikes", 1), ("grpc.http2.min_ping_interval_without_data_ms", 300_000))


async def quiet(request: bytes, _: Any) -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.sleep(QUIET_S)
    yield b"last"


async def strict(street: Street) -> int:
    """The port of a server that ends a connection on which it is pinged too often."""
    server = grpc.aio.server(options=STRICT)
    handlers = {"Quiet": grpc.unary_stream_rpc_method_handler(quiet)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    street.stack.push_async_callback(server.stop, 0)
    return port


async def calling(street: Street, upstream: str, **knobs: Any) -> Sidecar:
    upstreams = {upstream: {"protocol": "grpc", "stream": True, **knobs}}
    shop = await street.sidecar({"service": "shop", "port": "none", "upstreams": upstreams})
    if not knobs:
        await street.knows(shop, upstream, 1)
    return shop


async def channel(street: Street, shop: Sidecar, upstream: str) -> Any:
    opened = grpc.aio.insecure_channel(f"127.0.0.1:{shop.ports[f'egress_{upstream}']}")
    return await street.stack.enter_async_context(opened)


async def words(street: Street, service: str, *, has_sidecar: bool) -> list[bytes]:
    """All that a quiet stream of that service says."""
    port = await strict(street)
    words = await street.sidecar({"service": service, "protocol": "grpc"}, port) if has_sidecar else None
    street.discovery.names(service, words.ports["ingress"] if words else port)
    shop = await channel(street, await calling(street, service), service)
    return [word async for word in shop.unary_stream(f"/{SERVICE}/Quiet")(b"")]


async def test_a_server_that_counts_pings_keeps_a_quiet_stream_with_a_sidecar_and_without_one(street: Street) -> None:
    said = await asyncio.gather(words(street, "meshed", has_sidecar=True), words(street, "plain", has_sidecar=False))
    assert said == [[b"first", b"last"]] * 2


@pytest.mark.needs("ip")
async def test_streams_end_when_their_host_is_gone_without_a_word(street: Street) -> None:
    """One in which nothing moves, and one in which what was sent is never acknowledged."""
    async with far_host() as host:
        one, each = [await channel(street, await calling(street, "far", address=host.place), "far") for _ in "ab"]
        still, moving = one.unary_stream(f"/{SERVICE}/One")(b""), each.stream_stream(f"/{SERVICE}/Each")()
        await moving.write(b"word")
        assert (await still.read(), await moving.read()) == (b"word", b"word")
        await host.gone()
        await moving.write(b"lost")
        async with asyncio.timeout(NOTICED_S):
            for call in (still, moving):
                with pytest.raises(grpc.aio.AioRpcError):
                    await call.read()
