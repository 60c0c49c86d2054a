"""gRPC through two sidecars, with a real server, its health service and a real client: unary and streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from support.street import Sidecar, Street

Aio = Any
# What the stubs lack.
HEALTH: Any = health
EOF: Any = grpc.aio.EOF  # pyright: ignore[reportAttributeAccessIssue]


async def once(request: bytes, context: Aio) -> bytes:
    return b"once " + request


async def late(request: bytes, context: Aio) -> bytes:
    await asyncio.sleep(10)
    return b"late"


async def counted(request: bytes, context: Aio) -> AsyncIterator[bytes]:
    for number in range(5):
        yield b"%d" % number
        await asyncio.sleep(0.05)


async def summed(requests: AsyncIterator[bytes], context: Aio) -> bytes:
    return b"%d" % sum([int(request) async for request in requests])


async def mirrored(requests: AsyncIterator[bytes], context: Aio) -> AsyncIterator[bytes]:
    async for request in requests:
        yield b"mirrored " + request


HANDLERS = {
    "Once": grpc.unary_unary_rpc_method_handler(once),
    "Late": grpc.unary_unary_rpc_method_handler(late),
    "Counted": grpc.unary_stream_rpc_method_handler(counted),
    "Summed": grpc.stream_unary_rpc_method_handler(summed),
    "Mirrored": grpc.stream_stream_rpc_method_handler(mirrored),
}


async def serving(street: Street) -> tuple[int, Any]:
    """The port of a gRPC server, and the health that it tells."""
    server, told = grpc.aio.server(), HEALTH.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(told, server)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Prices", HANDLERS),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    street.stack.push_async_callback(server.stop, 0)
    return port, told


async def channel(street: Street, port: int) -> Any:
    return await street.stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))


async def prices(street: Street, **knobs: Any) -> tuple[Any, Sidecar]:
    """A channel from a caller to the service, and the caller."""
    port, _ = await serving(street)
    callee = await street.sidecar({"service": "prices", "protocol": "grpc"}, port)
    street.discovery.names("prices", callee.ports["ingress"])
    upstreams = {"prices": {"protocol": "grpc", **knobs}}
    caller = await street.sidecar({"service": "shop", "port": "none", "upstreams": upstreams})
    await street.knows(caller, "prices", 1)
    return await channel(street, caller.ports["egress_prices"]), caller


async def test_a_unary_call_passes_with_its_metadata_and_ends_at_the_timeout_of_the_upstream(street: Street) -> None:
    shop, _ = await prices(street, timeout="1s")
    assert await shop.unary_unary("/shop.Prices/Once")(b"a", metadata=[("tenant_id", "7")]) == b"once a"
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await shop.unary_unary("/shop.Prices/Late")(b"")
    assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_streams_of_either_side_and_both_pass_and_are_not_cut_by_a_total_timeout(street: Street) -> None:
    shop, _ = await prices(street, stream=True)
    answers = [answer async for answer in shop.unary_stream("/shop.Prices/Counted")(b"")]
    assert answers == [b"0", b"1", b"2", b"3", b"4"]
    assert await shop.stream_unary("/shop.Prices/Summed")(iter([b"1", b"2", b"3"])) == b"6"
    call = shop.stream_stream("/shop.Prices/Mirrored")()
    for said in (b"a", b"b"):
        await call.write(said)
        assert await call.read() == b"mirrored " + said
    await call.done_writing()
    assert await call.read() == EOF


async def test_a_method_that_is_not_there_is_the_servers_own_answer(street: Street) -> None:
    shop, _ = await prices(street)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await shop.unary_unary("/shop.Prices/Missing")(b"")
    assert failure.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "Method not found" in (failure.value.details() or "")


async def test_without_an_instance_a_call_is_unavailable_at_once(street: Street) -> None:
    shop, caller = await prices(street)
    street.discovery.names("prices")
    await street.knows(caller, "prices", 0)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await shop.unary_unary("/shop.Prices/Once")(b"")
    assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_b14_a_call_that_meets_another_service_is_sent_elsewhere(street: Street) -> None:
    shop, caller = await prices(street)
    other_port, _ = await serving(street)
    other = await street.sidecar({"service": "taxes", "protocol": "grpc"}, other_port)
    street.discovery.endpoints["prices"].append(other.ports["ingress"])
    await street.knows(caller, "prices", 2)
    assert [await shop.unary_unary("/shop.Prices/Once")(b"a") for _ in range(10)] == [b"once a"] * 10


async def test_the_health_service_passes_and_its_checks_are_exempt_from_the_rate(street: Street) -> None:
    port, told = await serving(street)
    spec = {"service": "prices", "protocol": "grpc", "checks": [{"grpc": True}], "ingress": {"rate": 1}}
    sidecar = await street.sidecar(spec, port)
    stub: Any = health_pb2_grpc.HealthStub(await channel(street, sidecar.ports["ingress"]))
    request = health_pb2.HealthCheckRequest()
    assert {(await stub.Check(request)).status for _ in range(8)} == {health_pb2.HealthCheckResponse.SERVING}
    await told.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING
