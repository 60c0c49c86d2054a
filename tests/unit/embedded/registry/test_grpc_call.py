"""The gRPC probe against a real gRPC server, and against servers that speak something else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import h2.config
import h2.connection
import h2.events
import pytest
from outrider_embedded.registry import probe_grpc
from outrider_embedded.registry.definition import Definition
from outrider_embedded.registry.grpc_call import UnaryCall
from outrider_embedded.registry.probe_result import ProbeResult
from support.grpc_health import grpc_health


async def probed(target: str, patience: float = 5.0) -> ProbeResult:
    return await probe_grpc.verdict(Definition(kind="grpc", target=target, interval=1.0, timeout=patience))


@pytest.mark.parametrize("name", ["", "shop.Cart", "s" * 127, "s" * 128, "é" * 150, "s" * 16_000])
async def test_a_service_is_asked_for_by_its_name_however_long(name: str) -> None:
    async with grpc_health(1, known=name) as address:
        found = await probed(f"{address}/{name}")
    assert (found.status, found.output) == ("passing", f"gRPC check {address}/{name}: success")


@pytest.mark.parametrize("state", [0, 2, 3])
async def test_a_service_that_does_not_serve_is_critical(state: int) -> None:
    async with grpc_health(state) as address:
        found = await probed(address)
    assert (found.status, found.output) == ("critical", "gRPC application didn't report service healthy")


async def test_a_service_that_the_server_does_not_know_is_refused_in_words() -> None:
    async with grpc_health(1, known="shop.Cart") as address:
        found = await probed(f"{address}/shop.Basket")
    assert found.status == "critical"
    assert "it has no grpc.health.v1.Health or does not know the service" in found.output


@contextlib.asynccontextmanager
async def server(*said: bytes) -> AsyncGenerator[str]:
    """Says that to whoever comes, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.writelines(said)
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        yield f"127.0.0.1:{running.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "the server does not speak HTTP/2"),
        (
            b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8),
            "broke the call off",
        ),
        (
            b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x00\x04\x03\x00\x00\x00\x00\x01" + bytes(4),
            "broke the call off",
        ),
        (b"", "connection closed"),
        (b"\x00\x00\x00\x04\x00", "connection closed"),
    ],
)
async def test_what_is_no_answer_is_told_as_what_it_is(said: bytes, told: str) -> None:
    async with server(said) as address:
        found = await probed(address)
    assert found.status == "critical"
    assert found.output.startswith("rpc error: code = Unavailable desc = ")
    assert told in found.output


async def test_a_server_that_says_nothing_has_its_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as running:
        found = await probed(f"127.0.0.1:{running.sockets[0].getsockname()[1]}", patience=0.1)
    assert found.status == "critical"


def test_an_answer_in_pieces_is_one_and_settings_are_acknowledged() -> None:
    call, other = (
        UnaryCall("a:1", "/x", b"m", is_tls=True),
        h2.connection.H2Connection(h2.config.H2Configuration(client_side=False)),
    )
    other.initiate_connection()
    (asked,) = [one for one in other.receive_data(call.to_send()) if isinstance(one, h2.events.RequestReceived)]
    assert dict(asked.headers)[b":scheme"] == b"https"
    other.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
    other.send_data(1, b"\0\0\0\0\2", pad_length=9)
    other.send_data(1, b"\x08\x01")
    other.send_headers(1, [("grpc-status", "0")], end_stream=True)
    pieces = [bytes([one]) for one in other.data_to_send()]
    assert [call.answer(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [b"\x08\x01"]
    assert any(isinstance(one, h2.events.SettingsAcknowledged) for one in other.receive_data(call.to_send()))


async def test_a_server_that_waits_for_its_settings_to_be_acknowledged_is_answered() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        here.initiate_connection()
        writer.write(here.data_to_send())
        while received := await reader.read(65_536):
            events = here.receive_data(received)
            if any(isinstance(one, h2.events.SettingsAcknowledged) for one in events):
                here.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
                here.send_data(1, b"\0\0\0\0\2\x08\x01", end_stream=True)
            writer.write(here.data_to_send())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as running:
        found = await probed(f"127.0.0.1:{running.sockets[0].getsockname()[1]}")
    assert found.status == "passing"
