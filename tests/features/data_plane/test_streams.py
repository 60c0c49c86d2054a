"""HTTP that is more than a request and an answer: kept connections, chunks, server-sent events, websockets."""

from __future__ import annotations

import asyncio
import http.client

import pytest
import websockets
from support.http_app import Request
from support.street import Json, Sidecar, Street, pair

CHUNK = b"5\r\ntick\n\r\n"


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


async def ticking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Five events in 1.25 seconds, chunked."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(5):
        writer.write(CHUNK)
        await writer.drain()
        await asyncio.sleep(0.25)
    writer.write(b"0\r\n\r\n")


async def calling(street: Street, app_port: int, knobs: Json) -> Sidecar:
    feed = await street.sidecar({"service": "feed"}, app_port)
    street.discovery.names("feed", feed.ports["ingress"])
    caller = await street.sidecar({"service": "shop", "port": "none", "upstreams": {"feed": knobs}})
    await street.knows(caller, "feed", 1)
    return caller


def asked_on_one_connection(port: int, requests: int) -> list[bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    answers: list[bytes] = []
    for _ in range(requests):
        connection.request("POST", "/", body=iter([b"one ", b"two"]), encode_chunked=True)
        answers.append(connection.getresponse().read())
    connection.close()
    return answers


async def test_requests_share_a_connection_and_chunked_bodies_arrive_whole(street: Street) -> None:
    there = await pair(street, good)
    port = there.caller.ports["egress_payments"]
    assert await asyncio.to_thread(asked_on_one_connection, port, 5) == [b"good"] * 5
    assert [request.body for request in there.apps[0].seen] == [b"one two"] * 5
    await street.shows(there.caller, r'http_downstream_cx_total\{.*"egress_payments".*\} 1$')
    await street.shows(there.caller, r'cluster_upstream_cx_total\{.*"payments".*\} 1$')


async def test_events_come_one_by_one_and_outlast_the_timeout_of_others(street: Street) -> None:
    caller = await calling(street, await street.server(ticking), {"stream": True})
    loop, came = asyncio.get_running_loop(), list[float]()
    async with street.client.stream("GET", caller.egress("feed")) as answer:
        async for chunk in answer.aiter_raw():
            came.extend([loop.time()] * chunk.count(b"tick"))
    assert len(came) == 5
    assert came[-1] - came[0] > 0.5


async def test_without_stream_the_same_events_are_cut_at_the_timeout(street: Street) -> None:
    caller = await calling(street, await street.server(ticking), {"timeout": "500ms", "retries": 0})
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.ports["egress_feed"])
    writer.write(b"GET / HTTP/1.1\r\nhost: feed\r\n\r\n")
    async with asyncio.timeout(10):
        said = await reader.read()
    writer.close()
    assert 1 <= said.count(b"tick") < 5
    assert not said.endswith(b"0\r\n\r\n")


async def websocket_echo(street: Street) -> int:
    async def mirrored(connection: websockets.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    server = await street.stack.enter_async_context(websockets.serve(mirrored, "127.0.0.1", 0))
    return next(iter(server.sockets)).getsockname()[1]


@pytest.mark.parametrize("knobs", [{"stream": True}, {"timeout": "800ms"}])
async def test_a_websocket_carries_messages_both_ways_for_as_long_as_it_is_open(street: Street, knobs: Json) -> None:
    caller = await calling(street, await websocket_echo(street), knobs)
    async with websockets.connect(f"ws://127.0.0.1:{caller.ports['egress_feed']}", proxy=None) as connection:
        for message in ("text", b"bytes", "x" * 100_000):
            await connection.send(message)
            assert await connection.recv() == message
        await asyncio.sleep(1.2)
        await connection.send("late")
        assert await connection.recv() == "late"
