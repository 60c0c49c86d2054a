"""A server that speaks just enough HTTP/2 and gRPC to answer grpc.health.v1.Health/Check."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncGenerator

_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_STATUS_200 = b"\x88"


@contextlib.asynccontextmanager
async def grpc_health(state: int) -> AsyncGenerator[str]:
    """``state`` is that of HealthCheckResponse (1 is SERVING); yields ``host:port``."""
    message = bytes([0x08, state])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readexactly(24)
            writer.write(_frame(_SETTINGS, 0, 0, b""))
            while True:
                await _answer_frame(reader, writer, message)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _answer_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> None:
    head = await reader.readexactly(9)
    kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
    payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
    if kind == _SETTINGS and not flags & _ACK:
        writer.write(_frame(_SETTINGS, _ACK, 0, b""))
    if kind == _PING and not flags & _ACK:
        writer.write(_frame(_PING, _ACK, 0, payload))
    if kind == _DATA and flags & _END_STREAM:
        writer.write(
            _frame(_HEADERS, _END_HEADERS, stream, _STATUS_200 + _header(b"content-type", b"application/grpc"))
            + _frame(_DATA, 0, stream, struct.pack(">BI", 0, len(message)) + message)
            + _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _header(b"grpc-status", b"0"))
        )
    await writer.drain()


def _header(name: bytes, value: bytes) -> bytes:
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
