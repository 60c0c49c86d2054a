"""The HTTP/2 frames of one unary gRPC call (RFC 9113; headers as RFC 7541 literals without a table)."""

from __future__ import annotations

import asyncio
import struct

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x6, 0x7
_END_STREAM, _END_HEADERS, _ACK, _PADDED = 0x1, 0x4, 0x1, 0x8
_STREAM = 1
_SHORT_STRING = 127
_LONGEST_FRAME = 16384
_MESSAGE_HEAD = 5  # one byte of compression, four of length


def unary_call(authority: str, path: str, message: bytes, *, is_tls: bool) -> bytes:
    """Preface, settings, headers and the one message of a call on stream 1."""
    fields = (
        (":method", "POST"),
        (":scheme", "https" if is_tls else "http"),
        (":path", path),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "Consul Health Check"),
    )
    block = b"".join(b"\x00" + _string(name) + _string(value) for name, value in fields)
    body = struct.pack(">BI", 0, len(message)) + message
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, _STREAM, block)
        + _frame(_DATA, _END_STREAM, _STREAM, body)
    )


async def unary_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The message that comes back; raises ValueError where the call ends without one."""
    body = b""
    while True:
        kind, flags, stream, payload = await _next_frame(reader)
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            writer.write(_frame(_PING, _ACK, 0, payload))
        elif kind in {_RESET, _GOAWAY}:
            raise ValueError("the server broke the call off")
        elif stream == _STREAM and kind == _DATA:
            body += _unpadded(flags, payload)
        if stream == _STREAM and kind in {_DATA, _HEADERS} and flags & _END_STREAM:
            return _message(body)


def _message(body: bytes) -> bytes:
    if len(body) < _MESSAGE_HEAD:
        raise ValueError("the server refused the call: it has no grpc.health.v1.Health or does not know the service")
    return body[_MESSAGE_HEAD:]


async def _next_frame(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    head = await reader.readexactly(9)
    length = int.from_bytes(head[:3], "big")
    if length > _LONGEST_FRAME:
        raise ValueError("the server does not speak HTTP/2")
    stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
    return head[3], head[4], stream, await reader.readexactly(length)


def _unpadded(flags: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _string(text: str) -> bytes:
    raw = text.encode()
    if len(raw) < _SHORT_STRING:
        return bytes([len(raw)]) + raw
    rest = len(raw) - _SHORT_STRING
    head = bytearray([_SHORT_STRING])
    while rest >= 128:  # noqa: PLR2004  # seven bits a byte, RFC 7541 5.1
        head.append(rest % 128 + 128)
        rest //= 128
    return bytes([*head, rest]) + raw
